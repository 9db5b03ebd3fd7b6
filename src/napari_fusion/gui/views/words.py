"""Words over the upper left corner of a canvas that change while one scrolls."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import Qt, QTimer, Slot
from qtpy.QtWidgets import QLabel, QWidget

CORNER = 6
"""Pixels between the words and the edges of the canvas."""

LETTER = 24
"""Pixels that half of the letter above the picture's middle takes; long words end before it."""

BELOW, LINES = 34, 3
"""Pixels, and lines of the picture's smallest words, that the letter above the middle takes: where
there is no room beside it, words stand below."""

REST_MS = 250
"""Words that did not change for so long are written into the picture itself."""

PADDING = 20
"""Pixels left and right of the words together."""

PIECE = re.compile(r"\S+(?:(?: -?\d\S*)+(?: (?:mm|\w+/mL)(?!\S))?)?")
"""A word, and the numbers with their unit that belong to it."""

UNIT = re.compile(r" (?=mm$|\w+/mL$)")
"""The blank before the unit of a piece."""

STYLE = "background: black; color: white; font-size: {}px; padding: 3px 4px;"

NARROW = 240
"""In a picture so many pixels wide, or wider, there is room for words beside the letter."""

SIZES = {400: (13, 7.0), NARROW: (11, 6.0), 0: (10, 5.4)}
"""Pictures so many pixels wide, or wider, and the size of their words, in pixels and in the picture
in points: of a small picture large words would cover much."""


class Words(QLabel):
    """Lies over the words of the picture and tells the same, at once.

    Changing text in the picture itself draws the whole canvas twice: that waits until the hand
    rests, and is for screenshots, which have the picture alone. Until then the picture has none:
    no words are better than those of another slice.

    Parameters
    ----------
    canvas
        The canvas's widget.
    overlay
        The words of the picture, as napari draws them.
    """

    def __init__(self, canvas: QWidget, overlay: Any) -> None:
        super().__init__(canvas)
        self._size = 0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.move(CORNER, CORNER)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._overlay, self._told = overlay, ("", 0)
        self._take_size(max(SIZES))
        self._rest.timeout.connect(self._settle)

    def say(self, words: str, room: int) -> None:
        """Tell words; none, and nothing is seen. Above the middle of the room stands a letter."""
        if (words, room) == self._told:
            return
        self._told = words, room
        self._take_size(room)
        self.move(CORNER, CORNER + BELOW * self._is_low)
        self.setText(self._wrapped(words, room if self._is_low else room // 2 - LETTER - CORNER))
        self.adjustSize()
        lines = 1 + self.text().count("\n")
        self.resize(self.width() + 4, self.height() + 2 * lines)  # covers the old
        self.setVisible(bool(words))
        if self._overlay.text:
            self._overlay.text = ""
        self._rest.start()

    @property
    def _is_low(self) -> bool:
        """Whether there is no room beside the letter, so that words stand below it."""
        return self._told[1] < NARROW

    def _take_size(self, room: int) -> None:
        """Write as large as a picture is wide, here and in the picture itself."""
        size, points = next(size for wide, size in SIZES.items() if room >= wide)
        if size != self._size:
            self._size = size
            self._overlay.font_size = points
            self.setStyleSheet(STYLE.format(size))
            self.ensurePolished()  # the width of letters is asked for

    def _wrapped(self, words: str, room: int) -> str:
        """Break lines that are too long, and never between a name and its number."""
        lines: list[str] = []
        for line in words.split("\n"):
            for place, piece in enumerate(self._pieces(line, room)):
                longer = f"{lines[-1]} {piece}" if place else piece
                if place and self.fontMetrics().horizontalAdvance(longer) <= room - PADDING:
                    lines[-1] = longer
                else:
                    lines.append(piece)
        return "\n".join(lines)

    def _pieces(self, line: str, room: int) -> Iterator[str]:
        """Give a line's pieces; of one that is too long by itself the unit stands alone."""
        for piece in PIECE.findall(line):
            if self.fontMetrics().horizontalAdvance(piece) <= room - PADDING:
                yield piece
            else:
                yield from filter(None, UNIT.split(piece))

    @Slot()
    def _settle(self) -> None:
        text = "\n" * (LINES * self._is_low) + self.text()
        self._overlay.text, self._overlay.visible = text, bool(self.text())
