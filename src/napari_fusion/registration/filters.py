"""Filters of float32 volumes, by OpenCV's one-dimensional ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def gaussian(sigma: float) -> Floats:
    """Give a kernel of this standard deviation, in voxels, that sums to 1."""
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights: Floats = (kernel / kernel.sum()).astype(np.float32)
    return weights


def filtered(volume: Floats, kernel: Floats) -> Floats:
    """Filter along every axis by the same short kernel; edges are repeated outwards."""
    import cv2

    edge: dict[str, Any] = {"borderType": cv2.BORDER_REPLICATE}
    alone = np.ones(1, np.float32)
    rows = volume.reshape(volume.shape[0], -1)
    through = cv2.sepFilter2D(rows, -1, alone, kernel, **edge).reshape(volume.shape)
    done = np.empty_like(volume)
    for k, plane in enumerate(through):
        done[k] = cv2.sepFilter2D(np.ascontiguousarray(plane), -1, kernel, kernel, **edge)
    return done


def halved(volume: Floats) -> Floats:
    """Keep every second voxel along each axis, as a weighted mean of its neighbours."""
    smooth = filtered(volume, np.array([0.25, 0.5, 0.25], np.float32))
    return np.ascontiguousarray(smooth[::2, ::2, ::2])


def shifted(volume: Floats, step: NDArray[np.intp]) -> Floats:
    """Give the volume's value at x + step for every voxel x; edges are repeated outwards."""
    for axis, by in enumerate(step):
        if by:
            n = volume.shape[axis]
            volume = np.take(volume, np.clip(np.arange(n) + by, 0, n - 1), axis=axis)
    return volume
