"""Within *Align*: mark the same places on both layers, see the error of each pair, and align."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal, Slot
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_fusion.errors import FusionError, ParameterError
from napari_fusion.gui.align.aligning import RIGID, Aligning
from napari_fusion.gui.align.marking import MARKS, Marking, add_marks, marks_of, original_of
from napari_fusion.gui.align.pose import rounded
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.gui.steps.step import Step, allow, button
from napari_fusion.gui.widgets.hearing import hear

COLUMNS = ("Pair", "Error mm", "Left out mm")
ROLES = ("fixed", "moving")


class LandmarkBox(Step):
    """Click a place on the fixed layer, then the same place on the moving one, and so on.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    asked = Signal(object)
    """A function that makes the job to be run."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("By la&ndmarks", "Mark the same places on both layers.", parent)
        self._viewer, self._chosen = viewer, Chosen()
        self._heard: list[Any] = []
        self._sources: list[Any] = []
        self.mark_button = QPushButton("Mark places")
        self.mark_button.setCheckable(True)
        self.mark_button.setToolTip("Click a place on the fixed layer, then on the moving one.")
        self.mark_button.toggled.connect(self._mark)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setMaximumHeight(130)
        self.align_button = button("Align by landmarks", "Fit the marked pairs.", self._align)
        self.refine_button = button(
            "Align from there", "Fit the pairs, then search near that pose.", self._refine
        )
        for one in (self.mark_button, self.words, self.table):
            self.form.addRow(one)
        self.form.addRow(self.align_button)
        self.form.addRow(self.refine_button)
        self.set_open(on=False)
        self._tell()
        hear(self._inserted, viewer.layers.events.inserted)
        hear(self._removed, viewer.layers.events.removed)
        hear(self._renamed, viewer.layers.events.renamed)

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take which layers are meant; marking ends."""
        if chosen != self._chosen:
            self.stop()
            self._chosen = chosen
            self._tell()

    def stop(self) -> None:
        """End marking; the marks stay."""
        self.mark_button.setChecked(False)

    @Slot(bool)
    def _mark(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        if not on:
            for layer in filter(None, self._marks()):
                layer.mode = "pan_zoom"
            self._show_both()
            self._tell()
            return
        names = (self._chosen.fixed, self._chosen.moving)
        try:
            snapshot = Snapshot.of(self._viewer)
            snapshot.check(names)
            for name in names:
                snapshot.source(name)  # refuses what is no volume
        except FusionError as error:
            show_error(str(error))
            self.stop()
            return
        self._sources = [self._viewer.layers[name] for name in names]
        for role, name in zip(ROLES, names, strict=True):
            self._hear(add_marks(self._viewer, role, name))
        self._next()

    @property
    def is_marking(self) -> bool:
        """Whether clicks set marks now."""
        return bool(self.mark_button.isChecked())

    def take_back(self) -> bool:
        """Take the last mark back, as Ctrl+Z does while places are marked."""
        here, there = self._marks()
        if not self.mark_button.isChecked() or here is None or there is None:
            return False
        last = here if len(here.data) > len(there.data) else there
        if len(last.data):
            last.data = last.data[:-1]
        return True

    def _hear(self, layer: Any) -> None:
        if layer not in self._heard:
            self._heard.append(layer)
            hear(self._marked, layer.events.data)

    def _renamed(self, event: object = None) -> None:
        """Look for the marks again, when they know the new name, too."""
        QTimer.singleShot(0, self._tell_if_alive)

    @Slot()
    def _tell_if_alive(self) -> None:
        if isalive(self):
            self._tell()

    def _inserted(self, event: Any) -> None:
        """Hear of marks that come with a session."""
        if MARKS in event.value.metadata:
            self._hear(event.value)
            self._tell()

    def _removed(self, event: object = None) -> None:
        """End marking when a layer of marks is deleted."""
        if self.mark_button.isChecked() and None in self._marks():
            self.stop()

    def _marked(self, event: object = None) -> None:
        """Hear of a mark that was set, moved or deleted."""
        if self.mark_button.isChecked():
            self._next()
        else:
            self._tell()

    def _next(self) -> None:
        """Ask for the next mark: on the layer that has fewer, and show that layer alone."""
        here, there = self._marks()
        first = len(here.data) <= len(there.data)
        layer = here if first else there
        layer.mode = "add"
        self._viewer.layers.selection.active = layer
        for name, seen in ((self._chosen.fixed, first), (self._chosen.moving, not first)):
            if name in self._viewer.layers:
                self._viewer.layers[name].visible = seen
        self._tell()

    def _marks(self) -> tuple[Any, Any]:
        """Give the marks on the two layers; of one that was drawn anew, those on its original."""
        fixed, moving = self._chosen.fixed, self._chosen.moving
        there = marks_of(self._viewer, "moving", moving)
        if not self.mark_button.isChecked() and (there is None or not len(there.data)):
            there = marks_of(self._viewer, "moving", original_of(self._viewer, moving)) or there
        return marks_of(self._viewer, "fixed", fixed), there

    def _show_both(self) -> None:
        """Show both layers again after one of them was seen alone."""
        for layer in self._sources:
            layer.visible = True
        self._sources = []

    def _tell(self) -> None:
        """Say what to do next, and the error of every pair."""
        here, there = self._marks()
        counts = [0 if layer is None else len(layer.data) for layer in (here, there)]
        if self.mark_button.isChecked():
            first = counts[0] <= counts[1]
            name = self._chosen.fixed if first else self._chosen.moving
            self.words.setText(f"Click place {min(counts) + 1} on {name}.")
        else:
            self.words.setText(_counted(*counts))
        self._fill(min(counts) if counts[0] == counts[1] else 0)

    def _fill(self, pairs: int) -> None:
        errors, left_out = np.full(pairs, np.nan), np.full(pairs, np.nan)
        ready = pairs >= 3
        if ready:
            try:
                job = self._marking()
                errors = job.landmarks.errors(job.found())
                left_out = job.landmarks.leave_one_out(job.model)
            except FusionError as error:
                self.words.setText(str(error))
                ready = False
        for one in (self.align_button, self.refine_button):
            allow(one, on=ready, why="First mark three pairs or more, not on one line.")
        self.table.setRowCount(pairs)
        for row, (apart, alone) in enumerate(zip(errors, left_out, strict=True)):
            for column, text in enumerate((str(row + 1), _mm(apart), _mm(alone))):
                self.table.setItem(row, column, QTableWidgetItem(text))

    def _marking(self) -> Marking:
        here, there = self._marks()
        if here is None or there is None:
            raise ParameterError("mark the places first")
        layers = self._chosen.fixed, self._chosen.moving
        return Marking.of(self._viewer, layers, (str(here.name), str(there.name)))

    def _refining(self) -> Aligning:
        job = self._marking()
        start, patients = rounded(job.found()), self._chosen.different_patients
        return Aligning(job.snapshot, job.fixed, job.moving, RIGID, patients, start)

    @Slot()
    def _align(self) -> None:
        self.stop()
        self.asked.emit(self._marking)

    @Slot()
    def _refine(self) -> None:
        self.stop()
        self.asked.emit(self._refining)


def _counted(here: int, there: int) -> str:
    """Say how many pairs there are, and what is missing."""
    if here != there:
        return f"{here} places marked on the fixed layer, {there} on the moving one: mark the rest."
    pairs = f"{here} {'pair' if here == 1 else 'pairs'} marked"
    return f"{pairs}." if here >= 3 else f"{pairs}; three or more are needed."


def _mm(distance: float) -> str:
    return "–" if np.isnan(distance) else f"{distance:.2f}"
