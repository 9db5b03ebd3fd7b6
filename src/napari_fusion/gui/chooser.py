"""Which of the series in a folder? A table to tick."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
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

if TYPE_CHECKING:
    from napari_fusion.io import Series

_TIME = 4
_LIGHTS = {"green": "● ready", "amber": "▲ look", "red": "✖ refused"}


class SeriesDialog(QDialog):
    """A table of series; those that read without a doubt are ticked, refused ones cannot be.

    Parameters
    ----------
    series
        What `scan` found.
    """

    def __init__(self, series: Sequence[Series], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose series")
        self.table = QTreeWidget()
        self.table.setRootIsDecorated(False)
        self.table.setHeaderLabels(
            ["Modality", "Description", "Date", "Slices", "Time point", "State", "Why"]
        )
        self._rows = [(self._row(one), one) for one in series]
        for column in range(6):
            self.table.resizeColumnToContents(column)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(f"There are {len(series)} series here. Which ones?"))
        layout.addWidget(self.table)
        layout.addWidget(self.buttons)
        self.resize(860, 320)

    @property
    def chosen(self) -> list[tuple[Series, int | None]]:
        """The ticked series, each with the time point to read."""
        ticked = [r for r in self._rows if r[0].checkState(0) == Qt.CheckState.Checked]
        return [(one, self._time_point(row)) for row, one in ticked]

    def _row(self, series: Series) -> QTreeWidgetItem:
        words = [series.modality, " ".join(filter(None, [series.description, series.part]))]
        words += [series.date, str(series.slices), "", _LIGHTS[series.light], series.reason]
        row = QTreeWidgetItem(self.table, words)
        ready = series.light == "green" and series.frames == 1
        row.setCheckState(0, Qt.CheckState.Checked if ready else Qt.CheckState.Unchecked)
        row.setDisabled(series.light == "red")
        if series.frames > 1:
            box = QSpinBox()
            box.setRange(0, series.frames - 1)
            self.table.setItemWidget(row, _TIME, box)
        return row

    def _time_point(self, row: QTreeWidgetItem) -> int | None:
        box = self.table.itemWidget(row, _TIME)
        return box.value() if isinstance(box, QSpinBox) else None


def choose_series(series: Sequence[Series]) -> list[tuple[Series, int | None]]:
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
