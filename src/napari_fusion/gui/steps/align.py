"""Step 2: find where the moving layer lies, and say how far the answer may be trusted."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, Signal, Slot
from qtpy.QtWidgets import QComboBox, QLabel, QWidget

from napari_fusion.gui.actions import Aligning
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.jobs import JobRow
from napari_fusion.gui.snapshot import Result, Snapshot
from napari_fusion.gui.steps.step import Step, button
from napari_fusion.registration.quality import RANK


class AlignStep(Step):
    """Align the chosen layers; what does not pass is added only when the user insists.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    jobs
        Runs the alignment.
    """

    aligned = Signal(object)
    """The layer that was added."""

    def __init__(self, viewer: Any, jobs: JobRow, parent: QWidget | None = None) -> None:
        super().__init__("&Align", "Bring the moving layer onto the fixed one.", parent)
        self._viewer, self._jobs, self._chosen = viewer, jobs, Chosen()
        self._refused: tuple[Aligning, Result] | None = None
        self.model = QComboBox()
        self.model.addItems(["rigid", "similarity", "affine"])
        self.model.setToolTip("What may change: position; also size; also shear.")
        self.button = button("Align", "Find where the moving layer lies.", self._align)
        self.verdict = QLabel("Nothing aligned yet.")
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.anyway_button = button(
            "Add it anyway", "Show an alignment that did not pass; its name says so.", self._anyway
        )
        self.anyway_button.hide()
        self.form.addRow("Model", self.model)
        self.form.addRow(self.button)
        self.form.addRow(self.verdict)
        self.form.addRow(self.anyway_button)
        jobs.busy.connect(self._follow)

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take what is to be aligned."""
        self._chosen = chosen

    @Slot(bool)
    def _follow(self, busy: bool) -> None:  # noqa: FBT001 - Qt's signature
        self.button.setDisabled(busy)
        if busy:
            self._refused = None
            self.anyway_button.hide()

    @Slot()
    def _align(self) -> None:
        def make() -> Aligning:
            chosen, model = self._chosen, self.model.currentText()
            snapshot, patients = Snapshot.of(self._viewer), chosen.different_patients
            return Aligning(snapshot, chosen.fixed, chosen.moving, model, patients)

        self._jobs.start(make, self._found)

    def _found(self, job: Aligning, result: Result) -> None:
        self.verdict.setText(result.standing.text)
        if result.standing.rank > RANK["CHECK"]:
            self._refused = (job, result)
            self.anyway_button.show()
            show_error(f"{result.standing.sentence} Nothing was added.")
            self._jobs.idle()
            return
        self._add(result)

    @Slot()
    def _anyway(self) -> None:
        if self._refused is not None:
            job, result = self._refused
            self.said.emit(job.line(accept=result.standing.word))
            self._add(result)

    def _add(self, result: Result) -> None:
        self._jobs.show_result(result, lambda added: self.aligned.emit(added[0]))
