"""The lines at the foot of the dock: what lies under the cursor, read when the hand rests."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Slot
from qtpy.QtWidgets import QLabel, QWidget

from napari_fusion.gui.readout import readout
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.widgets.hearing import hear

CHANGES = {"inserted", "removed", "visible", "name"}
"""Events of layers after which another value may lie under a cursor that rests."""


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
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._tell)
        self.setWordWrap(True)
        self.setToolTip("Each source's own value and unit, and what it gave to the picture.")
        hear(self.read, viewer.dims.events.point, viewer.dims.events.ndisplay)
        hear(self._layers_changed, viewer.layers.events)
        crossing.hovered.connect(self.read)
        crossing.moved.connect(self.read)

    @Slot()
    def read(self, event: object = None) -> None:
        """Read what is pointed at, when the window has done what it was asked for."""
        self._timer.start()

    def _layers_changed(self, event: Any) -> None:
        if event.type in CHANGES:
            self.read()

    @Slot()
    def _tell(self) -> None:
        told = readout(self._viewer, *self._crossing.under()) or "—"
        if isalive(self):  # reading takes long enough for Python to collect a closed dock
            self.setText(told)
