"""Choose the palettes of the two layers, and below which value the upper one is clear."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal, Slot
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QWidget

from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.colour.dressed import DRESSED, NAPARI_NAMES, Dressed, register
from napari_fusion.gui.colour.dressing import STIRRING, dress, set_automatic
from napari_fusion.gui.colour.looks import floor_of
from napari_fusion.gui.colour.palettes import image_layer, palette_line, set_palette
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.widgets.hearing import hear
from napari_fusion.palette import palettes
from napari_fusion.volume import FUNCTIONAL

AUTOMATIC = "automatic"
"""What lies below decides: hot iron over anatomy, inverse grey alone."""

OTHER = "as in napari"
"""A colormap that is none of ours."""

SIDES = ("A", "B")


class PaletteBox(QWidget):
    """A row for each of the two layers; PET and SPECT are coloured by themselves until it is used.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    said = Signal(str)
    """The line of Python that colours the layer the same way."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._names = dict.fromkeys(SIDES, "")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        self.palettes: dict[str, QComboBox] = {}
        self.floors: dict[str, QDoubleSpinBox] = {}
        for row, side in enumerate(SIDES):
            self.palettes[side] = self._make_palettes(side)
            self.floors[side] = self._make_floor(side)
            grid.addWidget(QLabel(f"Palette of {side}"), row, 0)
            grid.addWidget(self.palettes[side], row, 1)
            grid.addWidget(self.floors[side], row, 2)
        hear(self._layers_changed, viewer.layers.events)
        dress(viewer)
        self.refresh()

    def _make_palettes(self, side: str) -> QComboBox:
        box = QComboBox()
        box.addItems([AUTOMATIC, *palettes(), OTHER])
        box.setToolTip(f"Colours of {side}. Automatic: hot iron over anatomy, inverse grey alone.")
        box.setMinimumContentsLength(8)
        box.activated.connect(lambda _: self._choose(side))
        return box

    def _make_floor(self, side: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setRange(0, 1e9)
        box.setDecimals(2)
        box.setSingleStep(0.1)
        box.setKeyboardTracking(False)  # a floor is meant when it is typed to its end
        box.setPrefix("> ")
        box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # keys and wheel move it
        wide = box.fontMetrics().horizontalAdvance("> 00.00 g/mL")
        box.setStyleSheet(f"min-width: {wide}px")  # napari's own sheet would squeeze the unit
        box.setToolTip(f"Of {side}, only values above this are drawn.")
        box.valueChanged.connect(lambda _: self._choose_floor(side))
        return box

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take the layers A (fixed) and B (moving)."""
        self._names = {"A": chosen.fixed, "B": chosen.moving}
        self.refresh()

    def refresh(self) -> None:
        """Show what the layers wear."""
        for side in SIDES:
            layer = self._layer(side)
            worn = None if layer is None else layer.metadata.get(DRESSED)
            worn = worn if isinstance(worn, Dressed) else None
            with QSignalBlocker(self.palettes[side]), QSignalBlocker(self.floors[side]):
                self.palettes[side].setEnabled(layer is not None)
                self.palettes[side].setCurrentText(_told(layer, worn))
                floor = None if worn is None else worn.floor
                self.floors[side].setVisible(floor is not None)
                if floor is not None and layer is not None:
                    unit = layer.metadata[VOLUME].unit if VOLUME in layer.metadata else "1"
                    self.floors[side].setSuffix("" if unit == "1" else f" {unit}")
                    self.floors[side].setValue(floor)

    def _choose(self, side: str) -> None:
        layer, name = self._layer(side), self.palettes[side].currentText()
        if layer is not None and name == AUTOMATIC:
            set_automatic(layer)
            dress(self._viewer)
        elif layer is not None and name != OTHER:
            self._wear(layer, name, self._floor(layer, name))
        self.refresh()

    def _choose_floor(self, side: str) -> None:
        layer = self._layer(side)
        worn = None if layer is None else layer.metadata.get(DRESSED)
        if isinstance(worn, Dressed):
            self._wear(layer, worn.name, float(self.floors[side].value()))
        self.refresh()

    def _wear(self, layer: Any, name: str, floor: float | None) -> None:
        set_palette(self._viewer, layer, name, clear_below=floor)
        self.said.emit(palette_line(str(layer.name), name, floor))

    def _floor(self, layer: Any, name: str) -> float | None:
        """Say from where on a layer is drawn: function is clear below a floor, anatomy is not."""
        volume = layer.metadata.get(VOLUME)
        if getattr(volume, "modality", "") not in FUNCTIONAL or name == "inverse grey":
            return None
        worn = layer.metadata.get(DRESSED)
        kept = worn.floor if isinstance(worn, Dressed) else None
        return floor_of(volume) if kept is None else kept

    def _layer(self, side: str) -> Any:
        name = self._names[side]
        return image_layer(self._viewer, name) if name in self._viewer.layers else None

    def _layers_changed(self, event: Any) -> None:
        if event.type == "inserting":
            register()  # not before: reading them takes a third of a second
        if event.type in STIRRING:
            dress(self._viewer)
        if event.type in {*STIRRING, "colormap"}:
            self.refresh()


def _told(layer: Any, worn: Dressed | None) -> str:
    """Name what a layer wears."""
    if worn is not None:
        return AUTOMATIC if worn.automatic else worn.name
    if layer is None:
        return AUTOMATIC
    ours = {NAPARI_NAMES.get(name, name): name for name in palettes()}
    return ours.get(str(layer.colormap.name), OTHER)
