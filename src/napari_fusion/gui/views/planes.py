"""Axial, coronal or sagittal, and on which side of the screen the patient's left is."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal, Slot
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_fusion.gui.choices import chosen, keep
from napari_fusion.gui.line import line_of
from napari_fusion.gui.views.letters import PLANES, orient, show_plane
from napari_fusion.gui.widgets.hearing import hear


class PlaneBar(QWidget):
    """Buttons that turn the view; picture and letters turn together, data never do.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    turned = Signal(str)
    """The line of Python that turns the view the same way."""

    sided = Signal(str)
    """The side of the screen the patient's left is on now."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._plane = "axial"
        self.buttons = {}
        row = QHBoxLayout()
        for name in PLANES:
            button = QPushButton(name.capitalize())
            button.setToolTip(f"Show the {name} plane.")
            button.clicked.connect(lambda _=False, n=name: self.show_plane(n))
            self.buttons[name] = button
            row.addWidget(button)
        self.left = QCheckBox("Patient's left on the left")
        self.left.setToolTip("Off: as radiologists look, from the feet. On: as neurologists do.")
        self.left.toggled.connect(self._change_sides)
        self.left.setChecked(chosen("last", "left_on") == "left")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.left)
        hear(self._rolled, viewer.dims.events.order)

    def _rolled(self, event: object = None) -> None:
        """Keep the head up when napari's own buttons change the order of axes."""
        if self._viewer.dims.ndim == 3:
            self._plane = self._shown()
            orient(self._viewer, self.left_on)

    def _shown(self) -> str:
        """Name the plane whose slider there is."""
        axis = self._viewer.dims.order[0]
        return next(name for name, order in PLANES.items() if order[0] == axis)

    @Slot()
    def _change_sides(self) -> None:
        self.show_plane(self._plane)
        keep("last", "left_on", self.left_on)
        self.sided.emit(self.left_on)

    def take_up(self, left_on: str) -> None:
        """Say on which side the patient's left is, where the main view is turned that way already.

        Parameters
        ----------
        left_on
            "left" or "right"; the view itself says so unless it is sagittal, which has no left.
        """
        self._plane = self._shown() if self._viewer.dims.ndim == 3 else "axial"
        if self._plane != "sagittal":
            left_on = str(self._viewer.scene.camera.orientation2d[1])
        with QSignalBlocker(self.left):
            self.left.setChecked(left_on == "left")
        self.sided.emit(self.left_on)

    @property
    def left_on(self) -> str:
        """The side of the screen the patient's left is on."""
        return "left" if self.left.isChecked() else "right"

    def show_plane(self, name: str) -> None:
        """Turn the view to a plane, and say how in Python."""
        self._plane = name
        side = self.left_on
        show_plane(self._viewer, name, left_on=side)
        said = "left" if side == "left" else None
        self.turned.emit(line_of("show_plane", name, left_on=said))
