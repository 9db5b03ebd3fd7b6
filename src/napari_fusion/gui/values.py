"""The lines at the foot of the dock: what lies under the cursor, read when the hand rests."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Slot
from qtpy.QtWidgets import QLabel, QWidget

from napari_fusion.gui.readout import Point, readout
from napari_fusion.gui.views.crossing import Crossing

CHANGES = {"inserted", "removed", "visible", "name", "ndisplay"}
"""Events after which another value may lie under a cursor that rests."""


class Values(QLabel):
    """Tells each source's own value and unit, and what it gave to the picture.

    However much happens at once, a slice that changes in three canvases or a mouse that rushes, it
    is read once, after the window has done what it was asked for; the last place asked for counts.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    crossing
        The point of the linked views.
    """

    def __init__(self, viewer: Any, crossing: Crossing, parent: QWidget | None = None) -> None:
        super().__init__("—", parent)
        self._viewer, self._crossing = viewer, crossing
        self._place: tuple[Point, int] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._tell)
        self.setWordWrap(True)
        self.setToolTip("Each source's own value and unit, and what it gave to the picture.")
        for event in (viewer.cursor.events.position, viewer.dims.events.point):
            event.connect(self.read)
        self._others = (viewer.layers.events, viewer.dims.events.ndisplay)
        for event in self._others:
            event.connect(self._read_again)
        crossing.hovered.connect(self.read_at)
        crossing.moved.connect(self._read_crossing)

    def read(self, event: object = None) -> None:
        """Read where the cursor of the viewer is."""
        if not isalive(self):  # napari deleted the dock; the viewer lives on
            self._viewer.cursor.events.position.disconnect(self.read)
            self._viewer.dims.events.point.disconnect(self.read)
            return
        self._place = None
        self._timer.start()

    def _read_again(self, event: Any = None) -> None:
        """Read the same place, because what lies there may have changed."""
        if not isalive(self):
            for heard in self._others:
                heard.disconnect(self._read_again)
        elif getattr(event, "type", "") in CHANGES:
            self._timer.start()

    @Slot(object, int)
    def read_at(self, point: Point, across: int) -> None:
        """Read at a point, (3,) in viewer mm, of a slice across the viewer's axis `across`."""
        self._place = point, across
        self._timer.start()

    @Slot()
    def _read_crossing(self) -> None:
        self.read_at(self._crossing.point, int(self._viewer.dims.order[0]))

    @Slot()
    def _tell(self) -> None:
        told = readout(self._viewer, *(self._place or ())) or "—"
        if isalive(self):  # reading takes long enough for Python to collect a closed dock
            self.setText(told)
