"""Families of linear maps, as small numbers in millimetres around a base map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.options import FREEDOMS, Linear
from napari_fusion.rotation import rotation

Vector = NDArray[np.float64]

_GENERATORS = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    dtype=float,
)
"""What an infinitesimal turn about L, P and S does to a point."""


@dataclass(frozen=True, eq=False)
class Family:
    """All maps ``base ∘ push(θ)``, where θ are shifts in mm and turns and stretches times radius.

    Parameters
    ----------
    base
        (4, 4) fixed → moving LPS mm, reached at θ = 0.
    centre
        LPS point that pushes turn and stretch about.
    radius
        Typical distance of the anatomy from `centre`, in mm: one unit of any number moves a
        typical point by about 1 mm.
    model
        "rigid" (6 numbers), "similarity" (7) or "affine" (12).
    """

    base: Matrix
    centre: Vector
    radius: float
    model: Linear = "rigid"

    @property
    def size(self) -> int:
        """How many numbers θ has."""
        return FREEDOMS[self.model]

    def matrix(self, theta: Vector) -> Matrix:
        """Give the (4, 4) map of θ."""
        turn, _ = self._turn(theta)
        push = np.eye(4)
        push[:3, :3] = turn
        push[:3, 3] = self.centre + theta[:3] - turn @ self.centre
        return self.base @ push

    def chain(self, theta: Vector, slope: Matrix) -> Vector:
        """Turn a slope by matrix entries (3, 4), about `centre`, into a slope by θ."""
        local = self.base[:3, :3].T @ slope
        _, turns = self._turn(theta)
        return np.concatenate([local[:, 3], np.einsum("kij,ij->k", turns, local[:, :3])])

    def _turn(self, theta: Vector) -> tuple[Matrix, Matrix]:
        """Give the (3, 3) part of the push and its slopes (size − 3, 3, 3)."""
        if self.model == "affine":
            unit = np.eye(9).reshape(9, 3, 3) / self.radius
            return np.eye(3) + theta[3:].reshape(3, 3) / self.radius, unit
        a, b, c = theta[3:6] / self.radius
        whole = rotation((a, b, c))
        about_s = rotation((0, 0, c))
        turns = [
            whole @ _GENERATORS[0],
            about_s @ _GENERATORS[1] @ about_s.T @ whole,
            _GENERATORS[2] @ whole,
        ]
        if self.model == "similarity":
            scale = np.exp(theta[6] / self.radius)
            whole = scale * whole
            turns = [scale * turn for turn in turns] + [whole]
        return whole, np.stack(turns) / self.radius
