"""Maximum intensity projections of a volume, seen from any side of a turn about its first axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    array, spacing
        What was projected: the coarsened volume, and the sizes of its voxels in mm.
    """

    pictures: NDArray[np.float32]
    array: NDArray[np.float32]
    spacing: tuple[float, float, float]

    @classmethod
    def of(
        cls, array: NDArray[np.float32], spacing: Sequence[float], *, progress: Progress = silent
    ) -> Projections:
        """Coarsen a volume (n, h, w) and project it all around."""
        coarse, sides = coarsened(array, spacing)
        made = []
        for angle in range(0, 360, STEP_DEG):
            progress(angle / 360, "projecting")
            made.append(turned_mip(coarse, sides, angle))
        return cls(np.stack(made), coarse, sides)

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
        _, b, c = (n * side for n, side in zip(self.array.shape, self.spacing, strict=True))
        return self.size_mm[0], max(b, c)


def coarsened(
    array: NDArray[np.float32], spacing: Sequence[float], pixel: float = COARSE_MM
) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
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
    array, spacing
        The maxima, and the size of their blocks in mm.
    """
    sizes = zip(spacing, array.shape, strict=True)
    steps = [max(1, min(round(pixel / side), n)) for side, n in sizes]
    low = float(np.min(array, where=np.isfinite(array), initial=np.inf))
    finite = np.where(np.isfinite(array), array, low if np.isfinite(low) else 0.0)
    for axis, step in enumerate(steps):
        starts = np.arange(0, finite.shape[axis], step)
        finite = np.maximum.reduceat(finite, starts, axis=axis)
    a, b, c = (side * step for side, step in zip(spacing, steps, strict=True))
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


def brightest(
    array: NDArray[np.float32],
    spacing: Sequence[float],
    angle_deg: float,
    row: int,
    column: int,
    pixel: float = COARSE_MM,
) -> tuple[int, int, int] | None:
    """Find the voxel that a pixel of the projection shows.

    Parameters
    ----------
    array, spacing, angle_deg, pixel
        As for `turned_mip`.
    row, column
        A pixel of its answer.

    Returns
    -------
    index
        Array index, the nearest of equal ones; None where the line misses the volume.
    """
    line = _lines(array.shape, spacing, angle_deg, pixel)[column]
    if not line.size:
        return None
    y, x = divmod(int(line[array[row].ravel()[line].argmax()]), array.shape[2])
    return row, y, x


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
