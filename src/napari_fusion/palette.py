"""Palettes: the colours of the DICOM standard, greys, and two hues that add up to grey."""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fusion.checked import meant
from napari_fusion.errors import ParameterError

Standard = Literal[
    "hot iron", "PET", "hot metal blue", "PET 20 step", "spring", "summer", "fall", "winter"
]
"""The well-known colour palettes of the DICOM standard (PS3.6, annex B)."""

Palette = Literal[Standard, "grey", "inverse grey", "orange", "blue"]
"""Every palette there is. Orange and blue of one brightness add up to that grey."""

RGB = NDArray[np.float32]
"""(..., 3) float32 in [0, 1]."""

# By UID: pydicom's own table of names has fall and winter the wrong way round.
_UIDS = {name: f"1.2.840.10008.1.5.{i}" for i, name in enumerate(get_args(Standard), start=1)}

# First and last colour; told apart by almost every eye, and the sum of the two hues is white.
_RAMPS = {
    "grey": ((0, 0, 0), (1, 1, 1)),
    "inverse grey": ((1, 1, 1), (0, 0, 0)),
    "orange": ((0, 0, 0), (1, 0.5, 0)),
    "blue": ((0, 0, 0), (0, 0.5, 1)),
}


def palettes() -> tuple[str, ...]:
    """Name every palette, those of the standard first."""
    return (*_UIDS, *_RAMPS)


@cache
def palette(name: str) -> RGB:
    """Give the 256 colours of a palette (256, 3), lowest value first; capitals do not matter.

    Raises
    ------
    ParameterError
        There is no such palette.

    Examples
    --------
    >>> palette("inverse grey")[255]
    array([0., 0., 0.], dtype=float32)
    """
    name = next((known for known in palettes() if known.lower() == name.lower()), name)
    if name in _UIDS:
        from pydicom.pixels.processing import apply_color_lut

        colours = apply_color_lut(np.arange(256, dtype=np.uint8), palette=_UIDS[name])
        table: RGB = (colours / np.float32(255)).astype(np.float32)
    elif name in _RAMPS:
        first, last = (np.array(end, np.float32) for end in _RAMPS[name])
        steps = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
        table = first + steps * (last - first)
    else:
        raise ParameterError(
            f"there is no palette {name!r}{meant(name, palettes())}; "
            f"there are: {', '.join(palettes())}"
        )
    table.setflags(write=False)
    return table


def clear_below(name: str, share: float) -> NDArray[np.float32]:
    """Give a palette that is clear at and below a share of its range (256, 4), to lie on anatomy.

    Parameters
    ----------
    name
        As for `palette`.
    share
        Where it becomes opaque, 0 to 1.
    """
    floor = np.floor(share * 255 + 0.5)  # the level that a value at the floor is rounded to
    alpha = (np.arange(256) > floor).astype(np.float32)
    return np.concatenate([palette(name), alpha[:, None]], axis=1)
