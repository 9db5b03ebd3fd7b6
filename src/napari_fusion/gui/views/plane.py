"""One plane of the linked views: a canvas of its own on the same arrays."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fusion.gui.views.cross import Cross
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.letters import show_letters, show_plane
from napari_fusion.gui.views.marks import Marks
from napari_fusion.gui.views.mirror import Mirror


class Content(Protocol):
    """What a view shows of a viewer, kept true until it is closed."""

    def close(self) -> None:
        """Let go of the layers."""


class PlaneView(QWidget):
    """Shows the layers of a viewer in one plane, crossing the other planes in one point.

    Parameters
    ----------
    source
        The viewer whose layers are shown.
    name
        "axial", "coronal" or "sagittal".
    crossing
        What links the planes.
    fill
        Shows what of the viewer, the first, in this view's own: by default all layers.
    """

    def __init__(
        self,
        source: Any,
        name: str,
        crossing: Crossing,
        fill: Callable[[Any, Any], Content] = Mirror,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._fill = fill
        self.model = ViewerModel(title=name)
        self._source, self._crossing = source, crossing
        self.marks = Marks(self.model)
        show_letters(self.model)
        self._viewer = QtViewer(self.model)
        self._viewer.setAcceptDrops(False)  # what is dropped belongs to the window's own viewer
        self.canvas: QWidget = self._viewer.canvas.native
        self.marks.put_on(self.canvas)
        self.cross = Cross(self.model, self.canvas, crossing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._viewer)
        self.name, self._left_on = name, "right"
        self.model.dims.events.ndim.connect(self._turn)
        self._content = fill(source, self.model)  # napari draws no grid that was there before it
        self._turn()
        crossing.join(self.model)

    def turn(self, name: str, *, left_on: str = "right") -> None:
        """Show a plane; the patient's left is on the side named."""
        self.name, self._left_on = name, left_on
        self._turn()

    def _turn(self, event: object = None) -> None:
        if self.model.dims.ndim == 3:  # without volumes there is no plane yet
            show_plane(self.model, self.name, left_on=self._left_on)
            self._crossing.bring(self.model)

    def rest(self) -> None:
        """Let go of the layers and the other planes; the canvas is kept for the next time."""
        self._crossing.leave(self.model)
        self._content.close()

    def wake(self) -> None:
        """Show the viewer's layers again."""
        self._content = self._fill(self._source, self.model)
        self._crossing.join(self.model)

    def shut(self) -> None:
        """Let go of everything, the canvas too; after `rest`."""
        self.model.dims.events.ndim.disconnect(self._turn)
        self.cross.deleteLater()
        self.marks.close()
        self._viewer.close()
        self.deleteLater()
