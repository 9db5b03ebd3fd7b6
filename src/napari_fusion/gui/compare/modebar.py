"""Buttons for the ways to compare, and below them what the way that is on can be given."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Slot
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_fusion.gui.compare.comparer import Comparer
from napari_fusion.gui.compare.modes import OPTIONS, Mode
from napari_fusion.gui.widgets.slider import NumberSlider

COLUMNS = 3

TIPS = {
    Mode.FUSED: "The layers as they are, without comparing.",
    Mode.A: "Only the fixed layer.",
    Mode.B: "Only the moving layer; PET and SPECT dark on white.",
    Mode.SWIPE: "A curtain: A before it, B behind it.",
    Mode.CHECKERBOARD: "Squares of A and B in turn.",
    Mode.EDGES: "Edges of A drawn on B.",
    Mode.BLEND: "A mixture of both.",
    Mode.COLOURS: "A in orange, B in blue; where they agree it is grey.",
    Mode.DIFFERENCE: "Orange where B is brighter, blue where A is; dark where they agree.",
    Mode.FLICKER: "A and B in turn, by themselves.",
    Mode.ROCK: "From A to B and back, softly, by itself.",
    Mode.SIDES: "A at the left and B at the right.",
}

SLIDERS = {
    "share": ("A – B", 0.0, 1.0, 2),
    "position": ("Curtain", 0.0, 1.0, 2),
    "size_mm": ("Squares, mm", 2.0, 100.0, 0),
    "width_mm": ("Lines, mm", 0.2, 5.0, 1),
    "rate_hz": ("Times a second", 0.2, 5.0, 1),
}
"""Words, least, most and decimals of each number."""

DIRECTION = "direction"


class ModeBar(QWidget):
    """Choose how to compare; what has been chosen elsewhere is followed.

    Parameters
    ----------
    comparer
        Does it, and tells the mode that is on.
    """

    def __init__(self, comparer: Comparer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._comparer = comparer
        self.buttons: dict[Mode, QPushButton] = {}
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.hide()
        self.rows = QFormLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._make_buttons())
        layout.addLayout(self.rows)
        layout.addWidget(self.words)
        self.fields: dict[str, Any] = {name: self._make_slider(name) for name in SLIDERS}
        self.fields[DIRECTION] = self._make_direction()
        comparer.changed.connect(self._follow)
        comparer.refused.connect(self._tell)
        self._follow()

    def _make_buttons(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(2)
        group = QButtonGroup(self)
        for i, mode in enumerate(Mode):
            button = QPushButton(mode.value[:1].upper() + mode.value[1:])
            button.setCheckable(True)
            button.setToolTip(TIPS[mode])
            button.clicked.connect(lambda _=False, m=mode: self._comparer.set_mode(m))
            group.addButton(button)
            grid.addWidget(button, i // COLUMNS, i % COLUMNS)
            self.buttons[mode] = button
        return grid

    def _make_slider(self, name: str) -> NumberSlider:
        words, least, most, decimals = SLIDERS[name]
        slider = NumberSlider(least, most, decimals)
        slider.setValue(getattr(self._comparer.options, name))
        slider.slider.setAccessibleName(words)
        slider.valueChanged.connect(lambda value: self._comparer.set_options(**{name: value}))
        self.rows.addRow(words, slider)
        return slider

    def _make_direction(self) -> QComboBox:
        box = QComboBox()
        for words, name in (("A left of B", "left-right"), ("A above B", "top-bottom")):
            box.addItem(words, name)
        box.setToolTip("Where A lies, and where B.")
        box.setAccessibleName("Curtain")
        box.currentIndexChanged.connect(
            lambda _: self._comparer.set_options(direction=str(box.currentData()))
        )
        self.rows.addRow("Lies", box)
        return box

    @Slot()
    def _follow(self) -> None:
        mode = self._comparer.mode
        self.buttons[mode].setChecked(True)
        for name, field in self.fields.items():
            self.rows.setRowVisible(field, name in OPTIONS.get(mode, ()))
            value = getattr(self._comparer.options, name)
            with QSignalBlocker(field):
                if name == DIRECTION:
                    field.setCurrentIndex(field.findData(value))
                else:
                    field.setValue(value)

    @Slot(str)
    def _tell(self, words: str) -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self._follow()
