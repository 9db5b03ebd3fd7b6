"""The trust lens: a disc under the mouse that shows one source, or who made the picture."""

# mypy: allow-subclassing-any
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_fusion.review.lens import disc
from napari_fusion.review.paint import Picture

RADIUS = 90
"""Of the disc, in pixels of the screen."""

MARGIN, PADDING, WORDS_PT = 6, 4, 11

BACK, WORDS, MARK = QColor(0, 0, 0, 190), QColor(255, 255, 255), QColor(240, 228, 66)


class Lens(QWidget):
    """Lies over a canvas where it was put last; lets every mouse event through.

    Parameters
    ----------
    canvas
        The canvas's widget.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._image: QImage | None = None
        self._ring, self._box = QRectF(), QRectF()
        self.words = ""
        font = self.font()
        font.setPointSize(WORDS_PT)
        self.setFont(font)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def put(self, picture: Picture, words: str, pixel: tuple[float, float]) -> None:
        """Show a square picture as a disc around a pixel of the canvas, and words below it."""
        cut = disc(picture)
        side = cut.shape[0]
        kept = cut.tobytes()
        image = QImage(kept, side, side, 4 * side, QImage.Format.Format_RGBA8888_Premultiplied)
        self._image, self.words = image.copy(), words  # the copy owns its bytes
        ring = QRectF(pixel[0] - side / 2, pixel[1] - side / 2, side, side)
        box = self._box_beside(ring)
        whole = ring.united(box).toAlignedRect()
        self.setGeometry(whole)
        self._ring, self._box = (one.translated(-QPointF(whole.topLeft())) for one in (ring, box))
        self.setAccessibleName(words)
        self.show()
        self.raise_()
        self.update()

    def _box_beside(self, ring: QRectF) -> QRectF:
        """Give the words a place on the canvas: below the disc, where there is room, or above."""
        metrics, lines = QFontMetricsF(self.font()), self.words.splitlines()
        wide = max((metrics.horizontalAdvance(line) for line in lines), default=0) + 2 * PADDING
        box = QRectF(0, 0, wide, metrics.lineSpacing() * len(lines) + 2 * PADDING)
        canvas = self.parentWidget().size()
        box.moveCenter(ring.center())
        box.moveLeft(max(min(box.left(), canvas.width() - wide), 0))
        box.moveTop(ring.bottom() + MARGIN)
        if box.bottom() > canvas.height():
            box.moveBottom(max(ring.top() - MARGIN, box.height()))
        return box

    @property
    def picture(self) -> QImage | None:
        """The disc as it is drawn."""
        return self._image

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the disc, a mark in its middle, and the words."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawImage(self._ring.topLeft(), self._image)
        middle = self._ring.center()
        painter.setPen(QPen(MARK, 1))
        for away in (QPointF(5, 0), QPointF(0, 5)):
            painter.drawLine(middle - away, middle + away)
        painter.fillRect(self._box, BACK)
        painter.setPen(WORDS)
        inner = self._box.adjusted(PADDING, PADDING, -PADDING, -PADDING)
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, self.words)
        painter.end()


def square(
    viewer: Any, point: Any, radius: int
) -> tuple[int, tuple[float, ...], tuple[float, float]]:
    """Say where the pixels of a square around a point of a flat canvas lie.

    Parameters
    ----------
    viewer
        The canvas's viewer.
    point
        (3,) in viewer mm.
    radius
        Half the square's side, in pixels.

    Returns
    -------
    axis, corner, step
        The axis across the slice, the first pixel's centre in mm, and the signed steps in mm along
        the two axes that are shown, the lower one first.
    """
    vertical, horizontal = viewer.scene.camera.orientation2d
    down, right = viewer.dims.displayed
    mm = 1 / float(viewer.scene.camera.zoom)
    step = {
        down: mm if vertical == "down" else -mm,
        right: mm if horizontal == "right" else -mm,
    }
    corner = [float(place) for place in point]
    for axis, signed in step.items():
        corner[axis] -= (radius - 0.5) * signed
    rows, columns = sorted((down, right))
    return int(viewer.dims.order[0]), tuple(corner), (step[rows], step[columns])
