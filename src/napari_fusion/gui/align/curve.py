"""How a search climbs: the score of the best pose so far, as a line."""

# mypy: allow-subclassing-any
from __future__ import annotations

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

HEIGHT, EDGE = 56, 6

WORDS = 90
"""Width kept for the last score, right of the line."""


class Curve(QWidget):
    """A line of scores; where a finer level begins, which scores otherwise, there is a gap."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._levels: list[list[float]] = []
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Score of the best pose so far; each level of resolution is a line.")

    @property
    def scores(self) -> list[float]:
        """Every score so far."""
        return [score for level in self._levels for score in level]

    def clear(self) -> None:
        """Begin anew."""
        self._levels = []
        self._tell()

    def add(self, score: float) -> None:
        """Add the score of a better pose; a lower one than before begins a level."""
        if not self._levels or score < self._levels[-1][-1]:
            self._levels.append([])
        self._levels[-1].append(score)
        self._tell()

    def _tell(self) -> None:
        scores = self.scores
        self.setAccessibleName(f"score {scores[-1]:.3f}" if scores else "no score yet")
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the lines in the colours of the theme."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().text().color(), 1.5))
        scores = self.scores
        if not scores:
            return
        low, high = min(scores), max(scores)
        across = (self.width() - 2 * EDGE - WORDS) / max(1, len(scores) - 1)
        up = (HEIGHT - 2 * EDGE) / max(high - low, 1e-9)
        at = 0
        for level in self._levels:
            points = [
                QPointF(EDGE + (at + i) * across, HEIGHT - EDGE - (score - low) * up)
                for i, score in enumerate(level)
            ]
            at += len(level)
            painter.drawPolyline(QPolygonF(points))
            for point in points:
                painter.drawEllipse(point, 1.5, 1.5)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
        painter.drawText(self.rect(), int(flags.value), f"score {scores[-1]:.3f} ")
