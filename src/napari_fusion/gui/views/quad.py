"""Four views in the place of one: the window's own canvas, two other planes, a projection."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt, QTimer, Signal, Slot
from qtpy.QtWidgets import QMainWindow, QSplitter, QWidget

from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.letters import PLANES
from napari_fusion.gui.views.plane import PlaneView
from napari_fusion.gui.views.turning import Turning
from napari_fusion.volume import JSON


class Quad(QObject):
    """Opens the linked views in a napari window, and puts everything back when they close.

    The window's own canvas stays the first of the four and keeps its plane; the two other planes
    are shown beside it. Its place in the window is found by Qt alone.

    Parameters
    ----------
    viewer
        The napari viewer.
    crossing
        What links the planes.
    """

    toggled = Signal(bool)
    """The views were opened, or closed."""

    def __init__(self, viewer: Any, crossing: Crossing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._crossing = viewer, crossing
        self._home: QWidget | None = None
        self._main: QWidget | None = None
        self._frame: QSplitter | None = None
        self._left_on = "right"
        self._fitted = 0.0
        self._planes: list[PlaneView] = []
        self._turning: Turning | None = None

    @property
    def is_open(self) -> bool:
        """Whether the views are shown."""
        return self._main is not None

    @property
    def planes(self) -> list[PlaneView]:
        """The two other planes while they are shown."""
        return self._planes if self.is_open else []

    @property
    def turning(self) -> Turning | None:
        """The projection while it is shown."""
        return self._turning if self.is_open else None

    def open(self, window: QWidget) -> bool:
        """Show the four views in a napari window; False when it is none."""
        if self.is_open:
            return True
        home, main = canvas_of(window, self._viewer)
        if home is None or main is None:
            return False
        self._home, self._main = home, main
        frame = self._wake() if self._frame is not None else self._build(home)
        frame.widget(0).insertWidget(0, main)
        frame.widget(0).setSizes([10_000, 10_000])
        frame.show()
        main.show()
        self._viewer.dims.events.order.connect(self._turned)
        self._turn()
        self.toggled.emit(self.is_open)
        return True

    def _build(self, home: QWidget) -> QSplitter:
        """Make the canvases, once: OpenGL gives back little of what a canvas takes."""
        self._planes = [PlaneView(self._viewer, n, self._crossing) for n in self._others()]
        self._turning = Turning(self._viewer, self._crossing)
        self._turning.look_from(180 if self._left_on == "left" else 0)
        self._frame = QSplitter(Qt.Orientation.Vertical)
        for views in (self._planes[:1], [self._planes[1], self._turning]):
            row = QSplitter(Qt.Orientation.Horizontal)
            for view in views:
                row.addWidget(view)
            row.setSizes([10_000] * len(views))
            self._frame.addWidget(row)
        self._frame.setSizes([10_000, 10_000])
        home.layout().addWidget(self._frame)
        return self._frame

    def _wake(self) -> QSplitter:
        assert self._frame is not None
        assert self._turning is not None
        for view in self._planes:
            view.wake()
        self._turning.wake()
        return self._frame

    def close(self) -> None:
        """Put the window's canvas back; the others are kept, empty, for the next time."""
        self._show_alone(None)
        home, main, self._home, self._main = self._home, self._main, None, None
        if home is None or main is None or self._frame is None or self._turning is None:
            return
        self._viewer.dims.events.order.disconnect(self._turned)
        self._frame.hide()
        home.layout().insertWidget(0, main)
        main.show()
        for view in self._planes:
            view.rest()
        self._turning.rest()
        if self._viewer.scene.camera.zoom == self._fitted:
            QTimer.singleShot(0, self._viewer.reset_view)  # by then the canvas has all the room
        self.toggled.emit(self.is_open)

    def dispose(self) -> None:
        """Close the views and let go of their canvases, for good."""
        self.close()
        frame, self._frame = self._frame, None
        if frame is None:
            return
        for view in self._planes:
            view.shut()
        self._planes, self._turning = [], None
        frame.setParent(None)
        frame.deleteLater()

    def set_sides(self, left_on: str) -> None:
        """Put the patient's left on a side of the screen, in every plane and the projection."""
        if self._turning is not None and left_on != self._left_on:
            self._turning.look_from(self._turning.angle + 180)
        self._left_on = left_on
        self._turn()

    def fit(self) -> None:
        """Show all of the volumes, every plane at the same scale."""
        self._viewer.reset_view()
        models = [self._viewer, *(view.model for view in self.planes)]
        zooms = []
        for view in self.planes:
            view.model.reset_view()
            zooms.append(view.model.scene.camera.zoom)
        self._viewer.reset_view()
        zooms.append(self._viewer.scene.camera.zoom)
        models[0].scene.camera.zoom = self._fitted = min(zooms)

    def enlarge(self, canvas: QWidget) -> None:
        """Let one view fill the frame; once more, and all four are back."""
        views = self._views()
        found = (n for n, one in enumerate(views) if one is canvas or one.isAncestorOf(canvas))
        self._show_alone(None if self._alone is not None else next(found, None))

    def settings(self) -> dict[str, JSON]:
        """Give which view fills the frame and from where the projection looks, as JSON values."""
        if self.turning is None:
            return {}
        return {"enlarged": self._alone, "angle": self.turning.angle}

    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Enlarge a view and turn the projection as they were, where there are such."""
        angle = settings.get("angle")
        if self.turning is not None and isinstance(angle, int):
            self.turning.look_from(angle)
        place = settings.get("enlarged", self._alone)
        self._show_alone(place if place in range(len(self._views())) else None)

    @property
    def _alone(self) -> int | None:
        """The place of the view that fills the frame."""
        shown = [n for n, one in enumerate(self._views()) if one.isVisibleTo(self._frame)]
        return shown[0] if len(shown) == 1 else None

    def _show_alone(self, place: int | None) -> None:
        """Show the view at a place, or all of them."""
        for n, view in enumerate(self._views()):
            view.setVisible(place in {None, n})
        for n, row in enumerate(self._rows()):
            row.setVisible(place is None or place // 2 == n)

    def _rows(self) -> list[QSplitter]:
        """Give the upper and the lower two while they are shown."""
        if self._frame is None or not self.is_open:
            return []
        return [self._frame.widget(row) for row in range(self._frame.count())]

    def _views(self) -> list[QWidget]:
        """Give all four while they are shown, by rows."""
        return [row.widget(place) for row in self._rows() for place in range(row.count())]

    def _others(self) -> list[str]:
        """Name the planes the window's own canvas does not show."""
        own = self._viewer.dims.order[0]
        return [name for name, order in PLANES.items() if order[0] != own][:2]

    def _turned(self, event: object = None) -> None:
        if self._viewer.dims.ndim == 3:
            self._turn()

    @Slot()
    def _turn(self) -> None:
        for view, name in zip(self.planes, self._others(), strict=False):
            view.turn(name, left_on=self._left_on)


def canvas_of(window: QWidget, viewer: Any) -> tuple[QWidget | None, QWidget | None]:
    """Find the middle of a napari window, and a viewer's canvas in it; None where there is none."""
    if not isinstance(window, QMainWindow) or window.centralWidget() is None:
        return None, None
    home = window.centralWidget()
    return home, next((one for one in home.findChildren(QtViewer) if one.viewer is viewer), None)
