"""Hair lines through the point in which the planes cross, drawn over a canvas."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Slot
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.pixels import cells, is_flat, to_pixels
from napari_fusion.gui.widgets.hearing import hear

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
        hear(self._redraw, viewer.canvas.grid.events)
        self.show()

    @Slot()
    def _redraw(self, event: object = None) -> None:
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Stay as large as the canvas."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False

    def middles(self) -> list[tuple[float, float]]:
        """Give the pixels of the canvas the lines meet in, one for each picture on it."""
        if not is_flat(self._viewer) or not self._viewer.layers:
            return []
        return [
            (cell.left() + x, cell.top() + y)
            for cell in self._cells()
            for x, y in [
                to_pixels(self._viewer, self._crossing.point, (cell.width(), cell.height()))
            ]
        ]

    def _cells(self) -> list[QRectF]:
        """Give the parts of the canvas that show a picture each: two side by side, else all."""
        rows, columns = cells(self._viewer)
        wide, high = self.width() / columns, self.height() / rows
        return [
            QRectF(column * wide, row * high, wide, high)
            for row in range(rows)
            for column in range(columns)
        ]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw four lines on each picture that stop short of the point."""
        painter = QPainter(self)
        for cell, middle in zip(self._cells(), self.middles(), strict=False):
            painter.setClipRect(cell)
            for colour, width in ((EDGE, 3), (LINE, 1)):
                painter.setPen(QPen(colour, width))
                for start, end in _lines(cell, middle):
                    if start.x() + start.y() < end.x() + end.y():  # not beyond the rim
                        painter.drawLine(start, end)
        painter.end()


def _lines(cell: QRectF, middle: tuple[float, float]) -> list[tuple[QPointF, QPointF]]:
    """Lines that lead to a point from the left, the right, above and below, in a cell."""
    x, y = middle
    return [
        (QPointF(cell.left() + RIM, y), QPointF(x - GAP, y)),
        (QPointF(x + GAP, y), QPointF(cell.right() - RIM, y)),
        (QPointF(x, cell.top() + RIM), QPointF(x, y - GAP)),
        (QPointF(x, y + GAP), QPointF(x, cell.bottom() - RIM)),
    ]
