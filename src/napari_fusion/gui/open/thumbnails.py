"""Pictures for a table of series, drawn one after the other beside the window."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal, Slot
from qtpy.QtGui import QImage, QPixmap

from napari_fusion.errors import Progress
from napari_fusion.gui.open.thumbnail import thumbnail
from napari_fusion.gui.worker import Job

if TYPE_CHECKING:
    from napari_fusion.io import Series


class Thumbnails(QObject):
    """Draw the middle slice of each series, in the process that reads files, off the window.

    Parameters
    ----------
    series
        What to draw, in this order; one that cannot be drawn is passed over, the table has words.
    """

    drawn = Signal(int, object)
    """Number of the series and its QPixmap."""

    def __init__(self, series: Sequence[Series], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._series = list(series)
        self._next = 0
        self._job: Job[Any] | None = None

    @Slot()
    def start(self) -> None:
        """Draw the next one, and so on until all are drawn."""
        if self._next >= len(self._series):
            self._job = None
            return
        number, self._next = self._next, self._next + 1
        job: Job[Any] = Job(lambda tell: _drawn(self._series[number], tell), self)
        job.returned.connect(lambda picture: self.drawn.emit(number, _pixmap(picture)))
        job.ended.connect(self.start)
        self._job = job
        job.start()

    @Slot()
    def stop(self) -> None:
        """Draw no more; what is being read is given up at once."""
        self._next = len(self._series)
        if self._job is not None:
            self._job.cancel()


def _drawn(series: Series, progress: Progress) -> Any:
    from napari_fusion.io.isolated import call

    return call(thumbnail, series, progress=progress)


def _pixmap(picture: Any) -> QPixmap:
    rows, columns = picture.shape
    data = picture.tobytes()
    return QPixmap.fromImage(
        QImage(data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()
    )
