"""Find the best rigid map: many coarse starts, few fine ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.climb import Summit, climb
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.models import Family
from napari_fusion.registration.nmi import Similarity
from napari_fusion.registration.options import Linear
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.scene import Scene

KEPT = (30, 6, 2)
"""Maps climbed at the coarsest level, at the next, and at the finer ones."""

APART_MM = (15.0, 4.0, 2.0)
"""Maps closer than this, root mean square over the body of a head, are one map."""

JUDGING_LEVEL = 2
"""What an answer is judged by climbs to this level at most."""

STEP_MM = (4.0, 2.0, 1.0, 0.5)
ROUNDS = (15, 20, 20, 30)
TOLERANCE = (1e-3, 1e-4, 1e-4, 1e-5)


@dataclass(frozen=True, eq=False)
class Terrain:
    """A scene's similarities, coarse to fine, ready to climb.

    Parameters
    ----------
    scene
        The pair.
    levels
        One similarity a level.
    pulse
        Told of every evaluation.
    """

    scene: Scene
    levels: tuple[Similarity, ...]
    pulse: Pulse

    @classmethod
    def of(cls, scene: Scene, pulse: Pulse) -> Terrain:
        """Draw the samples of every level."""
        return cls(scene, tuple(scene.similarity(n) for n in range(len(scene.still))), pulse)

    @property
    def fine(self) -> Similarity:
        """The finest level's similarity."""
        return self.levels[-1]

    @property
    def radius(self) -> float:
        """Typical distance of a sample from the middle, mm."""
        points = self.levels[0].points.astype(float)
        return float(np.sqrt((points**2).sum(axis=0).mean()))

    def family(self, base: Matrix, model: Linear = "rigid") -> Family:
        """Give the maps around one map."""
        return Family(base, self.levels[0].centre, self.radius, model)

    def apart(self, a: Matrix, b: Matrix) -> float:
        """Give the root mean square distance between where two maps send the body, mm."""
        return separation(a, b, self.levels[0].probes(150))

    def climb(self, level: int, base: Matrix, similarity: Similarity | None = None) -> Summit:
        """Climb one level from a rigid map, on its own samples or on others."""
        return self.ascend(level, self.family(base), similarity or self.levels[level])

    def ascend(self, level: int, family: Family, similarity: Similarity) -> Summit:
        """Climb within any family with a level's settings."""
        about = Family(family.base, similarity.centre, family.radius, family.model)

        def slope(matrix: Matrix) -> tuple[float, Matrix]:
            self.pulse.beat()
            return similarity.slope(matrix)

        step = STEP_MM[level] * self.scene.unit
        rounds = ROUNDS[level] * family.size // 6
        return climb(slope, about, step, rounds, TOLERANCE[level])


def judging_level(terrain: Terrain) -> int:
    """Give the level that other answers, and parts of the body, are compared at: 2 mm in a head."""
    return min(JUDGING_LEVEL, len(terrain.levels) - 1)


def separation(a: Matrix, b: Matrix, points: NDArray[np.float64]) -> float:
    """Give the root mean square distance, mm, between where two maps send (n, 3) points."""
    gap = points @ (a - b)[:3, :3].T + (a - b)[:3, 3]
    return float(np.sqrt((gap**2).sum(axis=1).mean()))


def search(
    terrain: Terrain,
    starts: Sequence[Matrix],
    always: Sequence[Matrix],
    late: Sequence[Matrix] = (),
) -> list[Summit]:
    """Climb from the best starts at each level; the best ends first.

    Parameters
    ----------
    terrain
        Where to climb.
    starts
        Maps of which the best are climbed.
    always
        Maps that are climbed whatever their score.
    late
        Maps that are climbed from the last level but one on: good ones, which coarse levels that
        show too little might lead away.
    """
    picked = distinct(terrain, scored(terrain, 0, starts), 0)
    summits = [*always, *(summit.matrix for summit in picked)]
    last = len(terrain.levels) - 1
    for level in range(last):
        summits += late if level == last - 1 else ()
        kept = distinct(terrain, _climbed(terrain, level, summits), min(level + 1, 2))
        summits = [summit.matrix for summit in kept]
    return distinct(terrain, _climbed(terrain, last, summits), 2)


def _climbed(terrain: Terrain, level: int, starts: Sequence[Matrix]) -> list[Summit]:
    """Climb from every start, and show each summit that is the highest of its level so far."""
    watched, climbed = terrain.pulse.watched, list[Summit]()
    for matrix in starts:
        summit = terrain.climb(level, matrix)
        if watched and all(summit.score > other.score for other in climbed):
            watched.pose(terrain.scene.oriented(summit.matrix), summit.score)
        climbed.append(summit)
    return climbed


def scored(terrain: Terrain, level: int, starts: Iterable[Matrix]) -> list[Summit]:
    """Score maps without climbing."""
    found = []
    for matrix in starts:
        terrain.pulse.beat()
        found.append(Summit(matrix, terrain.levels[level].score(matrix).total))
    return found


def distinct(terrain: Terrain, summits: Iterable[Summit], stage: int) -> list[Summit]:
    """Keep a stage's best summits, none within its distance of a better one."""
    apart = APART_MM[stage] * terrain.scene.unit
    kept: list[Summit] = []
    for summit in sorted(summits, key=lambda s: -s.score):
        if all(terrain.apart(summit.matrix, other.matrix) > apart for other in kept):
            kept.append(summit)
        if len(kept) == KEPT[stage]:
            break
    return kept
