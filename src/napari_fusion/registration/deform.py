"""Bend one volume onto another, whatever their contrasts."""

from __future__ import annotations

import numpy as np

from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.flow import Flow
from napari_fusion.registration.layers import CT_WINDOW, Layer, Matrix, opened, solid, window_of
from napari_fusion.registration.masks import Masks, on_layer
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.stage import Side, lattice, stage
from napari_fusion.volume import Volume

Levels = tuple[tuple[float, int], ...]

LEVELS: Levels = ((2.0, 6), (1.0, 8))
"""Voxel size of each level, in the finest one's, and Gauss–Newton steps there."""

MOST_VOXELS = 1.5e6
"""The finest lattice is coarser where it would have more voxels than this: 400 MB of work."""

SOFT_HU = (-60.0, 140.0)
"""Where soft tissues lie in CT: given most of the range, or bone alone would steer."""

SOFT_SHARE = 0.8

EXPECTED_BEATS = 1600
"""About how often a bending reports."""


def deform(
    volumes: tuple[Volume, Volume],
    matrix: Matrix,
    options: AlignOptions,
    pulse: Pulse,
    masks: Masks = (None, None),
    levels: Levels = LEVELS,
) -> DisplacementField:
    """Find the field that, before a given linear map, brings the fixed volume onto the moving one.

    Both volumes become descriptors of local structure (MIND-SSC) that look alike in any contrast;
    Gauss–Newton steps on a stationary velocity, each smoothed by a membrane and the whole held by a
    thin plate, bring them together at two levels of resolution. Following a velocity never folds
    (Arsigny et al. 2006).

    Parameters
    ----------
    volumes
        Fixed and moving.
    matrix
        (4, 4) fixed → moving, LPS mm: the linear answer to start from.
    options
        `grid_mm` and `stiffness` count.
    pulse
        Told of the work done.
    masks
        Fixed and moving; outside them nothing is compared.
    levels
        Voxel sizes, in the finest one's, and steps.

    Raises
    ------
    AlignError
        Nothing that counts lies in both volumes.
    """
    fixed = _side(volumes[0], "fixed", masks[0], options, pulse)
    moving = _side(volumes[1], "moving", masks[1], options, pulse)
    mm = max(options.grid_mm, _coarsest(fixed, options.grid_mm))
    flow = Flow.none(lattice(fixed, levels[0][0] * mm))
    for times, steps in levels:
        grid = lattice(fixed, times * mm)
        pulse.beat()
        level = stage((fixed, moving), grid, matrix, options.stiffness, pulse.beat)
        flow = flow.redrawn(level.nodes, pulse.beat)
        for _ in range(steps):
            flow = level.improved(flow)
    return flow.field(pulse.beat)


def _side(
    volume: Volume, role: str, mask: Volume | None, options: AlignOptions, pulse: Pulse
) -> Side:
    """Window one volume, and find its body and what counts of it."""
    window = window_of(volume, role)
    pulse.beat()
    least = (float(volume.grid.extent_mm.prod()) / (4 * MOST_VOXELS)) ** (1 / 3)
    layer = opened(volume, window, max(0.75 * options.grid_mm, least), pulse.beat)
    pulse.beat()
    body = solid(layer)
    pulse.beat()
    if window is CT_WINDOW:
        layer = Layer(_soft(layer.values), layer.affine)
    return Side(layer, body, on_layer(mask, layer, role))


def _soft(values: np.ndarray) -> np.ndarray:
    """Give soft tissue most of the range of a windowed CT."""
    hu = values * (CT_WINDOW.upper - CT_WINDOW.lower) + CT_WINDOW.lower
    soft = np.clip((hu - SOFT_HU[0]) / (SOFT_HU[1] - SOFT_HU[0]), 0, 1)
    return ((1 - SOFT_SHARE) * values + SOFT_SHARE * soft).astype(np.float32)


def _coarsest(side: Side, mm: float) -> float:
    """Give the voxel size at which the lattice has as many voxels as memory allows."""
    count = float(np.prod(lattice(side, mm).shape))
    return float(mm * max(1.0, count / MOST_VOXELS) ** (1 / 3))
