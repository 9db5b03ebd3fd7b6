"""Whether the alignment that a search starts from is of the volumes that are searched."""

from __future__ import annotations

from napari_fusion.errors import ParameterError, expect
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files.written import NOWHERE
from napari_fusion.registration.pair import Pair, unlike
from napari_fusion.registration.quality import Quality


def check_start(initial: Alignment, fixed: Grid, moving: Grid) -> None:
    """Refuse a start that is of volumes on other grids; one that names none is of any.

    Raises
    ------
    ParameterError
        It is no alignment, or a grid is another.
    """
    expect(Alignment, initial=initial)
    pairs = (("fixed", initial.fixed, fixed), ("moving", initial.moving, moving))
    for role, own, given in pairs:
        if own != NOWHERE and not own.agrees(given):
            raise ParameterError(
                f"the start (initial) was made for another {role} volume, on another grid: give "
                "one of this pair, or none"
            )


def begun(quality: Quality, initial: Alignment | None, pair: Pair) -> Quality:
    """Say of an answer that its search began at an alignment of other voxels, if it did."""
    others = [] if initial is None else unlike(initial.judged_on, pair)
    if not others:
        return quality
    volumes = " and ".join(f"another {role} volume" for role in others)
    sentence = f"{quality.sentence} The search began at an alignment of {volumes}."
    return quality.model_copy(update={"sentence": sentence})
