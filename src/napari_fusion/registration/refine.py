"""Repeat the last climb both ways round, and part by part: a better answer, and its spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.climb import Summit
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.models import Family, Vector
from napari_fusion.registration.nmi import FEWEST, Similarity
from napari_fusion.registration.options import Linear
from napari_fusion.registration.search import Terrain, judging_level, separation
from napari_fusion.rotation import angles_of, inverted

Mask = NDArray[np.bool_]

REPEATS = 2
"""Climbs each way round, each with samples of its own."""

JOLT_MM = 1.5
"""Standard deviation of the push before a repeated climb, mm at a typical point of a head."""


@dataclass(frozen=True, eq=False)
class Refined:
    """An answer, and where the repeated climbs near it ended.

    Parameters
    ----------
    matrix
        The answer, still → mobile, LPS mm.
    forward, backward
        Ends of the climbs with samples of the still and of the mobile volume, both still → mobile.
    """

    matrix: Matrix
    forward: tuple[Matrix, ...]
    backward: tuple[Matrix, ...]

    @property
    def ends(self) -> tuple[Matrix, ...]:
        """All repeats."""
        return self.forward + self.backward

    def spread_mm(self, terrain: Terrain) -> float:
        """Give the root mean square distance of the repeats from the answer, over the body."""
        away = [terrain.apart(end, self.matrix) ** 2 for end in self.ends]
        return float(np.sqrt(np.mean(away)))

    def round_trip_mm(self, terrain: Terrain) -> float:
        """Give how far from itself a point ends that goes forward and then back, over the body."""
        there, back = (np.mean(ends, axis=0) for ends in (self.forward, self.backward))
        return terrain.apart(there, back)


def refine(terrain: Terrain, matrix: Matrix, model: Linear) -> Refined:
    """Climb again from pushed maps, with other samples, drawn in either volume; take the middle."""
    scene, last = terrain.scene, len(terrain.levels) - 1
    if model != "rigid":
        matrix = _stretched(terrain, matrix, model)
    rng = np.random.default_rng([scene.options.seed, 1])
    family = terrain.family(matrix, model)
    forward, backward = [], []
    for seed in range(1, REPEATS + 1):
        push = rng.normal(0, JOLT_MM * scene.unit, family.size)
        base = terrain.family(family.matrix(push), model)
        forward.append(terrain.ascend(last, base, scene.similarity(last, seed)).matrix)
        push = rng.normal(0, JOLT_MM * scene.unit, family.size)
        backward.append(inverted(_back(terrain, inverted(family.matrix(push)), model, seed).matrix))
    numbers = [numbers_of(family, end) for end in forward + backward]
    middle = family.matrix(np.median(numbers, axis=0))
    return Refined(middle, tuple(forward), tuple(backward))


def _stretched(terrain: Terrain, matrix: Matrix, model: Linear) -> Matrix:
    """Climb on in a larger family, coarse to fine, past levels that lead the finest one astray.

    At voxels of 8 mm a head that is blown up by a fifth can share more with another contrast than
    the head itself.
    """
    best = terrain.fine.score(matrix).total
    for level, similarity in enumerate(terrain.levels):
        tried = terrain.ascend(level, terrain.family(matrix, model), similarity).matrix
        score = terrain.fine.score(tried).total
        if score >= best:
            matrix, best = tried, score
    return matrix


def _back(terrain: Terrain, base: Matrix, model: Linear, seed: int) -> Summit:
    """Climb from mobile to still, with the samples that have a counterpart."""
    last = len(terrain.levels) - 1
    other = terrain.scene.turned_round().similarity(last, seed)
    reached = other.reached(base)
    if int(reached.sum()) < FEWEST:
        return Summit(base, 0.0)
    other = other.among(reached)
    return terrain.ascend(last, Family(base, other.centre, terrain.radius, model), other)


def numbers_of(family: Family, matrix: Matrix) -> Vector:
    """Read a map's numbers within its family: the inverse of ``family.matrix``."""
    push = inverted(family.base) @ matrix
    shift = push[:3, :3] @ family.centre + push[:3, 3] - family.centre
    turn = push[:3, :3]
    if family.model == "affine":
        return np.concatenate([shift, (turn - np.eye(3)).ravel() * family.radius])
    scale = float(np.cbrt(np.linalg.det(turn)))
    more = [np.log(scale)] if family.model == "similarity" else []
    return np.concatenate([shift, np.multiply([*angles_of(turn / scale), *more], family.radius)])


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the body that was aligned on its own: its map, and how far that moved it, mm."""

    matrix: Matrix
    moved_mm: float


def parts_apart(terrain: Terrain, matrix: Matrix) -> list[Part]:
    """Align the six halves of the body on their own."""
    points = terrain.fine.points
    halves = [side * points[axis] > 0 for axis in range(3) for side in (-1, 1)]
    return _alone(terrain, matrix, halves, terrain.fine)


def eighths_apart(terrain: Terrain, matrix: Matrix) -> list[Part]:
    """Align the eight corners of the body on their own: halves average a bending out."""
    similarity = terrain.levels[judging_level(terrain)]
    signs = (similarity.points > 0).T
    corners = [(signs == corner).all(axis=1) for corner in product((False, True), repeat=3)]
    return _alone(terrain, matrix, corners, similarity)


def _alone(
    terrain: Terrain, matrix: Matrix, wheres: Iterable[Mask], similarity: Similarity
) -> list[Part]:
    """Align what samples of some parts of the body show, each part for itself."""
    found = []
    for where in wheres:
        if int(where.sum()) < FEWEST:
            continue
        part: Similarity = replace(similarity.among(where), floor=1e-3)
        base = Family(matrix, part.centre, terrain.radius)
        end = terrain.ascend(judging_level(terrain), base, part).matrix
        found.append(Part(end, separation(end, matrix, part.probes(200))))
    return found


def moved_mm(parts: Sequence[Part]) -> float:
    """Give the root mean square of how far parts moved; infinite when there are none."""
    return float(np.sqrt(np.mean([part.moved_mm**2 for part in parts]))) if parts else np.inf
