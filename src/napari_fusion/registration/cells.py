"""Trilinear look-up of many points, with slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.layers import Layer, Matrix

Floats = NDArray[np.float32]

RUN = 1 << 14
"""Points read at a time, so that what is worked on stays near the processor."""


@dataclass(frozen=True, eq=False)
class Cells:
    """A layer as trilinear cells, ready to be looked up at many points."""

    values: Floats
    shape: tuple[int, int, int]
    to_index: Matrix

    @classmethod
    def of(cls, layer: Layer) -> Cells:
        """Flatten a layer; an axis of one voxel is doubled to make a cell."""
        values = layer.values
        affine = np.array(layer.affine)
        for axis in range(3):
            if values.shape[axis] == 1:
                values = np.repeat(values, 2, axis=axis)
                affine[:3, 3] -= affine[:3, axis] / 2
        a, b, c = values.shape
        return cls(values.ravel(), (a, b, c), np.linalg.inv(affine).astype(np.float64))

    def locate(self, x: Floats, y: Floats, z: Floats) -> tuple[NDArray[np.bool_], Floats, Floats]:
        """Find which index points lie inside, their cells' corners, and the place in the cell."""
        a, b, c = self.shape
        inside = (x >= 0) & (x < a - 1) & (y >= 0) & (y < b - 1) & (z >= 0) & (z < c - 1)
        x, y, z = (np.compress(inside, n) for n in (x, y, z))
        i, j, h = (n.astype(np.intp) for n in (x, y, z))
        place = np.stack([x - i, y - j, z - h])
        first = (i * b + j) * c + h
        corners = np.empty((8, first.size), np.float32)
        for k in range(8):
            offset = ((k >> 2) * b + (k >> 1 & 1)) * c + (k & 1)
            np.take(self.values[offset:], first, mode="clip", out=corners[k])
        return inside, corners, place


def interpolate(corners: Floats, place: Floats) -> Floats:
    """Give trilinear values of points in cells."""
    u, v, w = place
    c = corners
    low = c[0:8:2] + w * (c[1:8:2] - c[0:8:2])
    flat = low[0:4:2] + v * (low[1:4:2] - low[0:4:2])
    value: Floats = flat[0] + u * (flat[1] - flat[0])
    return value


def interpolate_slopes(corners: Floats, place: Floats) -> tuple[Floats, Floats]:
    """Give trilinear values and their (3, n) slopes per array index."""
    u, v, w = place
    c = corners
    rise = c[1:8:2] - c[0:8:2]
    low = c[0:8:2] + w * rise
    bend = low[1:4:2] - low[0:4:2]
    flat = low[0:4:2] + v * bend
    step = flat[1] - flat[0]
    along_v = bend[0] + u * (bend[1] - bend[0])
    lift = rise[0:4:2] + v * (rise[1:4:2] - rise[0:4:2])
    along_w = lift[0] + u * (lift[1] - lift[0])
    return flat[0] + u * step, np.stack([step, along_v, along_w])


def read(volumes: Floats, points: Floats, beat: Callable[[], None]) -> Floats:
    """Read (k, a, b, c) volumes at (3, …) fractional indices; edges are repeated outwards.

    `beat` is called often.

    Returns
    -------
    (k, …) float32.
    """
    spots, flat = points.reshape(3, -1), volumes.reshape(len(volumes), -1)
    shape = volumes.shape[1:]
    strides = [shape[1] * shape[2], shape[2], 1]
    ways = [(0, stride if n > 1 else 0) for n, stride in zip(shape, strides, strict=True)]
    offsets = [sum(way) for way in product(*ways)]
    found = np.empty((len(volumes), spots.shape[1]), np.float32)
    for start in range(0, spots.shape[1], RUN):
        beat()
        run = slice(start, start + RUN)
        cells, place = _cells(spots[:, run], shape)
        first = sum(n * stride for n, stride in zip(cells, strides, strict=True))
        corners = np.empty((8, place.shape[1]), np.float32)
        for values, out in zip(flat, found[:, run], strict=True):
            for corner, offset in zip(corners, offsets, strict=True):
                np.take(values[offset:], first, mode="clip", out=corner)
            out[...] = interpolate(corners, place)
    return found.reshape(len(volumes), *points.shape[1:])


def _cells(points: Floats, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], Floats]:
    """Give the first corner of the cells that hold (3, n) index points, and the place in them."""
    size = np.array(shape)[:, None]
    inside = np.clip(points, 0, size - 1, dtype=np.float32)
    cells = np.minimum(inside.astype(np.intp), np.maximum(size - 2, 0))
    return cells, (inside - cells).astype(np.float32)
