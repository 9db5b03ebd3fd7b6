"""Poses to start from: where the files say, centre on centre, turned, and end over end."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.layers import Layer, Matrix, solid

ALONG_S_MM = (0.0, -30.0, 30.0, -60.0, 60.0)
"""Shifts along the body's axis, for volumes that show different lengths of it."""

TURN_DEGREES = 30.0
"""Starts are turned by this or nothing about each axis; a climb finds what lies between."""


def near_poses(fixed: Layer, moving: Layer) -> list[Matrix]:
    """List likely poses, the files' own first: 3 shifts × 5 along the body × 27 turns."""
    angles = np.radians([0.0, -TURN_DEGREES, TURN_DEGREES])
    turns = [pose_matrix(abc, (0, 0, 0), (0, 0, 0))[:3, :3] for abc in product(angles, repeat=3)]
    return list(_poses(fixed, moving, turns, ALONG_S_MM))


def any_orientation(fixed: Layer, moving: Layer) -> list[Matrix]:
    """List poses with each of the 24 ways to put a cube on a table, each also a little turned."""
    step = np.radians(TURN_DEGREES)
    tilts = [np.zeros(3), *(sign * step * axis for axis in np.eye(3) for sign in (-1, 1))]
    turns = [
        cube @ pose_matrix(tilt, (0, 0, 0), (0, 0, 0))[:3, :3] for cube in cubes() for tilt in tilts
    ]
    return list(_poses(fixed, moving, turns, (0.0, -40.0, 40.0)))


def cubes() -> list[NDArray[np.float64]]:
    """List the 24 rotations that map the axes onto each other, the identity first."""
    found = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            matrix = np.eye(3)[list(order)] * np.array(signs)[:, None]
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return found


def _poses(
    fixed: Layer, moving: Layer, turns: Iterable[NDArray[np.float64]], along: Iterable[float]
) -> Iterable[Matrix]:
    """Turn about the middle of the fixed body, which goes to each likely place."""
    pivot = centroid(fixed)
    shifts = (np.zeros(3), centroid(moving) - pivot, moving.centre - fixed.centre)
    for turn, shift, z in product(turns, shifts, along):
        matrix = np.eye(4)
        matrix[:3, :3] = turn
        matrix[:3, 3] = pivot + shift - turn @ pivot + np.array([0, 0, z])
        yield matrix


def centroid(layer: Layer) -> NDArray[np.float64]:
    """Give the middle of what is not air, LPS mm."""
    middle: NDArray[np.float64] = layer.points(np.argwhere(solid(layer))).mean(axis=0)
    return middle
