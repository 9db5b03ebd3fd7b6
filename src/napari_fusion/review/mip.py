"""Maximum intensity projections of a volume, seen from any side of a turn about its first axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import Progress, silent

COARSE_MM = 3.0
"""Side of a pixel of the projection; PET resolves no more."""

STEP_DEG = 10
"""Degrees between two of a turn's projections."""

ROUND_OFF = 1e-6
"""A line this close to a voxel's edge, in pixels, runs along it."""


@dataclass(frozen=True, eq=False)
class Projections:
    """A whole turn of projections.

    Parameters
    ----------
    pictures
        (k, n, m) float32, one every `STEP_DEG` degrees; `turned_mip` says what each shows.
    array
        (n, h, w) the volume.
    blocks, spacing
        What was projected: the largest values of its blocks, and the sizes of a block in mm.
    steps
        Voxels along the sides of a block.
    """

    pictures: NDArray[np.float32]
    array: NDArray[Any]
    blocks: NDArray[np.float32]
    spacing: tuple[float, float, float]
    steps: tuple[int, int, int]

    @classmethod
    def of(
        cls, array: NDArray[Any], spacing: Sequence[float], *, progress: Progress = silent
    ) -> Projections:
        """Coarsen a volume (n, h, w) and project it all around."""
        blocks, steps = coarsened(array, spacing)
        a, b, c = (side * step for side, step in zip(spacing, steps, strict=True))
        made = []
        for angle in range(0, 360, STEP_DEG):
            progress(angle / 360, "projecting")
            made.append(turned_mip(blocks, (a, b, c), angle))
        return cls(np.stack(made), array, blocks, (a, b, c), steps)

    def at(self, angle_deg: int) -> NDArray[np.float32]:
        """Give the projection (n, m) nearest below an angle."""
        seen: NDArray[np.float32] = self.pictures[angle_deg // STEP_DEG % len(self.pictures)]
        return seen

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width of a projection."""
        _, high, wide = self.pictures.shape
        return high * self.spacing[0], wide * COARSE_MM

    @property
    def body_mm(self) -> tuple[float, float]:
        """Height of a projection, and the wider side of the volume: corners are left away."""
        _, b, c = (n * side for n, side in zip(self.blocks.shape, self.spacing, strict=True))
        return self.size_mm[0], max(b, c)

    def place(self, index: NDArray[np.float64], angle_deg: float) -> tuple[float, float]:
        """Say where an index of the volume, (3,), is seen: row and column, 0 at an edge."""
        blocks = (index + 0.5) / self.steps - np.array(self.blocks.shape) / 2
        up, y, x = blocks * self.spacing
        angle = np.deg2rad(angle_deg)
        across = np.cos(angle) * x + np.sin(angle) * y
        _, high, wide = self.pictures.shape
        return float(up / self.spacing[0] + high / 2), float(across / COARSE_MM + wide / 2)

    def brightest(self, angle_deg: float, row: int, column: int) -> NDArray[np.intp] | None:
        """Find the voxel that a pixel shows, (3,) index of the volume; None beside the volume."""
        line = _lines(self.blocks.shape, self.spacing, angle_deg, COARSE_MM)[column]
        if not line.size:
            return None
        block = int(line[self.blocks[row].ravel()[line].argmax()])
        first = np.multiply((row, *divmod(block, self.blocks.shape[2])), self.steps)
        ends = zip(first, first + self.steps, strict=True)
        part = self.array[tuple(slice(start, stop) for start, stop in ends)]
        here = np.where(np.isfinite(part), part, -np.inf).argmax()
        return first + np.unravel_index(here, part.shape)


def coarsened(
    array: NDArray[Any], spacing: Sequence[float], pixel: float = COARSE_MM
) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """Keep the largest of each block of voxels, so that blocks are about as large as a pixel.

    Parameters
    ----------
    array
        (n, h, w) values; those that are not finite count as the least one.
    spacing
        Sizes of a voxel along the axes, in mm.
    pixel
        The side wanted, in mm.

    Returns
    -------
    blocks, steps
        The maxima, and how many voxels their blocks have along each axis; the last block of an
        axis may have fewer.
    """
    sizes = zip(spacing, array.shape, strict=True)
    a, b, c = (max(1, min(round(pixel / side), n)) for side, n in sizes)
    array = np.asarray(array, np.float32)
    low = float(np.min(array, where=np.isfinite(array), initial=np.inf))
    finite = np.where(np.isfinite(array), array, low if np.isfinite(low) else 0.0)
    for axis, step in enumerate((a, b, c)):
        starts = np.arange(0, finite.shape[axis], step)
        finite = np.maximum.reduceat(finite, starts, axis=axis)
    return finite.astype(np.float32, copy=False), (a, b, c)


def turned_mip(
    array: NDArray[np.float32],
    spacing: Sequence[float],
    angle_deg: float,
    pixel: float = COARSE_MM,
) -> NDArray[np.float32]:
    """Project the largest value along lines that lie across the first axis.

    Parameters
    ----------
    array
        (n, h, w) finite values.
    spacing
        Sizes of a voxel along the axes, in mm.
    angle_deg
        The side it is seen from: 0 looks along the rows of axis 1 from its low end, with axis 2 to
        the right; 90 looks from the high end of axis 2, with axis 1 to the right.
    pixel
        Side of a pixel of the answer, in mm.

    Returns
    -------
    numpy.ndarray
        (n, m) float32; the first axis is the volume's own, the second is as long as the volume's
        diagonal across it and holds its centre in the middle.
    """
    columns = np.ascontiguousarray(array.reshape(len(array), -1).T, np.float32)
    lines = _lines(array.shape, spacing, angle_deg, pixel)
    seen = np.full((len(lines), len(array)), array.min(), np.float32)
    for index, line in enumerate(lines):
        if line.size:
            columns[line].max(axis=0, out=seen[index])
    return np.ascontiguousarray(seen.T)


def _lines(
    shape: Sequence[int], spacing: Sequence[float], angle_deg: float, pixel: float
) -> list[NDArray[np.intp]]:
    """Give for each pixel the flat indices of a plane's voxels on its line, nearest first.

    The line runs through the middle of the pixel. A voxel counts as a pixel broad at least, so
    that none falls between two lines.
    """
    tall, broad = shape[1] * spacing[1], shape[2] * spacing[2]
    length = int(np.ceil(np.hypot(tall, broad) / pixel)) | 1
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    y = (np.arange(shape[1])[:, None] - (shape[1] - 1) / 2) * spacing[1] / pixel
    x = (np.arange(shape[2]) - (shape[2] - 1) / 2) * spacing[2] / pixel
    nearest = np.argsort(np.ravel(cos * y - sin * x), kind="stable")
    right = np.ravel(cos * x + sin * y)[nearest] + (length - 1) / 2 + ROUND_OFF
    half = max((abs(cos) * spacing[2] + abs(sin) * spacing[1]) / pixel, 1) / 2
    first, last = np.floor(right - half) + 1, np.floor(right + half)
    return [nearest[(first <= at) & (at <= last)] for at in range(length)]
