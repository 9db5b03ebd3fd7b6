"""Measure how far an alignment may be trusted, and say it in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.models import Family
from napari_fusion.registration.nmi import Score
from napari_fusion.registration.quality import Quality, Verdict
from napari_fusion.registration.scene import Scene
from napari_fusion.registration.search import Terrain

PASS_Z, FAIL_Z = 1.5, 0.8
LEAST_OVERLAP = 0.25
DISPLACED = 32
AWAY = 8.0
"""Displaced poses lie this many mm or degrees away."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured at an answer."""

    start: Score
    end: Score
    z: float
    mirror: float
    spread_mm: float

    def numbers(self) -> dict[str, float]:
        """Name the figures."""
        return {
            "nmi_start": self.start.nmi,
            "nmi": self.end.nmi,
            "gain": self.end.nmi - self.start.nmi,
            "z": self.z,
            "overlap": self.end.overlap,
            "mirror": self.mirror,
        }


def measure(scene: Scene, terrain: Terrain, start: Matrix, end: Matrix, spread: float) -> Evidence:
    """Compare the answer with its start, with poses nearby, and with its mirror image."""
    fine = terrain.levels[-1]
    return Evidence(
        fine.score(start), fine.score(end), distinctness(terrain, end), mirror(terrain, end), spread
    )


def distinctness(terrain: Terrain, end: Matrix) -> float:
    """Say by how many standard deviations the answer beats the best pose 8 mm or 8° away."""
    fine = terrain.levels[-1]
    family = Family(end, fine.centre, 1.0)
    rng = np.random.default_rng(0)
    totals = []
    for _ in range(DISPLACED):
        terrain.pulse.beat()
        shift, turn = rng.standard_normal((2, 3))
        shift *= AWAY / np.linalg.norm(shift)
        turn *= np.radians(AWAY) / np.linalg.norm(turn)
        which = rng.integers(0, 3)
        theta = np.concatenate([shift * (which != 1), turn * (which != 0)])
        totals.append(fine.score(family.matrix(theta)).total)
    spread = max(float(np.std(totals)), 1e-6)
    return float((fine.score(end).total - max(totals)) / spread)


def mirror(terrain: Terrain, end: Matrix) -> float:
    """Give the best score of the left–right mirrored volume as a share of the answer's."""
    middle = terrain.levels[1]
    flip = np.eye(4)
    flip[0, 0], flip[0, 3] = -1, 2 * middle.centre[0]
    climbed = terrain.climb(1, end @ flip)
    return climbed.score / max(middle.score(end).total, 1e-6)


def judge(evidence: Evidence) -> Quality:
    """Turn measurements into a verdict and a sentence."""
    verdict, sentence = _said(evidence)
    return Quality(
        verdict=verdict,
        sentence=sentence,
        uncertainty_mm=evidence.spread_mm,
        numbers=evidence.numbers(),
    )


def _said(e: Evidence) -> tuple[Verdict, str]:
    if e.end.overlap < LEAST_OVERLAP:
        share = f"{100 * e.end.overlap:.0f} %"
        return "FAIL", f"Only {share} of the anatomy lies in both volumes: do not fuse them."
    if e.z < FAIL_Z:
        return "FAIL", "No pose stands out from its neighbours: do not fuse these volumes."
    if e.mirror >= 1:
        return "CHECK", "The mirror image fits as well: check left and right before use."
    if e.z < PASS_Z:
        return "CHECK", "The match is plausible but not distinct: check edges before use."
    return "PASS", (
        "The volumes match: every pose 8 mm or 8° away is clearly worse, and repeated runs agree "
        f"within {max(e.spread_mm, 0.1):.1f} mm."
    )
