"""Which of the series in a folder? A table with pictures to tick, the likeliest pair ticked."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_fusion.errors import Cancelled
from napari_fusion.gui.open.pairing import best_pair, why
from napari_fusion.gui.open.thumbnail import SIDE
from napari_fusion.gui.open.thumbnails import Thumbnails

if TYPE_CHECKING:
    from napari_fusion.io.series import Found, Series

HEADINGS = (
    "Modality",
    "Description",
    "Date",
    "Slices",
    "Voxel, mm",
    "PET",
    "Time point",
    "State",
    "Why",
)
TIME, STATE = HEADINGS.index("Time point"), HEADINGS.index("State")

LIGHTS = {
    "green": ("● ready", "#3fae5a"),
    "amber": ("▲ look", "#d9a400"),
    "red": ("✖ refused", "#e0604c"),
}
"""Shape, word and colour of each light: no one of them is needed to tell them apart."""

_CORRECTED = {True: "AC", False: "not AC", None: ""}


class SeriesDialog(QDialog):
    """A table of series with a picture of each; refused ones cannot be ticked.

    Anatomy and function that belong together are ticked; where there is no such pair, whatever
    reads without a doubt is.

    Parameters
    ----------
    series
        What `scan` found.
    """

    def __init__(self, series: Found, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose series")
        self.table = QTreeWidget()
        self.table.setRootIsDecorated(False)
        self.table.setWordWrap(True)
        self.table.setHeaderLabels(list(HEADINGS))
        self.table.setIconSize(QSize(SIDE, SIDE))
        pair = best_pair(series)
        proposed = _proposed(series, pair)
        self._rows = [(self._row(one, any(one is p for p in proposed)), one) for one in series]
        for column in range(len(HEADINGS) - 1):  # the last takes the rest
            self.table.resizeColumnToContents(column)
        told = (f"There are {len(series)} series here.", why(pair) if pair else "", series.beside)
        self.advice = QLabel(" ".join(filter(None, told)))
        self.advice.setWordWrap(True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.advice)
        layout.addWidget(self.table)
        layout.addWidget(self.buttons)
        self.resize(1100, 480)
        readable = [i for i, one in enumerate(series) if one.light != "red"]
        self.thumbnails = Thumbnails([series[i] for i in readable], self)
        self.thumbnails.drawn.connect(lambda i, image: self._show(readable[i], image))
        self.finished.connect(self.thumbnails.stop)
        self.thumbnails.start()

    @property
    def chosen(self) -> list[tuple[Series, int | None]]:
        """The ticked series, each with the time point to read; anatomy first."""
        ticked = [r for r in self._rows if r[0].checkState(0) == Qt.CheckState.Checked]
        pair = best_pair([one for _, one in ticked])
        if pair is not None:
            ticked.sort(key=lambda r: r[1] is not pair[0])
        return [(one, self._time_point(row)) for row, one in ticked]

    def _row(self, series: Series, ticked: bool) -> QTreeWidgetItem:  # noqa: FBT001
        word, colour = LIGHTS[series.light]
        words = [series.modality, " ".join(filter(None, [series.description, series.part]))]
        words += [series.date, str(series.slices), _spacing(series)]
        words += [_pet(series), "", word, series.reason]
        row = QTreeWidgetItem(self.table, words)
        row.setForeground(STATE, QColor(colour))
        row.setToolTip(len(HEADINGS) - 1, series.reason)
        row.setSizeHint(0, QSize(SIDE + 70, SIDE + 6))
        row.setCheckState(0, Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        row.setDisabled(series.light == "red")
        if series.frames > 1:
            box = QSpinBox()
            box.setRange(0, series.frames - 1)
            self.table.setItemWidget(row, TIME, box)
        return row

    def _show(self, number: int, image: object) -> None:
        self._rows[number][0].setIcon(0, QIcon(image))

    def _time_point(self, row: QTreeWidgetItem) -> int | None:
        box = self.table.itemWidget(row, TIME)
        return box.value() if isinstance(box, QSpinBox) else None


def _proposed(series: Found, pair: tuple[Series, Series] | None) -> list[Series]:
    """Tick the pair; without one, what reads without a doubt, as long as it is one patient's."""
    if pair is not None:
        return list(pair)
    sound = [one for one in series if one.light == "green" and one.frames == 1]
    return sound if len({one.patient for one in sound if one.patient}) < 2 else []


def _pet(series: Series) -> str:
    """Say whether a PET is corrected for attenuation, and what SUV lacks."""
    lacks = ", ".join(series.suv_missing or ())
    suv = "" if series.suv_missing is None else f"no SUV: {lacks}" if lacks else "SUV"
    return "\n".join(filter(None, [_CORRECTED[series.attenuation_corrected], suv]))


def _spacing(series: Series) -> str:
    return " × ".join(f"{step:.3g}" for step in series.spacing) if series.spacing else ""


def choose_series(series: Found) -> list[tuple[Series, int | None]]:
    """Ask which series to open.

    Raises
    ------
    Cancelled
        The user pressed Cancel.
    """
    dialog = SeriesDialog(series, QApplication.activeWindow())
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    chosen = dialog.chosen if accepted else []
    dialog.deleteLater()
    if not chosen:
        raise Cancelled("nothing was chosen")
    return chosen
