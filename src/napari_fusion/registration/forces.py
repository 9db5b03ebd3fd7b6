"""What two sets of descriptors say about where space has to move."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_fusion.registration.filters import Floats

PLANES = 4
"""Planes worked on at a time, so that they stay near the processor."""


def forces(
    still: Floats, moved: Floats, weight: Floats, beat: Callable[[], None]
) -> tuple[Floats, Floats]:
    """Give the normal equations of the squared difference of descriptors, voxel by voxel.

    Parameters
    ----------
    still, moved
        (k, …) descriptors; their mean is what has slopes.
    weight
        How much each voxel counts, 0 to 1.
    beat
        Called often.

    Returns
    -------
    pull
        (3, …): the sum of slope × difference, per voxel along each axis.
    tensor
        (6, …): the sum of slope × slope: xx, xy, xz, yy, yz, zz.
    """
    shape = weight.shape
    pull, tensor = np.zeros((3, *shape), np.float32), np.zeros((6, *shape), np.float32)
    for start in range(0, shape[0], PLANES):
        beat()
        run, low = slice(start, start + PLANES), max(start - 1, 0)
        rim, own = slice(low, start + PLANES + 1), slice(start - low, start - low + PLANES)
        for a, b in zip(still[:, rim], moved[:, rim], strict=True):
            both = a + b
            x, y, z = _rise(both, 0)[own], _rise(both[own], 1), _rise(both[own], 2)
            gap = (a[own] - b[own]) * weight[run]
            for total, slope in zip(pull, (x, y, z), strict=True):
                total[run] += slope * gap
            for total, (v, w) in zip(
                tensor, ((x, x), (x, y), (x, z), (y, y), (y, z), (z, z)), strict=True
            ):
                total[run] += v * w
    pull *= np.float32(1 / 4)  # two of the mean, two of the step
    tensor *= weight * np.float32(1 / 16)
    return pull, tensor


def _rise(volume: Floats, axis: int) -> Floats:
    """Give how much a volume rises over two voxels; at its edges, twice over one."""
    rise = np.empty_like(volume)
    a, d = np.moveaxis(volume, axis, 0), np.moveaxis(rise, axis, 0)
    np.subtract(a[2:], a[:-2], out=d[1:-1])
    d[0], d[-1] = 2 * (a[1] - a[0]), 2 * (a[-1] - a[-2])
    return rise
