"""Register two volumes by their intensities."""

from __future__ import annotations

import numpy as np

from napari_fusion.errors import AlignError, Progress
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.gate import judge, measure
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.models import Family, Vector
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.scene import Scene, prepare
from napari_fusion.registration.search import Terrain, search
from napari_fusion.registration.starts import any_orientation, near_poses
from napari_fusion.volume import Volume

RESTARTS = 5
"""Perturbed repeats of the last climb, each with samples of its own."""

JOLT_MM = 2.0
"""Standard deviation of a perturbation, in mm at a typical point."""

_DEFAULT = AlignOptions()


def align(
    fixed: Volume,
    moving: Volume,
    options: AlignOptions = _DEFAULT,
    *,
    initial: Alignment | None = None,
    progress: Progress | None = None,
) -> Alignment:
    """Find where each point of the fixed volume lies in the moving one, and say how well.

    Maximises normalised mutual information from many starts over three levels of resolution, then
    repeats the last climb to measure its own uncertainty, and judges the result.

    Parameters
    ----------
    fixed, moving
        Volumes of the same patient, any modality. NaN voxels count for nothing.
    options
        Model, seed and effort.
    initial
        A pose to start from, besides the usual ones; the only start when the search is "near".
    progress
        Told the fraction done at least every fifth of a second; cancels by raising.

    Returns
    -------
    Alignment
        With its quality: look at ``quality.verdict`` before use.

    Raises
    ------
    AlignError
        There is nothing to align: a volume is constant or has no finite value, or the two never
        overlap.

    Examples
    --------
    >>> from napari_fusion.phantom import misaligned_pair
    >>> fixed, moving, truth = misaligned_pair("CT", "T1", size="small")
    >>> bool(abs(align(fixed, moving).matrix - truth)[:3, 3].max() < 2)
    True
    """
    pulse = Pulse(progress)
    pulse.phase(0.0, 0.1, "preparing volumes", 8)
    scene = prepare(fixed, moving, options, pulse)
    terrain = Terrain(tuple(scene.similarity(level) for level in range(3)), pulse)
    given = np.eye(4) if initial is None else initial.matrix
    start = scene.oriented(given)
    matrix, quality = _attempt(scene, terrain, start, wide=options.search == "wide")
    if quality.verdict != "PASS" and options.search == "wide":
        pulse.phase(0.6, 0.9, "trying every orientation", 3000)
        other, judged = _refined(
            scene, terrain, start, any_orientation(scene.still[0], scene.mobile[0]), []
        )
        fine = terrain.levels[-1]
        if fine.score(other).total > 1.02 * fine.score(matrix).total:
            matrix, quality = other, judged
    pulse.phase(1.0, 1.0, "aligned")
    return Alignment(fixed.grid, moving.grid, scene.oriented(matrix), quality)


def _attempt(
    scene: Scene, terrain: Terrain, start: Matrix, *, wide: bool
) -> tuple[Matrix, Quality]:
    """Search around the likely poses, or only from the given one."""
    terrain.pulse.phase(0.1, 0.6, "searching", 2000 if wide else 200)
    poses = near_poses(scene.still[0], scene.mobile[0]) if wide else []
    return _refined(scene, terrain, start, poses, [start])


def _refined(
    scene: Scene, terrain: Terrain, start: Matrix, poses: list[Matrix], always: list[Matrix]
) -> tuple[Matrix, Quality]:
    """Search, repeat the last climb, and judge."""
    summits = search(terrain, poses, always)
    if not summits[0].score > 0:
        raise AlignError("no common anatomy was found in the two volumes: nothing was aligned")
    matrix, spread = _repeated(scene, terrain, summits[0].matrix)
    return matrix, judge(measure(scene, terrain, start, matrix, spread))


def _repeated(scene: Scene, terrain: Terrain, matrix: Matrix) -> tuple[Matrix, float]:
    """Climb again from perturbed poses with other samples: their median, and their spread in mm."""
    last = len(terrain.levels) - 1
    rng = np.random.default_rng(scene.options.seed)
    family = Family(matrix, terrain.centre, terrain.radius)
    ends: list[Matrix] = []
    for repeat in range(RESTARTS):
        base = family.matrix(rng.normal(0, JOLT_MM, family.size))
        similarity = scene.similarity(last, seed=repeat + 1)
        around = Family(base, terrain.centre, terrain.radius)
        ends.append(terrain.climb_on(similarity, around, last).matrix)
    middle = family.matrix(np.median([_theta(family, end) for end in ends], axis=0))
    spread = float(np.sqrt(np.mean([terrain.apart(end, middle) ** 2 for end in ends])))
    return middle, spread


def _theta(family: Family, matrix: Matrix) -> Vector:
    """Read a rigid map's numbers within its family."""
    push = np.linalg.inv(family.base) @ matrix
    shift = push[:3, :3] @ family.centre + push[:3, 3] - family.centre
    r = push[:3, :3]
    angles = [
        np.arctan2(r[2, 1], r[2, 2]),
        -np.arcsin(np.clip(r[2, 0], -1, 1)),
        np.arctan2(r[1, 0], r[0, 0]),
    ]
    return np.concatenate([shift, np.multiply(angles, family.radius)])
