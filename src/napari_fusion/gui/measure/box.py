"""Within *Measure and keep*: a region, and what every source holds in it, as a table."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, Signal, Slot
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_fusion.errors import FusionError
from napari_fusion.gui.check.status import standing_of
from napari_fusion.gui.line import line_of
from napari_fusion.gui.measure.measuring import Measured, measure_layers
from napari_fusion.gui.measure.regions import may_hold_regions
from napari_fusion.gui.readout import sources, unit_of
from napari_fusion.gui.steps.step import allow, button
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.widgets.hearing import hear

SPHERE = "sphere at the crosshair"

COLUMNS = ("Region", "Source", "mL", "Mean ± SD", "Max", "Peak", "Unit", "Min")

MOST_MM = 300.0


class MeasureBox(QGroupBox):
    """Measure every source in a sphere, or in what is drawn on a labels layer.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    crossing
        Where the sphere lies.
    """

    said = Signal(str)
    """The line of Python that does the same."""

    def __init__(self, viewer: Any, crossing: Crossing, parent: QWidget | None = None) -> None:
        super().__init__("Measure", parent)
        self._viewer, self._crossing = viewer, crossing
        self.region = QComboBox()
        self.region.setMinimumContentsLength(12)
        self.region.setToolTip("A sphere, or a labels layer that was opened or painted.")
        self.region.currentIndexChanged.connect(self._choose)
        self.diameter = QDoubleSpinBox()
        self.diameter.setRange(1.0, MOST_MM)
        self.diameter.setDecimals(1)
        self.diameter.setValue(20.0)
        self.diameter.setSuffix(" mm")
        self.diameter.setToolTip("The sphere's diameter.")
        self.button = button("Measure", "Every source, on its own grid.", self.measure)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.table = _table()
        self.copy_button = button("Copy table", "To the clipboard, for a spreadsheet.", self._copy)
        self._lay_out()
        events = viewer.layers.events
        hear(self._list, events.inserted, events.removed, events.reordered, events.renamed)
        self._list()
        self._show([])

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for widget in (self.diameter, self.button):
            row.addWidget(widget, 1)
        column = QVBoxLayout(self)
        column.addWidget(self.region)
        column.addLayout(row)
        for widget in (self.words, self.table, self.copy_button):
            column.addWidget(widget)

    def _list(self, event: object = None) -> None:
        """List the layers anew that may hold regions; the same one stays chosen."""
        names = [one.name for one in self._viewer.layers if may_hold_regions(one)]
        before = self.region.currentText()
        self.region.blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.region.clear()
        self.region.addItems([SPHERE, *names])
        self.region.setCurrentText(before)
        self.region.blockSignals(False)  # noqa: FBT003 - Qt's signature
        self._choose()
        allow(self.button, on=bool(self._viewer.layers), why="Open a volume first.")

    @Slot()
    def _choose(self) -> None:
        self.diameter.setEnabled(self.region.currentText() == SPHERE)

    @Slot()
    def measure(self) -> None:
        """Measure, and tell the line that does it again."""
        name = self.region.currentText()
        if name == SPHERE:
            at = tuple(round(float(mm), 3) for mm in self._crossing.point)
            asked: dict[str, Any] = {"sphere_mm": self.diameter.value(), "at": at}
        else:
            asked = {"labels": name}
        try:
            found = measure_layers(self._viewer, **asked)
        except FusionError as error:
            show_error(str(error))
            return
        self._show(found)
        self.said.emit(line_of("measure_layers", **asked))

    def _show(self, found: Sequence[Measured]) -> None:
        """Fill the table; without a PASS, say what the sources' places are worth."""
        told_of = {row.source for row in found}
        layers = [one for one in sources(self._viewer) if str(one.name) in told_of]
        stands = standing_of(layers) if len(layers) > 1 else None
        doubt = stands.text if stands is not None and stands.word != "PASS" else ""
        self.words.setText(doubt)
        self.words.setVisible(bool(doubt))
        self.table.setRowCount(len(found))
        for place, row in enumerate(found):
            for column, text in enumerate(cells(row)):
                item = QTableWidgetItem(text)
                item.setToolTip(row.why or text)
                self.table.setItem(place, column, item)
        alone = all(row.stats is None or row.stats.label == 1 for row in found)
        self.table.setColumnHidden(COLUMNS.index("Region"), alone)
        self.table.setVisible(bool(found))
        self.copy_button.setVisible(bool(found))

    @Slot()
    def _copy(self) -> None:
        lines = ["\t".join(COLUMNS)]
        for row in range(self.table.rowCount()):
            texts = (self.table.item(row, column) for column in range(len(COLUMNS)))
            lines.append("\t".join(item.text() if item is not None else "" for item in texts))
        QApplication.clipboard().setText("\n".join(lines))


def cells(row: Measured) -> tuple[str, ...]:
    """Write a row of the table; where there are no numbers, why."""
    stats = row.stats
    if stats is None:
        return ("", row.source, "", row.why, "", "", "", "")
    return (
        str(stats.label),
        row.source,
        f"{stats.ml:.2f}{' ▲' if row.why else ''}",
        f"{stats.mean:.4g} ± {stats.sd:.3g}",
        f"{stats.maximum:.4g}",
        f"{stats.peak:.4g}",
        unit_of(row.volume),
        f"{stats.minimum:.4g}",
    )


def _table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    table.setHorizontalHeaderLabels(COLUMNS)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.verticalHeader().hide()
    table.setMinimumHeight(110)
    table.setMaximumHeight(180)
    return table
