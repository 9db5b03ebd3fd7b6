"""How far landmarks can be trusted: at the pairs themselves, without each, and anywhere else."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError
from napari_fusion.grid import Grid
from napari_fusion.registration.landmarks.fitting import Points, centred, fewest_for, fit
from napari_fusion.registration.landmarks.pairs import Landmarks
from napari_fusion.registration.options import FREEDOMS, Model

A_SIDE = 5
"""Points a side of the lattice over a grid at which errors are predicted."""


def residuals(pairs: Landmarks, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say how far each mapped fixed point ends from its moving point: (n,) mm."""
    mapped = pairs.fixed @ matrix[:3, :3].T + matrix[:3, 3]
    apart: NDArray[np.float64] = np.linalg.norm(mapped - pairs.moving, axis=1)
    return apart


def rms(values: NDArray[np.float64]) -> float:
    """Root mean square."""
    return float(np.sqrt((values**2).mean()))


def target_error(pairs: Landmarks, points: Points, model: Model) -> NDArray[np.float64] | None:
    """Predict the error at other places; see `Landmarks.target_error`."""
    form = error_form(pairs, model)
    if form is None:
        return None
    spots = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    spread: NDArray[np.float64] = np.sqrt(np.einsum("ni,ij,nj->n", spots, form, spots))
    return spread


def error_form(pairs: Landmarks, model: Model) -> NDArray[np.float64] | None:
    """Give the expected squared error as a form: at fixed point p it is ``[p 1] U [p 1]ᵀ``, mm².

    (4, 4), or None when the pairs leave nothing over to estimate it from.
    """
    matrix = fit(pairs, model)
    over = left_over(pairs, model)
    if over <= 0:
        return None
    variance = (residuals(pairs, matrix) ** 2).sum() / over
    x, _, x0, _ = centred(pairs)
    slopes = _slopes(x, matrix, model)
    inverse = np.linalg.inv(np.einsum("nij,nik->jk", slopes, slopes))
    # slopes are linear in [p 1]: what they are at the origin, and how each axis changes them
    origin, *ends = _slopes(np.concatenate([np.zeros((1, 3)), np.eye(3)]) - x0, matrix, model)
    parts = np.stack([*(end - origin for end in ends), origin])
    form: NDArray[np.float64] = variance * np.einsum("aij,jk,bik->ab", parts, inverse, parts)
    return form


def left_over(pairs: Landmarks, model: Model) -> int:
    """Say how many numbers the pairs give beyond those the model chooses."""
    return 3 * len(pairs) - FREEDOMS[model]


def nine_of_ten(over: int) -> float:
    """Say by what a squared error's expectation has to grow to hold nine errors of ten.

    The 90 % point of the F distribution with 3 and `over` degrees of freedom: errors in three
    directions alike, and a spread that was itself estimated from few pairs.
    """
    from scipy.special import fdtri

    return float(fdtri(3, over, 0.9))


def _slopes(x: Points, matrix: NDArray[np.float64], model: Model) -> NDArray[np.float64]:
    """Say how mapped points (about the centre) move when each number of the model does."""
    shifts = np.broadcast_to(np.eye(3), (len(x), 3, 3))
    if model == "affine":
        return np.concatenate([shifts, np.einsum("ij,nk->nijk", np.eye(3), x).reshape(-1, 3, 9)], 2)
    q = x @ matrix[:3, :3].T
    zero = np.zeros(len(q))
    turns = np.stack(
        [
            np.stack([zero, q[:, 2], -q[:, 1]], 1),
            np.stack([-q[:, 2], zero, q[:, 0]], 1),
            np.stack([q[:, 1], -q[:, 0], zero], 1),
        ],
        1,
    )
    more = [q[:, :, None]] if model == "similarity" else []
    return np.concatenate([shifts, turns, *more], 2)


def leave_one_out(pairs: Landmarks, model: Model) -> NDArray[np.float64]:
    """Map each fixed point by what the other pairs say; see `Landmarks.leave_one_out`."""
    apart = np.full(len(pairs), np.nan)
    if len(pairs) <= fewest_for(model):
        return apart
    for i in range(len(pairs)):
        try:
            apart[i] = residuals(pairs, fit(pairs.without(i), model))[i]
        except AlignError:
            continue
    return apart


def lattice(grid: Grid) -> Points:
    """Give points spread evenly over a grid's box: (125, 3) LPS mm."""
    sides = [np.linspace(0, n - 1, A_SIDE) for n in grid.shape]
    return grid.index_to_lps(np.array(list(product(*sides))))
