"""Make a tilted or uneven stack rectangular: shift slices in their planes, then even the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.io.budget import check_volume
from napari_fusion.io.placement import Placement

MOST_GROWTH = 4
"""Evening the steps may make at most this many times as many slices."""


def straightened(
    array: NDArray[np.float32], placement: Placement, background: float
) -> tuple[NDArray[np.float32], Grid, str]:
    """Put slices where they truly lie on a rectangular grid, in canonical order.

    Each slice is moved within its own plane (linear interpolation), so tilt alone costs no
    resolution between slices; uneven steps are then interpolated linearly from the two true
    neighbours.

    Parameters
    ----------
    array
        (slices, rows, columns) as stored, in the order of position.
    placement
        Where the slices lie.
    background
        What is put where nothing was measured.

    Returns
    -------
    tuple
        Voxels and grid in canonical order, and a sentence saying what was done.
    """
    squared, affine = _moved(array, placement, background)
    said = []
    if placement.tilted:
        said.append(
            f"gantry tilt of {placement.tilt_deg:.1f}° corrected "
            f"({placement.drift_mm:.1f} mm end to end)"
        )
    if placement.uneven or placement.missing:
        squared, affine, step = _evened(squared, affine, placement)
        said.append(f"{placement.uneven}: interpolated to {step:.3g} mm at their true positions")
    grid = Grid((squared.shape[0], squared.shape[1], squared.shape[2]), affine)
    order, flips = grid.canonical_order()
    steps = tuple(slice(None, None, -1 if flip else None) for flip in flips)
    canonical = np.ascontiguousarray(squared.transpose(order)[steps])
    return canonical, grid.reordered(order, flips), "; ".join(said)


def _moved(
    array: NDArray[np.float32], placement: Placement, background: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Shift each slice within its plane onto one canvas large enough for all."""
    across, down = placement.affine[:3, 2], placement.affine[:3, 1]
    width, height = np.linalg.norm(across), np.linalg.norm(down)
    shifts = placement.sideways[:, ::-1] / [height, width]  # pixels down and across
    low = np.floor(shifts.min(axis=0) + 1e-9).astype(int)
    high = np.ceil(shifts.max(axis=0) - 1e-9).astype(int)
    slices, rows, columns = array.shape
    shape = (slices, rows + int(high[0] - low[0]), columns + int(high[1] - low[1]))
    check_volume(shape, "the straightened volume")
    canvas = np.full(shape, background, np.float32)
    for plane, slab, shift in zip(canvas, array, shifts - low, strict=True):
        _paste(plane, slab, shift, background)
    affine = placement.affine.copy()
    normal = np.cross(across, down)
    normal /= np.linalg.norm(normal)
    affine[:3, 0] = normal * placement.along[-1] / (slices - 1)
    affine[:3, 3] += down * low[0] + across * low[1]
    return canvas, affine


def _paste(
    plane: NDArray[np.float32],
    slab: NDArray[np.float32],
    shift: NDArray[np.float64],
    background: float,
) -> None:
    """Put a slice on the canvas, moved down and across by a fraction of a pixel, linearly."""
    whole = np.floor(shift + 1e-9).astype(int)
    part = np.clip(shift - whole, 0, 1)
    framed: NDArray[Any] = np.pad(slab, 1, constant_values=background)
    for axis, weight in enumerate(part.tolist()):
        if weight > 1e-9:
            before = np.roll(framed, 1, axis=axis)
            framed = ((1 - weight) * framed + weight * before).astype(np.float32)
    rows, columns = plane.shape
    bottom = min(rows, whole[0] + slab.shape[0] + 1)
    right = min(columns, whole[1] + slab.shape[1] + 1)
    plane[whole[0] : bottom, whole[1] : right] = framed[
        1 : 1 + bottom - whole[0], 1 : 1 + right - whole[1]
    ]


def _evened(
    array: NDArray[np.float32], affine: NDArray[np.float64], placement: Placement
) -> tuple[NDArray[np.float32], NDArray[np.float64], float]:
    """Interpolate between the true neighbours at even steps."""
    along = placement.along
    step = even_step(along)
    count = int(np.floor(along[-1] / step + 1e-6)) + 1
    check_volume((count, *array.shape[1:]), "the evened volume")
    evened = np.empty((count, *array.shape[1:]), np.float32)
    for index, place in enumerate(np.arange(count) * step):
        upper = int(np.clip(np.searchsorted(along, place), 1, len(along) - 1))
        weight = (place - along[upper - 1]) / (along[upper] - along[upper - 1])
        weight = float(np.clip(weight, 0, 1))
        if weight in (0.0, 1.0):
            evened[index] = array[upper - 1 if weight == 0 else upper]
        else:
            evened[index] = (1 - weight) * array[upper - 1] + weight * array[upper]
    affine = affine.copy()
    affine[:3, 0] *= step / np.linalg.norm(affine[:3, 0])
    return evened, affine, step


def even_step(along: NDArray[np.float64]) -> float:
    """Choose the smallest step that occurs twice, unless that makes too many slices."""
    steps = np.sort(np.diff(along))
    rounded = np.round(steps, 2)
    repeated = [s for s, r in zip(steps, rounded, strict=True) if (rounded == r).sum() > 1]
    step = float(repeated[0]) if repeated else float(steps[0])
    return max(step, float(along[-1]) / (MOST_GROWTH * len(along)))
