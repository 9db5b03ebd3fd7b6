"""What is known of two alignments in a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration import stretch
from napari_fusion.registration.bending import INVERSE_MM
from napari_fusion.registration.gate import PASS_UNCERTAINTY_MM
from napari_fusion.registration.pair import Pair, doubted
from napari_fusion.registration.quality import Quality, as_form

if TYPE_CHECKING:
    from napari_fusion.registration.alignment import Alignment


RESIDUAL = "chain_residual_mm"
"""What a quality calls the distance of one field from the two it stands for, at most."""

IN_A_ROW = " Alignments in a row:"
"""Starts what is added to the sentence of the worst one, once however many they are."""


def chained(
    first: Alignment, second: Alignment, whole: NDArray[np.float64], off: float = 0.0
) -> Quality:
    """Judge two alignments in a row: the worse verdict, both uncertainties, no PASS beyond limits.

    Parameters
    ----------
    first, second
        a → b and b → c.
    whole
        (4, 4) of the linear parts of both, a → c.
    off
        How far the one field of both is from both in a row, at most, in mm.
    """
    quality = _both(first.quality, second.quality, first.matrix)
    residual = off + _residual(first.quality) + _residual(second.quality)
    if residual:
        quality = quality.model_copy(update={"numbers": {RESIDUAL: residual}})
    if quality.verdict != "PASS":
        return quality
    if apart(first.judged_on, second.judged_on):
        return doubted("These alignments were judged on different volumes in the middle")
    for wrong, words in (
        *stretch.doubts(stretch.measured(whole)[0]),
        _unsure(first, second),
        _off(residual, first, second),
    ):
        if wrong:
            return quality.model_copy(update={"verdict": "CHECK", "sentence": words})
    return quality


def apart(first: Pair | None, second: Pair | None) -> bool:
    """Whether one alignment is known to end in other voxels than the next one begins in."""
    if first is None or second is None or not (first[1] and second[0]):
        return False
    return not {*first[1]} & {*second[0]}


def _both(first: Quality, second: Quality, matrix: NDArray[np.float64]) -> Quality:
    """Give the worse verdict and the sum of uncertainties; `matrix` leads to the second's start."""
    worst = max(first, second, key=lambda quality: quality.rank)
    total = _total(first, second)
    a, b = first.uncertainty_form, second.seen_through(matrix).uncertainty_form
    form = None if a is None or b is None else as_form(np.add(a, b))
    both = "" if total is None else f"{IN_A_ROW} uncertainty {total:.1f} mm."
    return Quality(
        verdict=worst.verdict,
        sentence=worst.sentence.split(IN_A_ROW)[0] + both,
        uncertainty_mm=total,
        uncertainty_form=form,
    )


def _residual(quality: Quality) -> float:
    """Give by how much a map is known to miss what it stands for, at most, in mm."""
    return sum(quality.numbers.get(name, 0.0) for name in (RESIDUAL, "inverse_residual_mm"))


def _off(residual: float, first: Alignment, second: Alignment) -> tuple[bool, str]:
    """Doubt a field that misses both in a row by more than their uncertainty, and than is seen."""
    told = max(_total(first.quality, second.quality) or 0.0, INVERSE_MM)
    return residual > told, (
        f"As one field these alignments are up to {residual:.1f} mm off: check edges before use."
    )


def _total(first: Quality, second: Quality) -> float | None:
    if first.uncertainty_mm is None or second.uncertainty_mm is None:
        return None
    return math.hypot(first.uncertainty_mm, second.uncertainty_mm)


def _unsure(first: Alignment, second: Alignment) -> tuple[bool, str]:
    """Doubt more uncertainty than the gate lets pass, and than either had alone."""
    qualities = first.quality, second.quality
    total = _total(*qualities) or 0.0
    unit = min(quality.numbers.get("unit", 1.0) for quality in qualities)
    alone = max(quality.uncertainty_mm or 0.0 for quality in qualities)
    return total > max(PASS_UNCERTAINTY_MM * unit, alone), (
        f"Alignments in a row may be {total:.1f} mm off: check edges before use."
    )
