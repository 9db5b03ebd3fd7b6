"""What a pressed mouse button does while it is moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.pixels import to_world
from napari_fusion.volume import FUNCTIONAL, Volume

Pixel = tuple[float, float]

FINE = 250.0
"""Pixels that change a window by its own width."""

TWICE = 150.0
"""Pixels that zoom by a factor of two."""

STILL = 3.0
"""A hand that moves less far than this, in pixels, has clicked."""


class Drag(Protocol):
    """Something that begins at a pixel, goes on, and ends."""

    def move(self, pixel: Pixel) -> None:
        """Go on to a pixel."""

    def end(self) -> None:
        """Let go of the button."""


class WindowDrag:
    """Sideways the width, upright the level; of PET and SPECT only the top: black stays black.

    Parameters
    ----------
    layer
        The layer whose window changes.
    start
        Where the button was pressed.
    done
        Called at the end with the layer and its window before.
    """

    def __init__(
        self, layer: Any, start: Pixel, done: Callable[[Any, tuple[float, float]], None]
    ) -> None:
        self._layer, self._start, self._done = layer, start, done
        low, high = layer.contrast_limits
        self._before = (float(low), float(high))
        volume = layer.metadata.get(VOLUME)
        self._keeps_low = isinstance(volume, Volume) and volume.modality in FUNCTIONAL

    def move(self, pixel: Pixel) -> None:
        """Change the window in proportion to its width when the button was pressed."""
        low, high = self._before
        width = high - low
        right, down = (b - a for a, b in zip(self._start, pixel, strict=True))
        wider, level = max(width * (1 + right / FINE), width / FINE), (low + high) / 2
        level += down / FINE * width
        if self._keeps_low:
            top = low + max(width * (1 - down / FINE + right / FINE), width / FINE)
            self._layer.contrast_limits = (low, top)
        else:
            self._layer.contrast_limits = (level - wider / 2, level + wider / 2)

    def end(self) -> None:
        """Tell what it was before."""
        self._done(self._layer, self._before)


class CrossDrag:
    """The planes follow the mouse."""

    def __init__(self, viewer: Any, crossing: Crossing, size: tuple[int, int]) -> None:
        self._viewer, self._crossing, self._size = viewer, crossing, size

    def move(self, pixel: Pixel) -> None:
        """Go to what is under the mouse."""
        self._crossing.aim(to_world(self._viewer, pixel, self._size))

    def end(self) -> None:
        """Stay there."""


class PanDrag:
    """The picture follows the mouse."""

    def __init__(self, viewer: Any, start: Pixel, size: tuple[int, int]) -> None:
        self._viewer, self._size = viewer, size
        self._held = to_world(viewer, start, size)

    def move(self, pixel: Pixel) -> None:
        """Bring the point that was pressed under the mouse."""
        keep_under(self._viewer, self._held, pixel, self._size)

    def end(self) -> None:
        """Stay there."""


class ZoomDrag:
    """Up is nearer, down is farther; what was pressed stays where it is."""

    def __init__(self, viewer: Any, start: Pixel, size: tuple[int, int]) -> None:
        self._viewer, self._start, self._size = viewer, start, size
        self._zoom = float(viewer.scene.camera.zoom)

    def move(self, pixel: Pixel) -> None:
        """Zoom by a factor of two every so many pixels."""
        factor = 2 ** ((self._start[1] - pixel[1]) / TWICE)
        zoom_about(self._viewer, self._start, self._zoom * factor, self._size)

    def end(self) -> None:
        """Stay there."""


def zoom_about(viewer: Any, pixel: Pixel, zoom: float, size: tuple[int, int]) -> None:
    """Set the zoom, in pixels per mm, so that what lies under a pixel stays there."""
    held = to_world(viewer, pixel, size)
    viewer.scene.camera.zoom = min(max(zoom, 0.01), 1000.0)
    keep_under(viewer, held, pixel, size)


def keep_under(viewer: Any, point: Any, pixel: Pixel, size: tuple[int, int]) -> None:
    """Move the picture until a point, (3,) in viewer mm, lies under a pixel."""
    now = to_world(viewer, pixel, size)
    centre = viewer.scene.camera.center[-2:]
    shown = list(viewer.dims.displayed)
    viewer.scene.camera.center = tuple(centre + (point - now)[shown])
