"""The fourth view: the largest values along lines of sight, turning about the long axis."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRect, QRectF, Qt, QTimer, Slot
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QWidget

from napari_fusion.errors import Progress
from napari_fusion.gui.check.status import spoken
from napari_fusion.gui.colour.looks import is_change
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import LIVE, VOLUME, frame_of
from napari_fusion.gui.readout import sources
from napari_fusion.gui.views.cross import EDGE, LINE
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.marks import window_words
from napari_fusion.gui.worker import Job
from napari_fusion.review.mip import STEP_DEG, Projections
from napari_fusion.volume import FUNCTIONAL

BEAT_MS = 120
"""Time a projection is seen while it turns."""

LETTERS_PT = 14


class Turning(QWidget):
    """Projects the functional volume, else the topmost one; drag to turn, click to go there.

    It may be hidden, behind the picture it was fused into.

    Projections are made beside the window, all at once, and kept while the same array is shown.

    Parameters
    ----------
    source
        The viewer whose layers are shown.
    crossing
        The point that is marked, and that a click moves.
    """

    def __init__(self, source: Any, crossing: Crossing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source, self._crossing = source, crossing
        self._layer: Any = None
        self._made_of: Any = None
        self._seen: Projections | None = None
        self._job: Job[Projections] | None = None
        self._kept: tuple[Any, QPixmap] | None = None
        self._pressed: tuple[float, float] | None = None
        self.angle = 0
        self.setMinimumSize(80, 80)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setToolTip("Drag sideways to turn, click to go there; M turns it by itself.")
        self._clock = QTimer(self)
        self._clock.setInterval(BEAT_MS)
        self._clock.timeout.connect(self._beat)
        crossing.moved.connect(self._redraw)
        self.wake()

    def wake(self) -> None:
        """Follow the viewer's layers."""
        self._source.layers.events.connect(self._layers_changed)
        self._choose()

    def rest(self) -> None:
        """Stop, and let go of the volume."""
        self._source.layers.events.disconnect(self._layers_changed)
        self._clock.stop()
        self._stop()
        self._layer = self._made_of = self._seen = self._kept = None

    @property
    def is_turning(self) -> bool:
        """Whether it turns by itself."""
        return bool(self._clock.isActive())

    def turn(self, *, on: bool) -> None:
        """Begin to turn, or stop."""
        if on:
            self._clock.start()
        else:
            self._clock.stop()

    @Slot()
    def _beat(self) -> None:
        self.look_from(self.angle + STEP_DEG)

    def look_from(self, angle_deg: int) -> None:
        """Look from another side: 0 from the front, 90 from the patient's left."""
        self.angle = angle_deg % 360
        self.update()

    @Slot()
    def _redraw(self) -> None:
        self.update()

    def _layers_changed(self, event: Any) -> None:
        if event.type in {"inserted", "removed", "reordered", "visible", "data", "scale"}:
            self._choose()
        elif event.type == "contrast_limits":
            self.update()

    def _choose(self) -> None:
        """Take the functional volume on top, else CT, else the topmost; project it if it is new."""
        known = [
            one
            for one in reversed(sources(self._source))
            if LIVE not in one.metadata and not is_change(one.metadata[VOLUME])
        ]
        layers = sorted(known, key=lambda one: not one.visible)
        functional = [one for one in layers if one.metadata[VOLUME].modality in FUNCTIONAL]
        bones = [one for one in layers if one.metadata[VOLUME].modality == "CT"]
        self._layer = next(iter(functional + bones + layers), None)
        data = None if self._layer is None else self._layer.data
        if data is self._made_of:
            return
        self._made_of, self._seen = data, None
        self._stop()
        self.update()
        if data is not None:
            self._project(data, tuple(self._layer.scale[-3:]))

    def _project(self, data: Any, spacing: tuple[float, ...]) -> None:
        def work(progress: Progress) -> Projections:
            return Projections.of(np.asarray(data), spacing, progress=progress)

        self._job = Job(work, self)
        self._job.returned.connect(self._made)
        self._job.start()

    def _stop(self) -> None:
        """Ask for nothing more of an array that is no longer shown."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    @Slot(object)
    def _made(self, made: Projections) -> None:
        if self.sender() is self._job:
            self._seen, self._job = made, None
            self.update()

    @property
    def _is_functional(self) -> bool:
        return self._layer.metadata[VOLUME].modality in FUNCTIONAL

    def _box(self, seen: Projections) -> QRectF:
        """Where the picture lies in the widget: its mm are square, and the body is seen."""
        tall, broad = seen.body_mm
        scale = 0.95 * min(self.width() / broad, self.height() / tall)
        high, wide = (side * scale for side in seen.size_mm)
        return QRectF((self.width() - wide) / 2, (self.height() - high) / 2, wide, high)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the projection, head up, with letters, window and the crossing point."""
        painter = QPainter(self)
        white = self._layer is not None and self._is_functional  # as PET is read
        painter.fillRect(self.rect(), QColor("white" if white else "black"))
        painter.setPen(QColor("black" if white else "white"))
        if self._seen is None or self._layer is None:
            words = "" if self._layer is None else "Projecting …"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
            painter.end()
            return
        painter.drawPixmap(self._box(self._seen).topLeft(), self._pixmap(self._seen))
        self._draw_words(painter)
        middle = QPointF(*self._marked(self._seen))
        for colour, width in ((EDGE, 3), (LINE, 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(middle, 6, 6)
        painter.end()

    def _pixmap(self, seen: Projections) -> QPixmap:
        """Give the picture at its size on the screen; kept, for the crossing point moves often."""
        limits, size = tuple(self._layer.contrast_limits), self._box(seen).size().toSize()
        key = (id(seen), self.angle, limits, size.width(), size.height())
        if self._kept is None or self._kept[0] != key:
            flags = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            self._kept = key, QPixmap.fromImage(self._image(seen)).scaled(size, *flags)
        return self._kept[1]

    def _image(self, seen: Projections) -> QImage:
        low, high = self._window(seen)
        grey = np.clip((seen.at(self.angle)[::-1] - low) / max(high - low, 1e-12), 0, 1)
        grey = 1 - grey if self._is_functional else grey
        pixels = np.ascontiguousarray(grey * 255, np.uint8)
        tall, wide = pixels.shape
        grey8 = QImage.Format.Format_Grayscale8
        return QImage(pixels.tobytes(), wide, tall, wide, grey8).copy()

    def _window(self, seen: Projections) -> tuple[float, float]:
        """Give the layer's window; of anatomy one that shows depth: its own is for slices."""
        if self._is_functional:
            low, high = self._layer.contrast_limits
        else:
            low, high = np.percentile(seen.pictures[0], (20, 99.9))
        return float(low), float(high)

    def _draw_words(self, painter: QPainter) -> None:
        frame = frame_of(self._source) or Frame()
        flags, inside = Qt.AlignmentFlag, self.rect().adjusted(8, 6, -8, -6)
        font = painter.font()
        font.setPointSize(LETTERS_PT)
        painter.setFont(font)
        foot, head = frame.letters(0)
        left, right = sides_of(frame, self.angle)
        for words, where in (
            (head, flags.AlignTop | flags.AlignHCenter),
            (foot, flags.AlignBottom | flags.AlignHCenter),
            (left, flags.AlignLeft | flags.AlignVCenter),
            (right, flags.AlignRight | flags.AlignVCenter),
        ):
            self._write(painter, inside, where, words)
        font.setPointSize(8)
        painter.setFont(font)
        told = window_words(self._layer) if self._is_functional else spoken(self._layer)
        words = f"projection · {self.angle}°\n{told}"
        self._write(painter, inside, flags.AlignLeft | flags.AlignTop, words)

    def _write(self, painter: QPainter, where: QRect, place: Qt.AlignmentFlag, words: str) -> None:
        """Write on a box of the ground's colour, so that words are read on bone, too."""
        box = painter.boundingRect(where, place, words).adjusted(-3, -1, 3, 1)
        white = self._is_functional
        painter.fillRect(box, QColor(255, 255, 255, 150) if white else QColor(0, 0, 0, 150))
        painter.drawText(where, place, words)

    def _marked(self, seen: Projections) -> tuple[float, float]:
        """Give the pixel the crossing point is seen at."""
        origin, spacing = self._voxels()
        row, column = seen.place((self._crossing.point - origin) / spacing, self.angle)
        box, (_, high, wide) = self._box(seen), seen.pictures.shape
        return box.left() + column / wide * box.width(), box.bottom() - row / high * box.height()

    def _voxels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give where the first voxel lies in the viewer, and the sizes of a voxel, in mm."""
        return np.array(self._layer.translate[-3:]), np.array(self._layer.scale[-3:])

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin to turn by hand."""
        self._pressed = (event.position().x(), float(self.angle))
        self._dragged = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Turn by a step every few pixels."""
        if self._pressed is None:
            return
        steps = round((event.position().x() - self._pressed[0]) / 6)
        self._dragged |= steps != 0
        self.look_from(int(self._pressed[1]) - steps * STEP_DEG)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go to what was clicked, unless it was turned."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None and not self._dragged:
            self.go_to(event.position().x(), event.position().y())

    def go_to(self, x: float, y: float) -> None:
        """Let the planes cross in the brightest voxel behind a pixel of the widget."""
        if self._seen is None or self._layer is None:
            return
        seen, box = self._seen, self._box(self._seen)
        _, high, wide = seen.pictures.shape
        row = int((1 - (y - box.top()) / box.height()) * high)
        column = int((x - box.left()) / box.width() * wide)
        if not (0 <= row < high and 0 <= column < wide):
            return
        index = seen.brightest(self.angle, row, column)
        if index is not None:
            origin, spacing = self._voxels()
            self._crossing.go(origin + index * spacing)


def sides_of(frame: Frame, angle_deg: float) -> tuple[str, str]:
    """Name the patient's sides at the left and the right of a projection."""
    angle = np.deg2rad(angle_deg)
    turned = frame.axes.copy()
    turned[:, 2] = np.cos(angle) * frame.axes[:, 2] + np.sin(angle) * frame.axes[:, 1]
    return Frame(turned).letters(2)
