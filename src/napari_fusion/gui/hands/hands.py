"""The mouse over a canvas: wheel, left, middle and right as readers of images know them."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from napari_fusion.gui.covered import is_shown
from napari_fusion.gui.hands.drags import (
    STILL,
    CrossDrag,
    Drag,
    PanDrag,
    Pixel,
    WindowDrag,
    ZoomDrag,
    zoom_about,
)
from napari_fusion.gui.layers import LIVE
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.pixels import Point, is_flat, to_world

NOTCH = 120
"""What Qt calls one notch of a wheel."""

ZOOM_A_NOTCH = 1.2

TEXT = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)
"""Widgets that the keyboard belongs to while they have it."""

Claim = Callable[[Any, Point, QEvent], bool]
"""Asked before a left drag begins, goes on and ends: the viewer, the point under the mouse in
viewer mm, and the event; True takes it."""


class Hands(QObject):
    """Filters the mouse events of canvases; lets go of them all with `release`.

    In a 3-D view nothing is taken; while a tool of napari's is in use, on a layer that is marked or
    painted on, only the wheel and the middle button, so that slices can be changed.

    Parameters
    ----------
    viewer
        The viewer whose layers are windowed.
    crossing
        What the wheel and the clicks move.
    windowed
        Called when a window was changed, with the layer and its window before.
    """

    enlarged = Signal(object)
    """A canvas was clicked twice."""

    def __init__(
        self,
        viewer: Any,
        crossing: Crossing,
        windowed: Callable[[Any, tuple[float, float]], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._crossing, self._windowed = viewer, crossing, windowed
        self._held: dict[QWidget, Any] = {}
        self._drag: Drag | None = None
        self._pressed: Pixel | None = None
        self._turned = 0.0
        self.claims: list[Claim] = []
        self.crosshair = False
        self._ways = {
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._let_go,
            QEvent.Type.MouseButtonDblClick: self._double,
            QEvent.Type.Enter: self._enter,
        }

    def hold(self, canvas: QWidget, viewer: Any) -> None:
        """Take the mouse over a canvas of a viewer."""
        if canvas not in self._held:
            self._held[canvas] = viewer
            canvas.installEventFilter(self)

    def drop(self, canvas: QWidget) -> None:
        """Give the mouse over a canvas back to napari."""
        if self._held.pop(canvas, None) is not None:
            canvas.removeEventFilter(self)

    def release(self) -> None:
        """Give everything back to napari."""
        for canvas in list(self._held):
            self.drop(canvas)

    def viewer_at(self, canvas: object) -> Any:
        """Give the viewer of a canvas that is held; None for others."""
        return self._held.get(canvas)

    @property
    def canvases(self) -> list[QWidget]:
        """The canvases that are held."""
        return list(self._held)

    @property
    def is_free(self) -> bool:
        """Whether no tool of napari's is in use."""
        active = self._viewer.layers.selection.active
        return active is None or str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take what is ours."""
        way = self._ways.get(event.type())
        viewer = self._held.get(watched)
        if way is None or viewer is None or not is_flat(viewer):
            return False
        if not self.is_free and self._drag is None and not _leaves_tools(event):
            return False
        return way(watched, viewer, event)

    def layer(self) -> Any:
        """Give the layer a drag windows: the selected image, else the topmost one that is seen."""
        from napari.layers import Image

        active = self._viewer.layers.selection.active
        if isinstance(active, Image) and is_shown(active) and not active.rgb:
            return active
        seen = [one for one in self._viewer.layers if isinstance(one, Image) and is_shown(one)]
        own = (one for one in reversed(seen) if not one.rgb and LIVE not in one.metadata)
        return next(own, None)

    def _wheel(self, canvas: QWidget, viewer: Any, event: QWheelEvent) -> bool:
        notches = event.angleDelta().y() / NOTCH
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            pixel = (event.position().x(), event.position().y())
            zoom = viewer.scene.camera.zoom * ZOOM_A_NOTCH**notches
            zoom_about(viewer, pixel, zoom, _size(canvas))
            return True
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return False
        self._turned += notches
        whole = int(self._turned)
        self._turned -= whole
        if whole:
            self._crossing.step(viewer.dims.order[0], whole)
        return True

    def _press(self, canvas: QWidget, viewer: Any, event: QMouseEvent) -> bool:
        pixel, size, buttons = _pixel(event), _size(canvas), Qt.MouseButton
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return False
        canvas.setFocus()
        self._pressed = pixel
        if event.button() == buttons.LeftButton:
            if self._claimed(canvas, viewer, event):
                return True
            self._drag = self._left(viewer, event, size)
        elif event.button() == buttons.RightButton:
            self._drag = ZoomDrag(viewer, pixel, size)
        elif event.button() == buttons.MiddleButton:
            self._drag = PanDrag(viewer, pixel, size)
        return self._drag is not None

    def _left(self, viewer: Any, event: QMouseEvent, size: tuple[int, int]) -> Drag | None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self.crosshair or shift:
            drag = CrossDrag(viewer, self._crossing, size)
            drag.move(_pixel(event))
            return drag
        layer = self.layer()
        return None if layer is None else WindowDrag(layer, _pixel(event), self._windowed)

    def _move(self, canvas: QWidget, viewer: Any, event: QMouseEvent) -> bool:
        if event.buttons() == Qt.MouseButton.NoButton:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._crossing.aim(to_world(viewer, _pixel(event), _size(canvas)))
            return False  # napari tells the value under the mouse
        if self._drag is None:
            return self._pressed is not None and self._claimed(canvas, viewer, event)
        if self._is_still(event) and isinstance(self._drag, WindowDrag):
            return True
        self._drag.move(_pixel(event))
        return True

    def _let_go(self, canvas: QWidget, viewer: Any, event: QMouseEvent) -> bool:
        drag, self._drag = self._drag, None
        if drag is None:
            taken = self._pressed is not None and self._claimed(canvas, viewer, event)
            self._pressed = None
            return taken
        drag.end()
        if isinstance(drag, WindowDrag) and self._is_still(event):  # a click goes there
            self._crossing.go(to_world(viewer, _pixel(event), _size(canvas)))
        self._pressed = None
        return True

    def _double(self, canvas: QWidget, viewer: Any, event: QMouseEvent) -> bool:
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        self.enlarged.emit(canvas)
        return True

    def _enter(self, canvas: QWidget, viewer: Any, event: QEvent) -> bool:
        """Let keys follow the mouse, unless the user is writing."""
        if not isinstance(QApplication.focusWidget(), TEXT):
            canvas.setFocus()
        return False

    def _claimed(self, canvas: QWidget, viewer: Any, event: QMouseEvent) -> bool:
        point = to_world(viewer, _pixel(event), _size(canvas))
        return any(claim(viewer, point, event) for claim in self.claims)

    def _is_still(self, event: QMouseEvent) -> bool:
        if self._pressed is None:
            return False
        away = [abs(a - b) for a, b in zip(self._pressed, _pixel(event), strict=True)]
        return max(away) < STILL


def _leaves_tools(event: QEvent) -> bool:
    """Whether an event means nothing to napari's tools."""
    if event.type() == QEvent.Type.MouseButtonPress:
        return bool(event.button() == Qt.MouseButton.MiddleButton)
    return bool(event.type() == QEvent.Type.Wheel)


def _pixel(event: QMouseEvent) -> Pixel:
    return float(event.position().x()), float(event.position().y())


def _size(canvas: QWidget) -> tuple[int, int]:
    return int(canvas.width()), int(canvas.height())
