"""Which values a scan has within an uncertain length of each voxel."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.slab import cut

Floats = NDArray[np.float32]
Range = tuple[Floats, Floats]
Line = Callable[..., Any]

MOST_LEVELS = 16
"""Even lengths between which one that differs by voxel is drawn."""

BLOCK = 96
"""Rows and columns that are looked at together."""


@dataclass(eq=False)
class Reach:
    """A scan, and how far from where it seems each voxel may lie.

    Parameters
    ----------
    array
        (nz, ny, nx) values; what is not finite is not known and has no say.
    off_mm
        One length in mm, or (nz, ny, nx).
    spacing
        mm along each axis.
    """

    array: Floats
    off_mm: Floats
    spacing: NDArray[np.float64]

    def of(self, some: slice) -> Range:
        """Give the lowest and highest value that each voxel of some slices may have.

        A block of rows and columns is looked at by itself, with as much around it as its own
        lengths ask for: few of the levels lie within one block, and a core keeps it near itself.
        """
        low, high = np.empty_like(self.array[some]), np.empty_like(self.array[some])
        for rows, columns in product(*(cut(n, BLOCK) for n in self.array.shape[1:])):
            block = (some, rows, columns)
            low[:, rows, columns], high[:, rows, columns] = self._block(block)
        return low, high

    @cached_property
    def _ends(self) -> tuple[np.float32, np.float32]:
        """Give the highest and lowest value known, which stand for those that are not."""
        known = [plane[np.isfinite(plane)] for plane in self.array]
        ends = [(values.max(), values.min()) for values in known if values.size] or [(0, 0)]
        return np.float32(max(high for high, _ in ends)), np.float32(min(low for _, low in ends))

    @cached_property
    def _levels(self) -> NDArray[np.float64]:
        """Give even lengths, the same everywhere, between which one of a voxel is drawn."""
        least, most = float(self.off_mm.min()), float(self.off_mm.max())
        if most == least:
            return np.array([least])
        steps = int(2 * (most - least) / self.spacing.min())
        return np.linspace(least, most, min(MOST_LEVELS, 2 + steps))

    def _block(self, block: tuple[slice, slice, slice]) -> Range:
        import cv2

        off_mm = self.off_mm[block] if self.off_mm.ndim else self.off_mm
        margins = (off_mm.max() / self.spacing).astype(int) + 1
        starts = [max(part.start - margin, 0) for part, margin in zip(block, margins, strict=True)]
        ends = [part.stop + margin for part, margin in zip(block, margins, strict=True)]
        near = np.ascontiguousarray(self.array[tuple(map(slice, starts, ends))])
        inner = tuple(
            slice(part.start - start, part.stop - start)
            for part, start in zip(block, starts, strict=True)
        )
        first = max(int(np.searchsorted(self._levels, off_mm.min(), "right")) - 1, 0)
        last = int(np.searchsorted(self._levels, off_mm.max(), "left"))
        levels = self._levels[first : max(last, first) + 1]
        known = np.isfinite(near)

        def furthest(line: Line, unknown: np.float32) -> Floats:
            filled = near if known.all() else np.where(known, near, unknown)
            return _drawn(
                lambda level: spread(filled, level / self.spacing, line)[inner], off_mm, levels
            )

        return furthest(cv2.erode, self._ends[0]), furthest(cv2.dilate, self._ends[1])


def _drawn(
    found_at: Callable[[np.float64], Floats], off_mm: Floats, levels: NDArray[np.float64]
) -> Floats:
    """Draw what is found within each voxel's length between what is within even ones."""
    below = found = found_at(levels[0])
    for lower, upper in pairwise(levels):
        above = found_at(upper)
        part = (off_mm - np.float32(lower)) / np.float32(upper - lower)
        between = np.where(part < 1, below + part * (above - below), above)
        found = np.where(part > 0, between, found)
        below = above
    return found


def spread(array: Floats, radii: NDArray[np.float64], line: Line) -> Floats:
    """Give the most extreme over a box; a fraction of a voxel reaches that far towards the next.

    Parameters
    ----------
    array
        (nz, ny, nx), all known.
    radii
        Half the box along each axis, voxels.
    line
        OpenCV's function for the maximum, or the minimum, of the pixels that a mask covers.
    """
    for axis, radius in enumerate(radii):
        whole, part = int(radius), np.float32(radius - int(radius))
        near = _along(array, axis, whole, line)
        if part > 1e-6:
            near = near + part * (_along(array, axis, whole + 1, line) - near)
        array = near
    return array


def _along(array: Floats, axis: int, reach: int, line: Line) -> Floats:
    """Give the most extreme of `reach` voxels to either side along one axis."""
    if reach == 0:
        return array
    found = np.empty_like(array)
    n = array.shape
    flat = (n[0], n[1] * n[2]) if axis == 0 else (n[0] * n[1], n[2])
    mask = np.ones((1, 2 * reach + 1) if axis == 2 else (2 * reach + 1, 1), np.uint8)
    for plane, into in zip(
        *((one if axis == 1 else [one.reshape(flat)]) for one in (array, found)), strict=True
    ):
        line(plane, mask, dst=into)
    return found
