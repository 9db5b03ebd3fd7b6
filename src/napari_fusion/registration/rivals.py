"""Look for other answers that fit as well: a neighbour in a row of alike parts, a mirror image."""

from __future__ import annotations

import numpy as np

from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.search import Terrain, distinct, judging_level, scored
from napari_fusion.registration.starts import little_turns

MIRROR = np.diag([-1.0, 1.0, 1.0])
"""Left and right change places."""

FLIPS_CLIMBED = 4
"""So many mirror images are climbed."""

STRIDES_MM = (20.0, 40.0, 60.0, 80.0)
"""How far along each axis, either way, neighbours are looked for, in a head."""

HOPE = 0.7
"""What reaches less than this share of the answer's score at a coarse level is not climbed on."""

NEIGHBOUR_MM = 15.0
"""What ends nearer than this to the answer, root mean square over the body of a head, is it."""


def neighbour(terrain: Terrain, end: Matrix) -> tuple[float, float]:
    """Find the best answer that lies some way along an axis: vertebrae and ribs look alike.

    Returns
    -------
    share
        Its score as a share of the answer's, at the level where it fell far behind or at the one
        that judges; 0 where every climb leads back to the answer.
    away_mm
        How far it lies, root mean square over the body.
    """
    unit = terrain.scene.unit
    shifts = np.multiply.outer([*STRIDES_MM, *np.negative(STRIDES_MM)], np.eye(3)).reshape(-1, 3)
    poses = [_shifted(end, unit * shift) for shift in shifts]
    share, away = 0.0, 0.0
    for level in range(judging_level(terrain) + 1):
        if not poses:
            break
        ends = [terrain.climb(level, pose) for pose in poses]
        far = [s for s in ends if terrain.apart(s.matrix, end) > NEIGHBOUR_MM * unit]
        far = distinct(terrain, far, min(level + 1, 2))
        if not far:
            return 0.0, 0.0
        own = _own(terrain, end, level)
        share, away = far[0].score / own, terrain.apart(far[0].matrix, end)
        poses = [summit.matrix for summit in far if summit.score > HOPE * own]
    return share, away


def _shifted(end: Matrix, shift: np.ndarray) -> Matrix:
    pose = end.copy()
    pose[:3, 3] += end[:3, :3] @ shift
    return pose


def mirrored(terrain: Terrain, end: Matrix) -> float:
    """Align the mirror image as well as it goes: its score as a share of the answer's.

    The image is mirrored where it lies, and across the middle of the other volume's body: a piece
    of one side, mirrored, fits the other side.
    """
    poses = _mirror_images(terrain, end)
    best = sorted(scored(terrain, 0, poses), key=lambda summit: -summit.score)[:FLIPS_CLIMBED]
    level = judging_level(terrain)
    for step in range(level):
        best = distinct(terrain, [terrain.climb(step, summit.matrix) for summit in best], 2)
    score = max(terrain.climb(level, summit.matrix).score for summit in best)
    return score / _own(terrain, end, level)


def _mirror_images(terrain: Terrain, end: Matrix) -> list[Matrix]:
    """Mirror an answer left to right in either volume, and turn it a little."""
    middle = terrain.levels[0].centre
    turns = [_about(middle, turn) for turn in little_turns()]
    here = _about(middle, MIRROR)
    across = _about(terrain.scene.mobile[0].middle, MIRROR)
    return [end @ turn @ here for turn in turns] + [across @ end @ turn for turn in turns]


def _about(centre: np.ndarray, linear: np.ndarray) -> Matrix:
    """Give the map that is `linear` and leaves a point in its place."""
    pose = np.eye(4)
    pose[:3, :3] = linear
    pose[:3, 3] = centre - linear @ centre
    return pose


def _own(terrain: Terrain, end: Matrix, level: int) -> float:
    return max(terrain.levels[level].score(end).total, 1e-6)
