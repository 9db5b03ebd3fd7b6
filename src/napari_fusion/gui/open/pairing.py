"""Which two of the series found belong together? Anatomy and function of one scan come first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_fusion.io import Series

ANATOMY, FUNCTION = ("CT", "MR"), ("PT", "NM")

Pair = tuple["Series", "Series"]


def best_pair(found: Sequence[Series]) -> Pair | None:
    """Propose anatomy and function, or two kinds of anatomy; None when nothing belongs together.

    Those of one study and frame of reference come first, then what reads without a doubt, what is
    corrected for attenuation, CT, and the larger series. Series of different patients, refused
    ones and two of one kind are never a pair.

    Parameters
    ----------
    found
        What `scan` gave.

    Returns
    -------
    tuple of Series or None
        Anatomy first: it is the one to stay fixed.
    """
    usable = [one for one in found if one.light != "red"]
    pairs = [_ordered(a, b) for a, b in combinations(usable, 2)]
    fitting = [pair for pair in pairs if _fits(*pair)]
    return max(fitting, key=_merit, default=None)


def why(pair: Pair) -> str:
    """Say in one sentence why these two are proposed."""
    first, second = pair
    names = f"{first.modality} and {second.modality}"
    if _one_frame(pair) and _one_study(pair):
        return f"Proposed: {names} of the same study and frame of reference."
    if _one_frame(pair):
        return f"Proposed: {names} of one frame of reference."
    return f"Proposed: {names}; nothing says that they lie on each other, so align them."


def _ordered(a: Series, b: Series) -> Pair:
    rank = (*ANATOMY, *FUNCTION)
    known = [rank.index(one.modality) if one.modality in rank else len(rank) for one in (a, b)]
    return (a, b) if known[0] <= known[1] else (b, a)


def _fits(a: Series, b: Series) -> bool:
    if a.patient and b.patient and a.patient != b.patient:
        return False
    return (
        a.modality in ANATOMY and b.modality in (*ANATOMY, *FUNCTION) and a.modality != b.modality
    )


def _merit(pair: Pair) -> tuple[float, ...]:
    a, b = pair
    return (
        b.modality in FUNCTION,
        _one_frame(pair) and _one_study(pair),
        _one_frame(pair),
        _one_study(pair),
        -abs(a.frames - 1) - abs(b.frames - 1),
        b.attenuation_corrected is not False,
        [a.light, b.light].count("green"),
        a.modality == "CT",
        min(a.slices, b.slices),
        a.slices + b.slices,
    )


def _one_frame(pair: Pair) -> bool:
    return bool(pair[0].frame_uid) and pair[0].frame_uid == pair[1].frame_uid


def _one_study(pair: Pair) -> bool:
    return bool(pair[0].study_uid) and pair[0].study_uid == pair[1].study_uid
