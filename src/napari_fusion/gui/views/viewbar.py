"""One view or four, what the left button does, window presets, and the key card."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Slot
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_fusion.gui.desk import Desk
from napari_fusion.gui.hands.presets import presets_of


class ViewBar(QWidget):
    """The same as the keys F, C, 1 to 9 and ?, for the mouse.

    Parameters
    ----------
    desk
        Does it.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.four = _switch("Four views", "Axial, coronal, sagittal and a projection (F).")
        self.crosshair = _switch("Crosshair", "The left button moves the crosshair (C).")
        self.card = QPushButton("Keys")
        self.card.setToolTip("What mouse and keys do (?).")
        self.presets = QComboBox()
        self.presets.setPlaceholderText("presets …")
        self.presets.setToolTip("Windows of the selected layer; the keys 1 to 9 choose them.")
        self.fourth = QComboBox()
        self.fourth.addItems(["projection", "A beside B"])
        self.fourth.setToolTip("Of the four views: a projection (M), or the two layers chosen.")
        row = QHBoxLayout()
        for button in (self.four, self.crosshair, self.card):
            row.addWidget(button)
        form = QFormLayout()
        form.addRow("Window", self.presets)
        form.addRow("Fourth view", self.fourth)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addLayout(form)
        self.four.clicked.connect(self._show_views)
        self.crosshair.clicked.connect(lambda on: desk.use_crosshair(on=on))
        self.card.clicked.connect(desk.show_card)
        self.presets.activated.connect(self._window)
        self.fourth.activated.connect(lambda place: desk.quad.show_pair(on=place == 1))
        desk.quad.fourth_changed.connect(lambda on: self.fourth.setCurrentIndex(int(on)))
        desk.quad.toggled.connect(self.four.setChecked)
        desk.crosshair_changed.connect(self.crosshair.setChecked)
        desk.layer_changed.connect(self._list)
        self._list()
        self.fourth.setCurrentIndex(int(desk.quad.shows_pair))

    @Slot(bool)
    def _show_views(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        self._desk.attach(self.window())
        self._desk.show_views(on=on)
        self.four.setChecked(self._desk.quad.is_open)  # there may be no window to open them in

    @Slot()
    def _list(self) -> None:
        layer = self._desk.hands.layer()
        with QSignalBlocker(self.presets):
            self.presets.clear()
            for number, preset in enumerate([] if layer is None else presets_of(layer), 1):
                self.presets.addItem(f"{number}  {preset.name}", preset)
            self.presets.setCurrentIndex(-1)

    @Slot(int)
    def _window(self, index: int) -> None:
        self._desk.window_by(self.presets.itemData(index))


def _switch(words: str, tip: str) -> QPushButton:
    button = QPushButton(words)
    button.setCheckable(True)
    button.setToolTip(tip)
    return button
