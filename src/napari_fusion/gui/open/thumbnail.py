"""A small picture of the middle of a series, without reading all of it where that is possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_fusion.io.series import Series
from napari_fusion.io.workspace import keeping_voxels

SIDE = 64
"""Rows and columns of a thumbnail."""


def thumbnail(series: Series) -> NDArray[np.uint8]:
    """Draw the middle slice of a series; runs in the process that reads files.

    Parameters
    ----------
    series
        What `scan` found; of DICOM only the middle slice is read, of other formats the file.

    Returns
    -------
    ndarray
        (SIDE, SIDE) uint8, black where the slice does not reach; true proportions.

    Raises
    ------
    ReadError, GeometryError
        The series cannot be read.
    """
    import cv2

    from napari_fusion.io import load
    from napari_fusion.slab import default_window

    with keeping_voxels():
        volume = load(_middle(series), frame=0 if series.frames > 1 and not series.stack else None)
    few = int(np.argmin(volume.grid.shape))
    axis = few if volume.grid.shape[few] <= 2 else volume.grid.slice_axis
    plane = np.take(volume.array, volume.grid.shape[axis] // 2, axis)
    bright = default_window(plane[None], volume.modality, volume.unit)(plane[None])[0]
    size = np.array(plane.shape) * np.delete(volume.grid.spacing, axis)
    rows, columns = np.maximum(1, np.round(size * SIDE / size.max())).astype(int)
    small = cv2.resize(bright, (int(columns), int(rows)), interpolation=cv2.INTER_AREA)
    picture = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - rows) // 2, (SIDE - columns) // 2
    picture[top : top + rows, left : left + columns] = np.round(255 * np.nan_to_num(small))
    return picture[::-1] if axis != 0 else picture


def _middle(series: Series) -> Series:
    """Leave of a DICOM series its two middle slices: two, for there to be a distance."""
    if series.stack is None:
        return series
    frames = series.stack.frames
    middle = slice(max(0, len(frames) // 2 - 1), len(frames) // 2 + 1)
    stack = replace(series.stack, times=(frames[middle],))
    return replace(series, stack=stack, frames=1, damaged=0)
