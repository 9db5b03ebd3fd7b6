"""What napari's status bar tells of our layers: values as they were measured, of pictures none.

napari reads the array a layer shows. Of an aligned layer that is resampled, and of a fused one it
is a brightness, which measures nothing: both would contradict the values in the dock.
"""

from __future__ import annotations

from typing import Any

from napari_fusion.gui.colour.rgb import RGB
from napari_fusion.gui.layers import LIVE, VOLUME, place_of
from napari_fusion.gui.readout import is_measured, shares_at, value_at
from napari_fusion.gui.snapshot import SHARES
from napari_fusion.gui.views.pixels import Point, cursor_point, is_flat


class StatusBar:
    """Says it in our words whenever napari has said it in its own.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        viewer.events.status.connect(self._said, position="last")

    def close(self) -> None:
        """Leave the words to napari."""
        self._viewer.events.status.disconnect(self._said)

    def _said(self, event: Any) -> None:
        if not _is_about_a_place(event.value) or not is_flat(self._viewer):
            return  # somebody's words, ours among them
        layers, chosen = self._viewer.layers, self._viewer.layers.selection
        gridded = self._viewer.canvas.grid.enabled
        told_of = [one for one in layers if one in chosen or (gridded and one.visible)]
        if any(is_ours(layer) for layer in told_of):
            point = cursor_point(self._viewer)
            across = int(self._viewer.dims.order[0])
            self._viewer.status = "; ".join(told(layer, point, across) for layer in told_of)


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
    elif place_of(layer) is not None and is_measured(layer.metadata[VOLUME]):
        words = value_at(layer, point)
    return f"{layer.name}: {words}" if words else str(layer.name)
