"""A flat raster in space, and the values a volume has on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError

STRAIGHT = 1e-6
"""A volume's axes may lean by this much against the raster's and still count as parallel."""


@dataclass(frozen=True)
class Sheet:
    """A raster across one axis of a space in mm, such as the slice on a screen.

    Parameters
    ----------
    axis
        The axis across it; rows run along the first of the other two, columns along the second.
    corner
        The centre of the first pixel, in mm, along all three axes.
    pixel_mm
        Steps from row to row and from column to column; a negative one runs backwards.
    shape
        Rows and columns.
    """

    axis: int
    corner: tuple[float, float, float]
    pixel_mm: tuple[float, float]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        """Refuse what is no raster."""
        if self.axis not in {0, 1, 2} or min(self.shape) < 1 or 0 in self.pixel_mm:
            raise ParameterError(
                f"a raster needs axis 0, 1 or 2, pixels and steps, not axis {self.axis}, "
                f"{self.shape} pixels and steps of {self.pixel_mm} mm"
            )

    @property
    def along(self) -> tuple[int, int]:
        """The axes rows and columns run along."""
        rows, columns = (axis for axis in range(3) if axis != self.axis)
        return rows, columns

    def values(self, array: NDArray[Any], to_space: NDArray[np.float64]) -> NDArray[np.float32]:
        """Read a volume on the raster.

        Across the raster the nearest slice counts, as in every viewer that shows slices; within
        it values are interpolated linearly. A volume that is turned against the raster is
        interpolated in all directions.

        Parameters
        ----------
        array
            Three-dimensional values of any real type; read one slice at a time.
        to_space
            (4, 4), array index to mm.

        Returns
        -------
        numpy.ndarray
            float32 of `shape`; NaN outside the volume and where the volume has no value.
        """
        from_space = np.asarray(np.linalg.inv(to_space), np.float64)
        straight = np.abs(from_space[:3, :3]) > STRAIGHT * np.abs(from_space[:3, :3]).max()
        if np.array_equal(straight, np.eye(3, dtype=bool)):
            return self._parallel(array, np.diagonal(from_space)[:3], from_space[:3, 3])
        return self._turned(array, from_space)

    def _parallel(
        self, array: NDArray[Any], factor: NDArray[np.float64], shift: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        start = np.array(self.corner) * factor + shift
        picture = np.full(self.shape, np.nan, np.float32)
        index = int(np.round(start[self.axis]))
        if not 0 <= index < array.shape[self.axis]:
            return picture
        where = tuple(index if axis == self.axis else slice(None) for axis in range(3))
        cut = np.ascontiguousarray(array[where], np.float32)
        steps = [mm * factor[axis] for mm, axis in zip(self.pixel_mm, self.along, strict=True)]
        starts = [start[axis] for axis in self.along]
        rows, columns = (
            _covered(first, step, count, length)
            for first, step, count, length in zip(starts, steps, self.shape, cut.shape, strict=True)
        )
        if rows.start < rows.stop and columns.start < columns.stop:
            starts = [
                first + step * part.start
                for first, step, part in zip(starts, steps, (rows, columns), strict=True)
            ]
            size = rows.stop - rows.start, columns.stop - columns.start
            picture[rows, columns] = _interpolated(cut, starts, steps, size)
        return picture

    def _turned(self, array: NDArray[Any], from_space: NDArray[np.float64]) -> NDArray[np.float32]:
        from scipy.ndimage import affine_transform

        to_point = np.zeros((3, 3))  # columns: a step across, down and along the raster
        to_point[self.axis, 0] = 1.0
        for column, (axis, mm) in enumerate(zip(self.along, self.pixel_mm, strict=True), start=1):
            to_point[axis, column] = mm
        matrix = from_space[:3, :3] @ to_point
        first = from_space[:3, :3] @ np.array(self.corner) + from_space[:3, 3]
        rows, columns = np.ogrid[: self.shape[0], : self.shape[1]]
        inside = np.ones(self.shape, bool)
        for axis in range(3):
            index = first[axis] + matrix[axis, 1] * rows + matrix[axis, 2] * columns
            inside &= (index >= -0.5) & (index < array.shape[axis] - 0.5)
        found = affine_transform(
            np.asarray(array),
            matrix,
            first,
            output_shape=(1, *self.shape),
            output=np.float32,
            order=1,
            mode="nearest",
        )[0]
        return np.where(inside, found, np.float32(np.nan))


def _covered(first: float, step: float, count: int, length: int) -> slice:
    """Say which of `count` pixels lie in a row of `length` voxels, each half a voxel wide."""
    ends = sorted(((-0.5 - first) / step, (length - 0.5 - first) / step))
    low = int(np.clip(np.ceil(ends[0] - 1e-6), 0, count))
    high = int(np.clip(np.floor(ends[1] + 1e-6) + 1, 0, count))
    return slice(low, max(low, high))


def _interpolated(
    cut: NDArray[np.float32], starts: list[float], steps: list[float], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Read a slice at evenly spaced places, linearly; its edge goes on for half a voxel."""
    whole = [round(start) for start in starts]
    ends = [s + n for s, n in zip(whole, size, strict=True)]
    exact = np.allclose(starts, whole, atol=1e-4) and np.allclose(steps, 1, atol=1e-6)
    if exact and min(whole) >= 0 and ends[0] <= cut.shape[0] and ends[1] <= cut.shape[1]:
        return cut[whole[0] : ends[0], whole[1] : ends[1]]
    import cv2

    placed = np.array([[steps[1], 0.0, starts[1]], [0.0, steps[0], starts[0]]])
    found = cv2.warpAffine(
        cut,
        placed,
        (size[1], size[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(found, np.float32)
