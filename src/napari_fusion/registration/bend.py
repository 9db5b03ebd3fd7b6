"""Bend a linear answer, and keep the bending only if it earns its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.deform import deform
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.gate import MIRROR_LIMIT, PASS_NEIGHBOUR, PASS_OVERLAP
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.nmi import Similarity
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.resampling import with_gaps
from napari_fusion.registration.scene import Scene
from napari_fusion.registration.search import Terrain
from napari_fusion.volume import Step, Volume

HELD_OUT = 77
"""Seed of the samples that judge a bending; no search draws them."""

TOLD = (
    "parts_mm", "eighths_mm", "voxel_mm", "spread_mm", "round_trip_mm", "mirror", "neighbour", "z",
    "drop", "overlap", "scale_min", "scale_max",
)  # fmt: skip
"""Numbers of the linear answer that are told beside those of the bent one."""

LEAST_GAIN = 0.0
"""A bending is kept when it raises the held-out score by more than this share."""

SLICES = 8
"""Slices drawn between two reports."""

LEFT_GRID_MM, LEFT_MM = 2.0, 0.6
"""Voxel size of the bending that looks for what is left, and how much of it is doubted: in a head.
"""

EXPLAINED_MM = {"parts_mm": 3.0, "spread_mm": 1.5, "round_trip_mm": 2.0}
"""How far the linear answer of one patient may disagree with itself where bending then explains it,
in a head. Two people of one size may disagree no more: their files must name one patient."""

CHECK_JACOBIAN = (1 / 3, 3.0)
FAIL_JACOBIAN = (0.1, 10.0)
"""Local volume changes beyond which a bending is doubted, and not to be used."""


def gain(scene: Scene, matrix: Matrix, field: DisplacementField) -> float:
    """Say by what share a bending raises the normalised mutual information of fresh samples.

    Bending is found by descriptors of structure; what judges it is another measure, at points of
    the fixed volume that no search has drawn.
    """
    own = scene.turned_round() if scene.swapped else scene
    similarity = own.similarity(len(own.still) - 1, HELD_OUT)
    before = similarity.score(matrix).nmi
    after = _carried(similarity, field).score(matrix).nmi
    return (after - before) / max(before, 1e-6)


def _carried(similarity: Similarity, field: DisplacementField) -> Similarity:
    """Move the samples by a field before they are looked up."""
    points = similarity.points.T + similarity.centre
    moved = field.at(points).T.astype(np.float32)
    return replace(similarity, points=similarity.points + moved)


def left_mm(volumes: tuple[Volume, Volume], terrain: Terrain, pulse: Pulse) -> float:
    """Say how far two steps of bending anew would move the body: mean, mm.

    Little where a bending has found its end; much where it stopped early, or went too far.
    """
    options = AlignOptions(model="deformable", grid_mm=LEFT_GRID_MM * terrain.scene.unit)
    field = deform(volumes, np.eye(4), options, pulse, levels=((1.0, 2),))
    points = terrain.fine.points.T + terrain.fine.centre
    return float(np.linalg.norm(field.at(points), axis=1).mean())


def drawn_through(moving: Volume, alignment: Alignment, beat: Callable[[], None]) -> Volume:
    """Draw the moving volume on the fixed grid, NaN outside it, to be judged as it lies.

    A few slices at a `beat`, because drawing through a field takes seconds.
    """
    grid = alignment.fixed
    pieces = []
    for start in range(0, grid.shape[0], SLICES):
        beat()
        affine = np.array(grid.affine)
        affine[:3, 3] = grid.index_to_lps([start, 0, 0])
        few = Grid((min(SLICES, grid.shape[0] - start), *grid.shape[1:]), affine)
        pieces.append(with_gaps(moving, few, alignment))
    step = Step("resample", {"for": "judging"})
    return moving.with_array(np.concatenate(pieces), step, grid=grid, frame_uid=None)


def judged(quality: Quality, field: DisplacementField, gained: float | None = None) -> Quality:
    """Add what the bending itself says to the verdict on the bent volume.

    Parameters
    ----------
    quality
        The gate's verdict on the moving volume drawn through the bending.
    field
        The bending.
    gained
        From `gain`, when it was measured.
    """
    change = field.jacobian
    numbers = {**quality.numbers, **change.numbers(), "bend_max_mm": field.largest_mm}
    if gained is not None:
        numbers["bend_gain"] = gained
    low, high = change.smallest, change.largest
    span = f"from {low:.2f} to {high:.2f} times its volume"
    if change.folded > 0 or low < FAIL_JACOBIAN[0] or high > FAIL_JACOBIAN[1]:
        words = f"The bending tears or folds the anatomy ({span}): do not use it."
        return quality.model_copy(update={"verdict": "FAIL", "sentence": words, "numbers": numbers})
    if quality.verdict != "FAIL" and (low < CHECK_JACOBIAN[0] or high > CHECK_JACOBIAN[1]):
        words = f"The bending changes the anatomy locally {span}: look there before use."
        return quality.model_copy(
            update={"verdict": "CHECK", "sentence": words, "numbers": numbers}
        )
    left = numbers.get("left_mm", 0.0)
    if quality.verdict != "FAIL" and left > LEFT_MM * numbers.get("unit", 1.0):
        words = (
            f"The bending has not found its end ({left:.1f} mm to go on): check edges before use."
        )
        return quality.model_copy(
            update={"verdict": "CHECK", "sentence": words, "numbers": numbers}
        )
    words = f"{quality.sentence} Space is bent by up to {field.largest_mm:.1f} mm, {span}."
    return quality.model_copy(update={"sentence": words, "numbers": numbers})


def no_better(bent: Quality, linear: Quality, *, one_patient: bool) -> Quality:
    """Keep the linear answer's doubt: bending can make a wrong pose, or a stranger, look right.

    Where both files name `one_patient`, a doubt that such a bending explains is lifted.
    """
    bent = _beside(bent, linear)
    if bent.rank >= linear.rank:
        return bent
    if one_patient and explained(linear):
        return _told_of(bent)
    within = f"{bent.uncertainty_mm or 0:.1f} mm"
    words = f"{linear.sentence} That was before bending, after which parts agree within {within}."
    return bent.model_copy(update={"verdict": linear.verdict, "sentence": words})


def no_surer(given: Quality, straight: Quality, *, one_patient: bool) -> Quality:
    """Doubt a given bending beside which no rigid answer passes: a stranger can be bent as well.

    Unless both files name `one_patient`, and such a bending explains the rigid answer's doubt.
    """
    given = _beside(given, straight)
    if straight.verdict == "PASS":
        return given
    if one_patient and explained(straight):
        return _told_of(given)
    words = (
        "Only bending makes these volumes match, as it would make another patient's: check that "
        "both show the same one."
    )
    return given.model_copy(update={"verdict": "CHECK", "sentence": words})


def explained(linear: Quality) -> bool:
    """Whether a doubtful linear answer lies as one does between two states of one anatomy.

    Its parts disagree by little; sides, overlap and neighbours, which no bending puts right, are
    beyond doubt.
    """
    numbers, doubt = linear.numbers, float("inf")
    unit = numbers.get("unit", 1.0)
    return (
        linear.verdict == "CHECK"
        and numbers.get("mirror", doubt) < MIRROR_LIMIT
        and numbers.get("neighbour", doubt) <= PASS_NEIGHBOUR
        and numbers.get("overlap", 0.0) >= PASS_OVERLAP
        and all(numbers.get(name, doubt) <= mm * unit for name, mm in EXPLAINED_MM.items())
    )


def _told_of(bent: Quality) -> Quality:
    """Say that the straight answer was doubtful, and why the bent one is not."""
    words = (
        f"{bent.sentence} Without bending they match less closely, as two states of one patient "
        "do: both files name the same."
    )
    return bent.model_copy(update={"sentence": words})


def _beside(bent: Quality, linear: Quality) -> Quality:
    """Tell the numbers of the linear answer beside those of the bent one."""
    known = {f"linear_{name}": linear.numbers[name] for name in TOLD if name in linear.numbers}
    return bent.model_copy(update={"numbers": {**bent.numbers, **known}})


def kept_straight(quality: Quality, reason: str, numbers: dict[str, float]) -> Quality:
    """Say that the linear answer was kept, and why."""
    return quality.model_copy(
        update={
            "sentence": f"{quality.sentence} {reason}",
            "numbers": {**quality.numbers, **numbers},
        }
    )
