"""Poses to start from: where the files say, centre on centre, turned, and end over end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.layers import Layer, Matrix
from napari_fusion.registration.scene import Scene
from napari_fusion.rotation import rotation

ALONG_MM = 30.0
"""Starts are this far apart along the body's axis, for volumes that show different parts of it."""

LEAST_ALONG = 2
"""Starts on either side along the body's axis, at least."""

TURN_DEGREES = 30.0
"""Starts are turned by this or nothing about each axis; a climb finds what lies between."""


def near_poses(scene: Scene) -> list[Matrix]:
    """List likely poses, the files' own first: three shifts, along the body, 27 turns."""
    return list(_poses(scene, little_turns(), LEAST_ALONG))


def any_orientation(scene: Scene) -> list[Matrix]:
    """List poses with each of the 24 ways to put a cube on a table, each also a little turned."""
    step = np.radians(TURN_DEGREES)
    tilts = [np.zeros(3), *(sign * step * axis for axis in np.eye(3) for sign in (-1, 1))]
    turns = [cube @ rotation(tilt) for cube in cubes() for tilt in tilts]
    return list(_poses(scene, turns, 1))


def little_turns() -> list[NDArray[np.float64]]:
    """List 27 rotations, none first."""
    angles = np.radians([0.0, -TURN_DEGREES, TURN_DEGREES])
    return [rotation(abc) for abc in product(angles, repeat=3)]


def cubes() -> list[NDArray[np.float64]]:
    """List the 24 rotations that map the axes onto each other."""
    found = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            matrix = np.eye(3)[list(order)] * np.array(signs)[:, None]
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return found


def _poses(scene: Scene, turns: Sequence[NDArray[np.float64]], least: int) -> Iterable[Matrix]:
    """Turn about the middle of the sampled body, which goes to each likely place."""
    still, mobile = scene.still[0], scene.mobile[0]
    pivot = still.middle
    shifts = (np.zeros(3), mobile.middle - pivot, mobile.centre - still.centre)
    for turn, shift, z in product(turns, shifts, _along(still, mobile, least, scene.unit)):
        matrix = np.eye(4)
        matrix[:3, :3] = turn
        matrix[:3, 3] = pivot + shift - turn @ pivot + np.array([0, 0, z])
        yield matrix


def _along(still: Layer, mobile: Layer, least: int, unit: float) -> NDArray[np.float64]:
    """List shifts along S, mm: none first, then out to where the shorter volume may sit."""
    spare = (_height(mobile) - _height(still)) / 2
    count = max(least, int(np.ceil(spare / (ALONG_MM * unit))))
    steps = sorted(range(-count, count + 1), key=abs)
    return np.array(steps) * ALONG_MM * unit


def _height(layer: Layer) -> float:
    """Give the length of a layer along S, mm."""
    return float(np.abs(layer.affine[2, :3]) @ np.array(layer.values.shape))
