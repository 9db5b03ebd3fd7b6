"""Four views in the place of one: the window's own canvas, two other planes, and a fourth."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt, Signal, Slot
from qtpy.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QWidget

from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.letters import PLANES
from napari_fusion.gui.views.pair import Pair
from napari_fusion.gui.views.pixels import cells, is_flat
from napari_fusion.gui.views.plane import PlaneView
from napari_fusion.gui.views.turning import Turning
from napari_fusion.volume import JSON

SAME = 1e-3
"""So much nearer than all of it, and it is all of it."""


class Quad(QObject):
    """Opens the linked views in a napari window, and puts everything back when they close.

    The window's own canvas stays the first of the four and keeps its plane; the two other planes
    are shown beside it. The fourth is a projection, or A beside B in the plane of the first. Its
    place in the window is found by Qt alone.

    Parameters
    ----------
    viewer
        The napari viewer.
    crossing
        What links the planes.
    """

    toggled = Signal(bool)
    """The views were opened, or closed, or one of them is another."""

    fourth_changed = Signal(bool)
    """The fourth view is A beside B now, or the projection."""

    def __init__(self, viewer: Any, crossing: Crossing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._crossing = viewer, crossing
        self._home: QWidget | None = None
        self._main: QWidget | None = None
        self._frame: QSplitter | None = None
        self._left_on = "right"
        self._planes: list[PlaneView] = []
        self._turning: Turning | None = None
        self._pair: PlaneView | None = None
        self._fourth: QStackedWidget | None = None
        self._names: tuple[str, ...] = ()
        self.shows_pair = False

    @property
    def is_open(self) -> bool:
        """Whether the views are shown."""
        return self._main is not None

    @property
    def planes(self) -> list[PlaneView]:
        """The two other planes while they are shown."""
        return self._planes if self.is_open else []

    @property
    def pair(self) -> PlaneView | None:
        """A beside B, while that is shown."""
        return self._pair if self.is_open and self.shows_pair else None

    @property
    def views(self) -> list[PlaneView]:
        """Every canvas beside the window's own, while they are shown."""
        return [*self.planes, *filter(None, [self.pair])]

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
        with self._kept():
            self._home, self._main = home, main
            frame = self._wake() if self._frame is not None else self._build(home)
            self._fill_fourth()
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
        self._fourth = QStackedWidget()
        self._fourth.addWidget(self._turning)
        self._frame = QSplitter(Qt.Orientation.Vertical)
        for views in (self._planes[:1], [self._planes[1], self._fourth]):
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

    def choose(self, chosen: Chosen) -> None:
        """Take the layers A (fixed) and B (moving)."""
        if self._names != (chosen.fixed, chosen.moving):
            self._names = chosen.fixed, chosen.moving
            if self.pair is not None:
                with self._kept():
                    self.pair.rest()
                    self.pair.wake()
                    self._turn_pair()

    def show_pair(self, *, on: bool) -> None:
        """Let the fourth view be A beside B, or the projection."""
        if on == self.shows_pair:
            return
        if not self.is_open:
            self.shows_pair = on
        else:
            with self._kept():
                if self.pair is not None:
                    self.pair.rest()
                self.shows_pair = on
                self._fill_fourth()
                self._turn_pair()
            self.toggled.emit(self.is_open)
        self.fourth_changed.emit(on)

    def _fill_fourth(self) -> None:
        """Show in the fourth view what is chosen; its canvas is made when it is first asked for."""
        assert self._fourth is not None
        if self.shows_pair and self._pair is None:
            self._pair = PlaneView(self._viewer, self._own(), self._crossing, self._beside)
            self._fourth.addWidget(self._pair)
        elif self.shows_pair and self._pair is not None:
            self._pair.wake()
        self._fourth.setCurrentIndex(int(self.shows_pair))

    def _beside(self, source: Any, target: Any) -> Pair:
        return Pair(source, target, self._names)

    def close(self) -> None:
        """Put the window's canvas back; the others are kept, empty, for the next time."""
        home, main = self._home, self._main
        if home is None or main is None or self._frame is None or self._turning is None:
            return
        with self._kept():
            self._show_alone(None)
            views = self.views
            self._home = self._main = None
            self._viewer.dims.events.order.disconnect(self._turned)
            self._frame.hide()
            home.layout().insertWidget(0, main)
            main.show()
            for view in views:
                view.rest()
            self._turning.rest()
        self.toggled.emit(self.is_open)

    def dispose(self) -> None:
        """Close the views and let go of their canvases, for good."""
        self.close()
        frame, self._frame = self._frame, None
        if frame is None:
            return
        for view in [*self._planes, *filter(None, [self._pair])]:
            view.shut()
        self._planes, self._turning, self._pair, self._fourth = [], None, None, None
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
        models = {self._main: self._viewer} | {view: view.model for view in self.views}
        seen = [one for view, one in models.items() if view and view.isVisibleTo(self._frame)]
        near = [self._fitted(model) for model in seen or models.values()]
        self._viewer.scene.camera.zoom = min(near) / cells(self._viewer)[1]

    def _fitted(self, model: Any) -> float:
        """Show all of the volumes in one plane; give its pixels a mm, as for the whole canvas."""
        model.reset_view()
        return float(model.scene.camera.zoom * cells(model)[1])

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Let canvases of other sizes show what was seen: all of it, or as near a part of it."""
        camera = self._viewer.scene.camera
        seen, zoom = self._crossing.centre.copy(), camera.zoom
        if not self.is_open and is_flat(self._viewer):
            across = self._viewer.dims.order[0]
            seen[across] = self._crossing.point[across]
        self.fit()
        nearer = zoom / camera.zoom
        yield
        self._lay_out()
        self.fit()
        if nearer > 1 + SAME and is_flat(self._viewer):
            self._crossing.look(seen, nearer)

    def _lay_out(self) -> None:
        """Give canvases their sizes now, and not when they are drawn."""
        assert self._frame is not None
        self._frame.parentWidget().layout().activate()
        for splitter in (self._frame, *self._rows()):
            splitter.refresh()

    def enlarge(self, canvas: QWidget) -> None:
        """Let one view fill the frame, nearer as it is larger; once more, and all are back."""
        views = self._views()
        found = (n for n, one in enumerate(views) if one is canvas or one.isAncestorOf(canvas))
        with self._kept():
            self._show_alone(None if self._alone is not None else next(found, None))

    def settings(self) -> dict[str, JSON]:
        """Give which view fills the frame and how the projection looks or turns, as JSON values."""
        if self.turning is None:
            return {}
        told: dict[str, JSON] = {"enlarged": self._alone, "angle": self.turning.angle}
        fourth = "pair" if self.shows_pair else "projection"
        return told | {"fourth": fourth, "turns": self.turning.is_turning}

    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Enlarge a view and turn the projection as they were, where there are such."""
        if settings.get("fourth") in {"pair", "projection"}:
            self.show_pair(on=settings["fourth"] == "pair")
        angle = settings.get("angle")
        if self.turning is not None and isinstance(angle, int):
            self.turning.look_from(angle)
        if self.turning is not None:
            self.turning.turn(on=settings.get("turns", self.turning.is_turning) is True)
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

    def _turn_pair(self) -> None:
        if self.pair is not None:
            self.pair.turn(self._own(), left_on=self._left_on)

    def _own(self) -> str:
        """Name the plane of the window's own canvas."""
        own = self._viewer.dims.order[0]
        return next(name for name, order in PLANES.items() if order[0] == own)

    @Slot()
    def _turn(self) -> None:
        self._turn_pair()
        for view, name in zip(self.planes, self._others(), strict=False):
            view.turn(name, left_on=self._left_on)


def canvas_of(window: QWidget, viewer: Any) -> tuple[QWidget | None, QWidget | None]:
    """Find the middle of a napari window, and a viewer's canvas in it; None where there is none."""
    if not isinstance(window, QMainWindow) or window.centralWidget() is None:
        return None, None
    home = window.centralWidget()
    return home, next((one for one in home.findChildren(QtViewer) if one.viewer is viewer), None)
