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
from napari_fusion.registration.options import Model
from napari_fusion.registration.pulse import Pulse

KEPT = (30, 6, 2)
"""Starts climbed at the coarse, middle and fine level."""

APART_MM = (15.0, 4.0, 2.0)
"""Starts closer than this, as mean distance of points, are one start."""

STEP_MM = (4.0, 2.0, 1.0)
ROUNDS = (15, 20, 30)
TOLERANCE = (1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, eq=False)
class Terrain:
    """The similarities of a scene, coarse to fine, and where pushes turn about."""

    levels: tuple[Similarity, ...]
    pulse: Pulse

    @property
    def centre(self) -> NDArray[np.float64]:
        """LPS point that maps are pushed about."""
        return self.levels[0].centre

    @property
    def radius(self) -> float:
        """Typical distance of a sample from the centre, mm."""
        return float(np.sqrt((self.levels[0].points.astype(float) ** 2).sum(axis=0).mean()))

    @property
    def probes(self) -> NDArray[np.float64]:
        """(n, 3) some sample points, LPS mm."""
        return self.levels[0].points[:, ::20].T + self.centre

    def apart(self, a: Matrix, b: Matrix) -> float:
        """Give the root mean square distance between where two maps send the probes, mm."""
        gap = self.probes @ (a - b)[:3, :3].T + (a - b)[:3, 3]
        return float(np.sqrt((gap**2).sum(axis=1).mean()))

    def climb(self, level: int, base: Matrix, model: Model = "rigid") -> Summit:
        """Climb one level from a map."""
        family = Family(base, self.centre, self.radius, model)
        return self.climb_on(self.levels[level], family, level)

    def climb_on(self, similarity: Similarity, family: Family, level: int) -> Summit:
        """Climb another similarity with a level's settings."""

        def slope(matrix: Matrix) -> tuple[float, Matrix]:
            self.pulse.beat()
            return similarity.slope(matrix)

        return climb(slope, family, STEP_MM[level], ROUNDS[level], TOLERANCE[level])


def search(terrain: Terrain, starts: Sequence[Matrix], always: Sequence[Matrix]) -> list[Summit]:
    """Climb from the best starts at each level; the best ends first.

    Parameters
    ----------
    terrain
        Where to climb.
    starts
        Maps of which the best are climbed.
    always
        Maps that are climbed whatever their score.
    """
    first = terrain.levels[0]
    scored = []
    for matrix in starts:
        terrain.pulse.beat()
        scored.append(Summit(matrix, first.score(matrix).total))
    picked = _distinct(terrain, scored, KEPT[0], APART_MM[0]) if scored else []
    summits = [Summit(matrix, 0.0) for matrix in always] + picked
    for level in range(len(terrain.levels)):
        climbed = [terrain.climb(level, summit.matrix) for summit in summits]
        last = level + 1 == len(terrain.levels)
        summits = _distinct(terrain, climbed, KEPT[min(level + 1, 2)], APART_MM[level + (not last)])
    return summits


def _distinct(
    terrain: Terrain, summits: Iterable[Summit], most: int, apart_mm: float
) -> list[Summit]:
    """Keep the best summits that are not within `apart_mm` of a better one."""
    kept: list[Summit] = []
    for summit in sorted(summits, key=lambda s: -s.score):
        if all(terrain.apart(summit.matrix, other.matrix) > apart_mm for other in kept):
            kept.append(summit)
        if len(kept) == most:
            break
    return kept
