"""A slider for a number with decimals, moved by mouse and keys, its value beside it."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from qtpy.QtCore import Qt, Signal, Slot
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

STEPS = 50
"""Presses of an arrow key from one end to the other; the page keys take ten at once."""

FINE = 10
"""Places the mouse can reach between two of them."""


class NumberSlider(QWidget):
    """Choose a number between two.

    Parameters
    ----------
    least, most
        The ends.
    decimals
        Digits written after the point.
    """

    valueChanged = Signal(float)  # noqa: N815 - as Qt calls it
    """Another number."""

    def __init__(
        self, least: float, most: float, decimals: int = 2, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._least, self._most, self._decimals = least, most, decimals
        self._value = least
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS * FINE)
        self.slider.setSingleStep(FINE)
        self.slider.setPageStep(10 * FINE)
        self.words = QLabel()
        self.words.setMinimumWidth(self.words.fontMetrics().horizontalAdvance(self._told(most)))
        self.setFocusProxy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        self.slider.valueChanged.connect(self._moved)
        self.words.setText(self._told(least))

    def value(self) -> float:
        """Give the number."""
        return self._value

    def setValue(self, value: float) -> None:  # noqa: N802 - as Qt calls it
        """Choose a number; one beyond the ends becomes the end."""
        value = min(max(float(value), self._least), self._most)
        if value == self._value:
            return
        place = (value - self._least) / (self._most - self._least) * STEPS * FINE
        before = self.slider.blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.slider.setValue(round(place))
        self.slider.blockSignals(before)
        self._set(value)

    @Slot(int)
    def _moved(self, place: int) -> None:
        span = self._most - self._least
        self._set(round(self._least + span * place / (STEPS * FINE), self._decimals + 1))

    def _set(self, value: float) -> None:
        self._value = value
        self.words.setText(self._told(value))
        self.valueChanged.emit(value)

    def _told(self, value: float) -> str:
        return f"{value:.{self._decimals}f}"
