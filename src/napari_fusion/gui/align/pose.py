"""A rigid map as six numbers, to be read, typed and repeated."""

from __future__ import annotations

from collections.abc import Sequence

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment

Triple = tuple[float, float, float]
Pose = tuple[Triple, Triple]
"""Shift (LPS mm) and degrees about the L, P and S axis, about the middle of the fixed grid."""

DIGITS = 4
"""Decimals of a pose that is written down: a ten-thousandth of a millimetre."""

STILL: Pose = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def rounded(alignment: Alignment) -> Pose:
    """Give the six numbers of a rigid map, rounded."""
    shift, degrees = alignment.pose()
    return triple([round(x, DIGITS) for x in shift]), triple([round(x, DIGITS) for x in degrees])


def posed(fixed: Grid, moving: Grid, pose: Pose) -> Alignment:
    """Make the map of six numbers."""
    return Alignment.identity(fixed, moving).moved(*pose)


def triple(numbers: Sequence[float]) -> Triple:
    """Make three numbers of what was given.

    Raises
    ------
    ParameterError
        They are not three.
    """
    if len(numbers) != 3:
        raise ParameterError(f"a shift or a turn is three numbers, not {len(numbers)}")
    a, b, c = (float(number) + 0.0 for number in numbers)
    return a, b, c
