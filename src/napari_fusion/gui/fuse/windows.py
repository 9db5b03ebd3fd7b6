"""The windows that the chosen layers are fused with, by name."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal, Slot
from qtpy.QtGui import QFocusEvent, QResizeEvent
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.hands.presets import presets_of
from napari_fusion.gui.widgets.hearing import hear

MARGIN_PX = 12
"""A name is cut so much narrower than the list below it: napari's style pads both."""


class SourceWindows(QWidget):
    """A list of named windows for each chosen layer; a layer is fused with the one it shows.

    Each list stands below its layer's name: neither is cut by the other.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    asked = Signal(object, object)
    """A preset was chosen for a layer: (preset, layer)."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.boxes: list[WindowBox] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Offer the windows of these layers, the fixed one first."""
        layers = [self._viewer.layers[n] for n in chosen.names if n in self._viewer.layers]
        if [box.layer for box in self.boxes] == layers:
            for box in self.boxes:
                box.name()
            return
        for gone in self.boxes:
            for widget in (gone.label, gone):
                self._column.removeWidget(widget)
                widget.hide()  # it is deleted only when Qt comes to it
                widget.deleteLater()
        self.boxes = [WindowBox(layer) for layer in layers]
        before: QWidget = self
        for box in self.boxes:
            box.asked.connect(self.asked)
            self._column.addWidget(box.label)
            self._column.addWidget(box)
            self.setTabOrder(before, box)
            before = box


class WindowBox(QComboBox):
    """The named windows of one layer, listed when it is looked into."""

    asked = Signal(object, object)
    """(preset, layer)."""

    def __init__(self, layer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layer, self.label = layer, QLabel()
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText("as shown")
        # a long name must not widen the dock
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.name()
        self.activated.connect(self._ask)
        hear(self._follow, layer.events.contrast_limits)

    def name(self) -> None:
        """Say whose windows these are."""
        name = str(self.layer.name)
        room = self.width() - MARGIN_PX
        self.label.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room))
        self.label.setToolTip(name)
        self.setAccessibleName(f"Window of {name}")
        self.setToolTip(f"The window {name} is shown and fused with.")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Cut the name in the middle to the width there is."""
        super().resizeEvent(event)
        self.name()

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """List the windows."""
        self._list()
        super().showPopup()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """List the windows for the arrow keys."""
        self._list()
        super().focusInEvent(event)

    def _list(self) -> None:
        if self.count():
            return
        with QSignalBlocker(self):
            for preset in presets_of(self.layer):
                self.addItem(preset.name, preset)
            self.setCurrentIndex(-1)

    @Slot(int)
    def _ask(self, index: int) -> None:
        self.asked.emit(self.itemData(index), self.layer)

    def _follow(self, event: object = None) -> None:
        """Name no window when the layer shows another, chosen elsewhere."""
        preset = self.currentData()
        if preset is not None and tuple(self.layer.contrast_limits) != (preset.low, preset.high):
            with QSignalBlocker(self):
                self.setCurrentIndex(-1)
