"""Turn the anatomy into voxels: block by block, painted from the outside in, edges antialiased."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.phantom.anatomy import bend, parts
from napari_fusion.phantom.fields import head
from napari_fusion.phantom.shapes import Floats, Points, Shape
from napari_fusion.phantom.tissue import Tissue, reading
from napari_fusion.slab import cut

Pose = NDArray[np.float64] | Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Scanner LPS points to anatomy LPS points, mm: a (4, 4) matrix, or a callable on (n, 3)."""

FINEST_MM = 2.0
"""Voxels longer than this are sampled more than once along that axis: at this spacing, or at half
the voxel's mean edge where that is coarser."""

OUTSIDE_MM = 9.0  # nothing lies further from the skin than the marker capsule
BLOCK = 26  # samples along each axis of a block: its arrays stay in the cache


@dataclass(frozen=True)
class _Sampling:
    """How a grid is sampled: `times` along each axis."""

    grid: Grid
    pose: Pose | None
    times: tuple[int, int, int]

    def points(self, block: tuple[slice, ...]) -> Points:
        """Give the anatomy points of a block of voxels, bent like a real head."""
        ticks = [_ticks(run, n) for run, n in zip(block, self.times, strict=True)]
        affine = self.grid.affine
        if self.pose is not None and not callable(self.pose):
            affine = np.asarray(self.pose, float) @ affine
        shape = (3, *(len(t) for t in ticks))
        xyz = np.empty(shape, np.float32)
        for row in range(3):
            a, b, c = (affine[row, axis] * ticks[axis] for axis in range(3))
            xyz[row] = (a[:, None] + b[None] + affine[row, 3])[:, :, None] + c
        flat = xyz.reshape(3, -1)
        if callable(self.pose):
            flat = np.asarray(self.pose(flat.T.astype(float)), np.float32).T
        return Points(np.ascontiguousarray(bend(flat)))

    def mean(self, values: Floats, block: tuple[slice, ...]) -> Floats:
        """Average the samples of each voxel."""
        sizes = [run.stop - run.start for run in block]
        split = [n for pair in zip(sizes, self.times, strict=True) for n in pair]
        averaged: Floats = values.reshape(split).mean(axis=(1, 3, 5))
        return averaged


class _Scene:
    """The parts one kind of image shows, from the innermost outwards, with their values."""

    def __init__(self, date: int, values: Callable[[Tissue], float]) -> None:
        told = ((part, values(part.tissue)) for part in reversed(parts(date)))
        shown = [(part, value) for part, value in told if not math.isnan(value)]
        self._seen = [(part.shape, np.float32(value)) for part, value in shown]
        boxes = np.array([shape.box for shape, _ in self._seen])
        self._lo, self._hi = boxes[:, 0], boxes[:, 1]

    def near(self, points: Points, margin: float) -> Iterator[tuple[Shape, np.float32]]:
        """Give the shapes whose box meets the points' box."""
        lo, hi = points.box
        meets = (self._lo <= hi + margin) & (self._hi >= lo - margin)
        hits = np.flatnonzero(meets.all(axis=1))
        if hits.size and points.field(head).min() <= margin + OUTSIDE_MM:
            for hit in hits:
                yield self._seen[hit]


def intensities(grid: Grid, kind: str, pose: Pose | None, date: int) -> Floats:
    """Render the ideal image of one kind: no noise, no blur, no bias.

    Parts are laid from the innermost outwards, each behind what is there already, so a block is
    done as soon as nothing shines through. Memory beyond the result is one block.
    """
    scene = _Scene(date, lambda tissue: reading(tissue, kind))
    times = _times(grid)
    width = float(np.mean(grid.spacing / times))
    sampling = _Sampling(grid, pose, times)
    air = np.float32(reading(Tissue.AIR, kind))
    out = np.empty(grid.shape, np.float32)
    for block in _blocks(grid.shape, times):
        points = sampling.points(block)
        values = np.zeros(points.x.shape, np.float32)
        clear = np.ones(points.x.shape, np.float32)
        for shape, value in scene.near(points, width):
            cover = shape(points)
            if cover.min() >= width / 2:
                continue
            cover *= np.float32(-1 / width)
            cover += np.float32(0.5)
            np.clip(cover, 0, 1, out=cover)
            cover *= clear
            clear -= cover
            cover *= value
            values += cover
            if clear.max() < 1e-3:
                break
        values += clear * air
        out[block] = sampling.mean(values, block)
    return out


def labels(grid: Grid, pose: Pose | None, date: int) -> NDArray[np.uint8]:
    """Render the tissue at each voxel's centre."""
    scene = _Scene(date, float)
    sampling = _Sampling(grid, pose, (1, 1, 1))
    out = np.zeros(grid.shape, np.uint8)
    for block in _blocks(grid.shape, (1, 1, 1)):
        points = sampling.points(block)
        here = np.zeros(points.x.shape, np.uint8)
        free = np.ones(points.x.shape, bool)
        for shape, tissue in scene.near(points, 0.0):
            hit = free & (shape(points) < 0)
            here[hit] = tissue
            free &= ~hit
            if not free.any():
                break
        out[block] = here.reshape(out[block].shape)
    return out


def _times(grid: Grid) -> tuple[int, int, int]:
    target = max(FINEST_MM, float(np.prod(grid.spacing)) ** (1 / 3) / 2)
    a, b, c = (max(1, int(np.ceil(s / target - 1e-6))) for s in grid.spacing)
    return a, b, c


def _ticks(run: slice, times: int) -> NDArray[np.float64]:
    """Give the sample positions of a run of voxels, in index units."""
    return np.arange(run.start * times, run.stop * times) / times + (0.5 / times - 0.5)


def _blocks(
    shape: tuple[int, int, int], times: tuple[int, int, int]
) -> Iterator[tuple[slice, ...]]:
    runs = [list(cut(length, max(1, BLOCK // n))) for length, n in zip(shape, times, strict=True)]
    return product(*runs)
