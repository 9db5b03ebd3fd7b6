"""Between the pixels of a flat canvas and millimetres of the viewer's frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = NDArray[np.float64]


def is_flat(viewer: Any) -> bool:
    """Whether a viewer shows slices of volumes."""
    return bool(viewer.dims.ndisplay == 2 and viewer.dims.ndim == 3)


def cursor_point(viewer: Any) -> Point:
    """Give the point under the cursor on the slice that is shown, (3,) in viewer mm."""
    point: Point = np.array(viewer.dims.point, float)
    shown = list(viewer.dims.displayed)
    point[shown] = np.array(viewer.cursor.position, float)[-3:][shown]
    return point


def to_pixels(viewer: Any, point: ArrayLike, size: tuple[float, float]) -> tuple[float, float]:
    """Say where a point lies on a canvas.

    Parameters
    ----------
    viewer
        A viewer that `is_flat`.
    point
        (3,) in viewer mm; its part across the slice does not matter.
    size
        Width and height of the picture in logical pixels: the canvas, or one of several cells.

    Returns
    -------
    x, y
        Pixels from the upper left corner.
    """
    down, right = viewer.dims.displayed
    centre, zoom, (toward_down, toward_right) = _camera(viewer)
    world = np.asarray(point, float)
    x = size[0] / 2 + toward_right * (world[right] - centre[1]) * zoom
    y = size[1] / 2 + toward_down * (world[down] - centre[0]) * zoom
    return float(x), float(y)


def to_world(viewer: Any, pixel: tuple[float, float], size: tuple[int, int]) -> Point:
    """Say which point of the slice that is shown lies under a pixel, (3,) in viewer mm."""
    down, right = viewer.dims.displayed
    centre, zoom, (toward_down, toward_right) = _camera(viewer)
    (x, y), (width, height) = _in_cell(viewer, pixel, size)
    point: Point = np.array(viewer.dims.point, float)
    point[right] = centre[1] + toward_right * (x - width / 2) / zoom
    point[down] = centre[0] + toward_down * (y - height / 2) / zoom
    return point


def cells(viewer: Any) -> tuple[int, int]:
    """Give the rows and columns of pictures on a canvas: one of each but side by side."""
    grid = viewer.canvas.grid
    rows, columns = grid.actual_shape(viewer.layers) if grid.enabled else (1, 1)
    return int(rows), int(columns)


def _in_cell(
    viewer: Any, pixel: tuple[float, float], size: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give a pixel within its cell of napari's grid, and the cell's size; of one picture, both."""
    rows, columns = cells(viewer)
    width, height = size[0] / columns, size[1] / rows
    return (pixel[0] % width, pixel[1] % height), (width, height)


def _camera(viewer: Any) -> tuple[tuple[float, ...], float, tuple[int, int]]:
    camera = viewer.scene.camera
    vertical, horizontal = camera.orientation2d
    signs = (1 if vertical == "down" else -1, 1 if horizontal == "right" else -1)
    return tuple(camera.center[-2:]), float(camera.zoom), signs
