"""A list of the viewer's image layers to choose from, kept true while layers come and go."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal, Slot
from qtpy.QtWidgets import QComboBox, QWidget

from napari_fusion.gui.layers import LIVE
from napari_fusion.gui.widgets.hearing import hear


class LayerCombo(QComboBox):
    """Choose one image layer of a viewer.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    optional
        Words of a first entry that means none; without it there is no such entry.
    """

    chosen = Signal()

    def __init__(self, viewer: Any, *, optional: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._optional = optional
        self._told: tuple[Any, str] | None = None
        self.setMinimumContentsLength(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        events = viewer.layers.events
        hear(self.refresh, events.inserted, events.removed, events.reordered, events.renamed)
        self.currentIndexChanged.connect(self._choose)
        self.refresh()

    def refresh(self, event: object = None) -> None:
        """List the layers anew; the same layer stays chosen, under its new name if renamed."""
        from napari.layers import Image

        layers = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Image) and not layer.rgb and LIVE not in layer.metadata
        ]
        before = self.layer
        self.blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.clear()
        if self._optional:
            self.addItem(self._optional, None)
        for layer in layers:
            self.addItem(layer.name, layer)
        if before is not None and before in layers:
            self.setCurrentIndex(self.findText(before.name))
        self.blockSignals(False)  # noqa: FBT003 - Qt's signature
        chosen = self.layer, self.currentText()
        if chosen != self._told:  # another layer, or the same one renamed
            self._told = chosen
            self.chosen.emit()

    @Slot(int)
    def _choose(self, index: int) -> None:
        self._told = self.layer, self.currentText()
        self.chosen.emit()

    @property
    def layer(self) -> Any:
        """The chosen layer, or None."""
        return self.currentData()

    def choose(self, layer: Any) -> None:
        """Choose a layer that is in the list."""
        self.setCurrentIndex(self.findText(layer.name))
