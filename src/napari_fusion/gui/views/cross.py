"""Hair lines through the point in which the planes cross, drawn over a canvas."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Slot
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.pixels import is_single, to_pixels

GAP = 10
"""Pixels left free around the point, so that what lies there is seen."""

RIM = 36
"""Pixels left free along the edges, where the side letters stand."""

LINE, EDGE = QColor(255, 214, 64, 220), QColor(0, 0, 0, 110)
"""Yellow with a dark edge: seen on bone, on black and on hot iron."""


class Cross(QWidget):
    """Lies over a canvas, lets every mouse event through, and costs no drawing by OpenGL.

    Parameters
    ----------
    viewer
        The viewer of the canvas.
    canvas
        The canvas's widget.
    crossing
        Where the lines meet.
    """

    def __init__(self, viewer: Any, canvas: QWidget, crossing: Crossing) -> None:
        super().__init__(canvas)
        self._viewer, self._crossing = viewer, crossing
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setGeometry(canvas.rect())
        canvas.installEventFilter(self)
        crossing.moved.connect(self._redraw)
        crossing.framed.connect(self._redraw)
        self.show()

    @Slot()
    def _redraw(self) -> None:
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Stay as large as the canvas."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False

    def middle(self) -> tuple[float, float] | None:
        """Give the pixel of the canvas the lines meet in; None where there is no slice."""
        if not is_single(self._viewer) or not self._viewer.layers:
            return None
        return to_pixels(self._viewer, self._crossing.point, (self.width(), self.height()))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw four lines that stop short of the point."""
        middle = self.middle()
        if middle is None:
            return
        x, y = middle
        wide, high = self.width(), self.height()
        ends = (
            (QPointF(RIM, y), QPointF(x - GAP, y)),
            (QPointF(x + GAP, y), QPointF(wide - RIM, y)),
            (QPointF(x, RIM), QPointF(x, y - GAP)),
            (QPointF(x, y + GAP), QPointF(x, high - RIM)),
        )
        painter = QPainter(self)
        for colour, width in ((EDGE, 3), (LINE, 1)):
            painter.setPen(QPen(colour, width))
            for start, end in ends:
                if start.x() + start.y() < end.x() + end.y():  # not beyond the rim
                    painter.drawLine(start, end)
        painter.end()
