"""Follow a score uphill within a family of maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.models import Family, Vector

Slope = Callable[[Matrix], tuple[float, Matrix]]


@dataclass(frozen=True, eq=False)
class Summit:
    """Where a climb ended: the map and its score."""

    matrix: Matrix
    score: float


def climb(slope: Slope, family: Family, step_mm: float, rounds: int, tolerance: float) -> Summit:
    """Climb from the family's base (L-BFGS, Byrd et al. 1995), never ending below it.

    Parameters
    ----------
    slope
        Gives a score and its slope by matrix entries about the family's centre.
    family
        The maps to search.
    step_mm
        Length of the first step.
    rounds
        Most iterations.
    tolerance
        Relative gain at which to stop.
    """
    from scipy.optimize import minimize

    unit = max(abs(slope(family.base)[0]), 1e-3)
    best = Summit(family.base, -np.inf)

    def cost(steps: Vector) -> tuple[float, Vector]:
        nonlocal best
        matrix = family.matrix(steps * step_mm)
        score, by_entry = slope(matrix)
        if score > best.score:
            best = Summit(matrix, score)
        return -score / unit, -family.chain(steps * step_mm, by_entry) * (step_mm / unit)

    options = {"maxiter": rounds, "ftol": tolerance, "gtol": 1e-6, "maxls": 10}
    minimize(cost, np.zeros(family.size), jac=True, method="L-BFGS-B", options=options)
    return best
