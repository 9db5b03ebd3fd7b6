"""How far off an answer may be at any point, from where repeats and parts of the body ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.refine import Part, Refined
from napari_fusion.registration.search import Terrain
from napari_fusion.rotation import inverted

WIDEN = 1.4
"""Turns the spread into a length that the error stays below at nine points of ten."""

FLOOR_VOXEL = 0.2
"""No answer is surer than this share of the coarser volume's voxel (cube root of its volume)."""


def uncertainty_form(terrain: Terrain, found: Refined, parts: Sequence[Part]) -> Matrix | None:
    """Give the (4, 4) form U of a `Quality`: ``sqrt([p 1] U [p 1]ᵀ)`` mm at a fixed point p.

    Halves of the body that share neither samples nor noise, each aligned on its own, differ from
    the whole about as much as the whole differs from the truth (the error of a mean of two, from
    their difference); carried on as linear maps they tell so at every point. Repeats are added.
    """
    if not parts:
        return None
    form = _mean_square(found.ends, found.matrix)
    form += _mean_square([part.matrix for part in parts], found.matrix)
    form *= WIDEN**2
    form[3, 3] += (FLOOR_VOXEL * terrain.scene.voxel_mm) ** 2
    if terrain.scene.swapped:
        back = inverted(found.matrix)
        form = back.T @ form @ back
    return form if np.isfinite(form).all() else None


def _mean_square(ends: Sequence[Matrix], middle: Matrix) -> Matrix:
    """Give the form of the mean square distance between where maps and a middle send a point."""
    gaps = np.array(ends)[:, :3] - middle[:3]
    form: Matrix = np.einsum("nki,nkj->ij", gaps, gaps) / len(gaps)
    return form


def over_body(terrain: Terrain, form: Matrix, matrix: Matrix) -> float:
    """Give the root mean square over the body of a form of fixed points, mm."""
    still = terrain.levels[0].probes(400)
    fixed = still @ matrix[:3, :3].T + matrix[:3, 3] if terrain.scene.swapped else still
    p = np.concatenate([fixed, np.ones((len(fixed), 1))], axis=1)
    return float(np.sqrt(np.einsum("ni,ij,nj->n", p, form, p).mean()))
