"""Turn the anatomy into voxels: block by block, painted from the outside in, edges antialiased."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.phantom.anatomy import Part, bend, parts
from napari_fusion.phantom.shapes import Box, Floats, Points
from napari_fusion.phantom.tissue import Tissue, reading
from napari_fusion.slab import cut

Pose = NDArray[np.float64] | Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Scanner LPS points to anatomy LPS points, mm: a (4, 4) matrix, or a callable on (n, 3)."""

FINEST_MM = 1.6
"""Voxels longer than this are sampled more than once along that axis, up to `MOST` times."""

MOST = 4
BLOCK = 26  # samples along each axis of a block: its arrays stay in the cache


@dataclass(frozen=True)
class _Sampling:
    """How a grid is sampled: `times` along each axis, so edges are `width` mm soft."""

    grid: Grid
    pose: Pose | None
    times: tuple[int, int, int]
    width: float

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


def intensities(grid: Grid, kind: str, pose: Pose | None, date: int) -> Floats:
    """Render the ideal image of one kind: no noise, no blur, no bias.

    Memory beyond the result is one block, whatever the grid.
    """
    scene = [(part, reading(part.tissue, kind)) for part in parts(date)]
    seen = [(part, np.float32(value)) for part, value in scene if not np.isnan(value)]
    times = _times(grid)
    width = float(np.mean(grid.spacing / times))
    sampling = _Sampling(grid, pose, times, width)
    out = np.empty(grid.shape, np.float32)
    for block in _blocks(grid.shape, times):
        points = sampling.points(block)
        values = np.full(points.x.shape, reading(Tissue.AIR, kind), np.float32)
        for part, value in _present(seen, points, width):
            cover = part.shape(points)
            cover *= np.float32(-1 / width)
            cover += np.float32(0.5)
            np.clip(cover, 0, 1, out=cover)
            cover *= value - values
            values += cover
        out[block] = sampling.mean(values, block)
    return out


def labels(grid: Grid, pose: Pose | None, date: int) -> NDArray[np.uint8]:
    """Render the tissue at each voxel's centre."""
    scene = [(part, np.float32(part.tissue)) for part in parts(date)]
    sampling = _Sampling(grid, pose, (1, 1, 1), 0.0)
    out = np.zeros(grid.shape, np.uint8)
    for block in _blocks(grid.shape, (1, 1, 1)):
        points = sampling.points(block)
        here = np.zeros(points.x.shape, np.uint8)
        for part, _ in _present(scene, points, 0.0):
            here[part.shape(points) < 0] = part.tissue
        out[block] = here.reshape(out[block].shape)
    return out


def _present(
    scene: list[tuple[Part, np.float32]], points: Points, margin: float
) -> Iterator[tuple[Part, np.float32]]:
    """Give the parts whose box meets the points' box, in painting order."""
    lo, hi = points.box
    for part, value in scene:
        if _meets(part.shape.box, lo - margin, hi + margin):
            yield part, value


def _meets(box: Box, lo: NDArray[np.float64], hi: NDArray[np.float64]) -> bool:
    return bool((box[0] <= hi).all() and (box[1] >= lo).all())


def _times(grid: Grid) -> tuple[int, int, int]:
    a, b, c = (min(MOST, max(1, int(np.ceil(s / FINEST_MM - 1e-6)))) for s in grid.spacing)
    return a, b, c


def _ticks(run: slice, times: int) -> NDArray[np.float64]:
    """Give the sample positions of a run of voxels, in index units."""
    return np.arange(run.start * times, run.stop * times) / times + (0.5 / times - 0.5)


def _blocks(
    shape: tuple[int, int, int], times: tuple[int, int, int]
) -> Iterator[tuple[slice, ...]]:
    runs = [list(cut(length, max(1, BLOCK // n))) for length, n in zip(shape, times, strict=True)]
    return product(*runs)
