"""Several volumes at once: all onto one, or round in a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from napari_fusion.errors import AlignError, ParameterError, Progress, between, expect
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.chain import apart
from napari_fusion.registration.engines import check_engine
from napari_fusion.registration.intensity import align
from napari_fusion.registration.landmarks.errors import lattice
from napari_fusion.registration.landmarks.pairs import points_of
from napari_fusion.registration.masks import check_pair
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.quality import Quality, Verdict
from napari_fusion.volume import Volume

LOOP_VOXELS = 1.5
"""A loop that ends further from its start than this, in voxels of the coarsest volume, is doubted.

Voxels count by their geometric mean edge, so that thick slices do not excuse everything."""

BROKEN = 4.0
"""A loop this many times further off than that holds at least one wrong alignment."""

_DEFAULT = AlignOptions()

T = TypeVar("T", Alignment, Volume)


def align_all(
    fixed: Volume,
    movings: Sequence[Volume],
    options: AlignOptions = _DEFAULT,
    *,
    initials: Sequence[Alignment | None] | None = None,
    masks: tuple[Volume | None, Sequence[Volume | None] | None] = (None, None),
    progress: Progress | None = None,
) -> list[Alignment]:
    """Align several moving volumes to one fixed volume; one that fails does not stop the others.

    Parameters
    ----------
    fixed, movings
        The volumes.
    options
        The same for all.
    initials
        A pose to start from for each moving volume, or None for those without.
    masks
        LABEL volumes as in `align`: one for the fixed volume, and one for each moving volume, or
        None for those without.
    progress
        Told the fraction of the whole; cancels by raising.

    Returns
    -------
    list of Alignment
        In the order of `movings`. Where there was nothing to align, or a mask marks nothing, the
        identity with the verdict "FAIL" and the reason.

    Raises
    ------
    ParameterError
        The number of starts or masks is not that of the moving volumes, or the engine does not
        find such a map.
    MissingExtra
        The engine is not installed.

    Examples
    --------
    >>> from napari_fusion import phantom
    >>> ct, mr, _ = phantom.misaligned_pair(size="small")
    >>> empty = Volume(np.zeros(mr.grid.shape, np.float32), mr.grid)
    >>> [a.quality.verdict for a in align_all(ct, [mr, empty])]
    ['PASS', 'FAIL']
    """
    expect(Volume, fixed=fixed)
    expect(Sequence, movings=movings)
    expect(AlignOptions, options=options)
    check_engine(options)
    for number, volume in enumerate(movings, start=1):
        expect(Volume, **{f"moving volume {number}": volume})
    check_pair(masks)
    starts = _each(Alignment, initials, movings, "starts")
    outlines = _each(Volume, masks[1], movings, "masks")
    found = []
    for i, (moving, start, mask) in enumerate(zip(movings, starts, outlines, strict=True)):
        part = between(progress, i / len(movings), (i + 1) / len(movings))
        pair = masks[0], mask
        try:
            found.append(align(fixed, moving, options, initial=start, masks=pair, progress=part))
        except (AlignError, ParameterError) as error:
            words = str(error)
            reason = Quality(verdict="FAIL", sentence=f"{words[:1].upper()}{words[1:]}.")
            found.append(Alignment.identity(fixed.grid, moving.grid, reason))
    return found


def _each(
    kind: type[T], given: Sequence[T | None] | None, movings: Sequence[Volume], what: str
) -> list[T | None]:
    """Give one for each moving volume, None for those without."""
    if given is not None:
        expect(Sequence, **{what: given})
    each: list[T | None] = [None] * len(movings) if given is None else list(given)
    if len(each) != len(movings):
        raise ParameterError(
            f"{len(each)} {what} were given for {len(movings)} moving volumes: give one each"
        )
    for one in each:
        if one is not None:
            expect(kind, **{f"one of the {what}": one})
    return each


def loop_consistency(*alignments: Alignment, points: ArrayLike | None = None) -> Quality:
    """Go round a loop of volumes, a → b → c → a, and say how far from the start it ends.

    Alignments that are all right close the loop. A loop that does not close holds a wrong one; a
    loop that closes does not prove them right, because errors may cancel.

    Parameters
    ----------
    alignments
        Two or more, each from the volume where the one before it ends, the last to the first.
    points
        (n, 3) places in the first volume, LPS mm; by default 125 spread over its box.

    Returns
    -------
    Quality
        PASS to 1.5 voxels in the mean, FAIL beyond four times that; CHECK where two that meet were
        judged on different volumes. ``loop_mean_mm`` and ``loop_max_mm`` among its numbers.

    Raises
    ------
    ParameterError
        The alignments are no loop, or the points no points.

    Examples
    --------
    >>> from napari_fusion import Grid
    >>> grid = Grid.regular((20, 20, 20))
    >>> shift = Alignment.identity(grid, grid).moved((3.0, 0, 0))
    >>> loop_consistency(shift, shift.inverse()).sentence
    'Going round 2 volumes ends 0.0 mm from the start (0.0 mm at most): the alignments agree.'
    """
    _closed(alignments)
    places = lattice(alignments[0].fixed) if points is None else points_of(points, "the points")
    if not len(places):
        raise ParameterError("a loop is followed from one point or more, and none was given")
    ends = places
    for alignment in alignments:
        ends = alignment.map_points(ends)
    gaps = np.linalg.norm(ends - places, axis=1)
    mean, most = float(gaps.mean()), float(gaps.max())
    voxel = max(float(a.fixed.spacing.prod()) ** (1 / 3) for a in alignments)
    verdict, judgement = _judged(mean / (LOOP_VOXELS * voxel))
    following = (*alignments[1:], alignments[0])
    if verdict == "PASS" and any(map(_apart, alignments, following)):
        verdict, judgement = "CHECK", "but they were judged on other voxels where they meet"
    return Quality(
        verdict=verdict,
        sentence=(
            f"Going round {len(alignments)} volumes ends {mean:.1f} mm from the start "
            f"({most:.1f} mm at most): {judgement}."
        ),
        numbers={"loop_mean_mm": mean, "loop_max_mm": most, "loop_limit_mm": LOOP_VOXELS * voxel},
    )


def _judged(share: float) -> tuple[Verdict, str]:
    if share <= 1:
        return "PASS", "the alignments agree"
    if share <= BROKEN:
        return "CHECK", "they do not quite agree, look at each"
    return "FAIL", "at least one of them is wrong"


def _apart(here: Alignment, then: Alignment) -> bool:
    return apart(here.judged_on, then.judged_on)


def _closed(alignments: Sequence[Alignment]) -> None:
    """Refuse alignments that do not follow one another round."""
    for number, alignment in enumerate(alignments, start=1):
        expect(Alignment, **{f"alignment {number}": alignment})
    if len(alignments) < 2:
        raise ParameterError("a loop needs at least two alignments")
    following = (*alignments[1:], alignments[0])
    for number, (here, then) in enumerate(zip(alignments, following, strict=True), start=1):
        if not here.moving.agrees(then.fixed):
            raise ParameterError(
                f"alignment {number} ends in another volume than the next one begins in: give them "
                "in the order of the loop, the last one back to the first volume"
            )
