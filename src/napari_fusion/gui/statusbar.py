"""What napari's status bar tells of our layers: values as they were measured, of pictures none.

napari reads the array a layer shows. Of an aligned layer that is resampled, and of a fused one it
is a brightness, which measures nothing: both would contradict the values in the dock.
"""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer, Slot

from napari_fusion.gui.colour.rgb import RGB
from napari_fusion.gui.layers import LIVE, VOLUME, place_of
from napari_fusion.gui.readout import shares_at, value_at
from napari_fusion.gui.snapshot import SHARES
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.pixels import Point, is_flat


class StatusBar(QObject):
    """Says it in our words whenever napari has said it in its own, and again elsewhere.

    It tells of the place the dock tells of: that under the mouse, in whichever view, else where the
    planes cross. napari itself says nothing while the mouse is over a slider.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    crossing
        Says what is pointed at.
    """

    def __init__(self, viewer: Any, crossing: Crossing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._crossing = viewer, crossing
        self._told = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._tell_again)
        viewer.events.status.connect(self._said, position="last")
        crossing.moved.connect(self._timer.start)
        crossing.hovered.connect(self._timer.start)

    def close(self) -> None:
        """Leave the words to napari."""
        self._timer.stop()
        self._told = ""
        self._viewer.events.status.disconnect(self._said)

    def _said(self, event: Any) -> None:
        if _is_about_a_place(event.value):  # else somebody's words, ours among them
            self._tell()

    @Slot()
    def _tell_again(self) -> None:
        if self._told and self._viewer.status == self._told:
            self._tell()

    def _tell(self) -> None:
        if not is_flat(self._viewer):
            return
        layers, chosen = self._viewer.layers, self._viewer.layers.selection
        gridded = self._viewer.canvas.grid.enabled
        told_of = [one for one in layers if one in chosen or (gridded and one.visible)]
        if any(is_ours(layer) for layer in told_of):
            place = self._crossing.under()
            self._told = "; ".join(told(layer, *place) for layer in told_of)
            self._viewer.status = self._told


def _is_about_a_place(status: object) -> bool:
    """Whether napari tells what lies under the mouse: a table of one layer, a line of several."""
    return not isinstance(status, str) or status.startswith("[")


def is_ours(layer: Any) -> bool:
    """Whether a layer shows values of ours, or a picture made of some; labels are napari's."""
    if RGB in layer.metadata or LIVE in layer.metadata:
        return True
    return place_of(layer) is not None and layer.metadata[VOLUME].modality != "LABEL"


def told(layer: Any, point: Point, across: int) -> str:
    """Tell a layer's own value at a point in viewer mm; of a fused one what each source gave."""
    words = ""
    if SHARES in layer.metadata:
        words = shares_at(layer, point, across)
    elif place_of(layer) is not None and layer.metadata[VOLUME].is_measured:
        words = value_at(layer, point)
    return f"{layer.name}: {words}" if words else str(layer.name)
