"""Words over the upper left corner of a canvas that change while one scrolls."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QWidget

CORNER = 6
"""Pixels between the words and the edges of the canvas."""

REST_MS = 250
"""Words that did not change for so long are written into the picture itself."""

STYLE = "background: black; color: white; font-size: 13px; padding: 3px 4px;"


class Words(QLabel):
    """Lies over the words of the picture and tells the same, at once.

    Changing text in the picture itself draws the whole canvas twice: that waits until the hand
    rests, and is for screenshots, which have the picture alone.

    Parameters
    ----------
    canvas
        The canvas's widget.
    write
        Writes words into the picture.
    """

    def __init__(self, canvas: QWidget, write: Callable[[str], None]) -> None:
        super().__init__(canvas)
        self.setStyleSheet(STYLE)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.move(CORNER, CORNER)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(lambda: write(self.text()))

    def say(self, words: str) -> None:
        """Tell words; none, and nothing is seen."""
        if words == self.text():
            return
        self.setText(words)
        self.adjustSize()
        self.resize(self.width() + 4, self.height() + 2 * (1 + words.count("\n")))  # covers the old
        self.setVisible(bool(words))
        self._rest.start()
