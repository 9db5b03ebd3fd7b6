"""Step 2: find where the moving layer lies, and say how far the answer may be trusted."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from napari.utils.notifications import show_error
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal, Slot
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QWidget

from napari_fusion.errors import Cancelled, FusionError
from napari_fusion.grid import Grid
from napari_fusion.gui import choices
from napari_fusion.gui.align.aligning import Aligning
from napari_fusion.gui.align.curve import Curve
from napari_fusion.gui.align.ghost import Ghost, hide_ghost, show_ghost
from napari_fusion.gui.check.status import standing_of
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.covered import cover, uncover
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.jobs import BUSY, Asked, JobRow
from napari_fusion.gui.snapshot import ALIGNMENT, Result, Snapshot
from napari_fusion.gui.steps.hand import HandBox
from napari_fusion.gui.steps.landmarks import LandmarkBox
from napari_fusion.gui.steps.step import Step, allow, button
from napari_fusion.registration import Alignment
from napari_fusion.registration.engines import installed_engines
from napari_fusion.registration.options import AlignOptions, Engine, Model
from napari_fusion.registration.quality import RANK
from napari_fusion.volume import JSON

ENGINE_WORDS: dict[Engine, str] = {
    "own": "napari-fusion",
    "greedy": "greedy, another program",
    "elastix": "elastix, another program",
}


NOTHING_YET = "Nothing aligned yet."


class AlignStep(Step):
    """Align the chosen layers; what does not pass is added only when the user insists.

    While a search runs, the moving picture is seen where its best pose so far puts it, and the
    score of that pose as a line.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    jobs
        Runs the alignment.
    """

    aligned = Signal(object)
    """The layer that was added."""

    posed = Signal(object, float)
    """A better pose, and its score; sent from the thread that searches."""

    def __init__(self, viewer: Any, jobs: JobRow, parent: QWidget | None = None) -> None:
        super().__init__("&Align", "Bring the moving layer onto the fixed one.", parent)
        self._viewer, self._jobs, self._chosen = viewer, jobs, Chosen()
        self._refused: tuple[Any, Result] | None = None
        self._watched: tuple[Any, Ghost, Grid, Grid] | None = None
        self._fill_form()
        self.posed.connect(self._see)
        jobs.busy.connect(self._follow)

    def _fill_form(self) -> None:
        self.model = QComboBox()
        self.model.addItems(get_args(Model))
        self.model.setCurrentText(str(choices.chosen("last", "model")))
        self.model.setToolTip("What may change: position; also size; also shear; or each place.")
        self.engine = QComboBox()
        self.engine.setToolTip("What searches; the same gate judges what it finds.")
        for name in installed_engines():
            self.engine.addItem(ENGINE_WORDS[name], name)
        self.watch = QCheckBox("Watch")
        self.watch.setToolTip("See where the moving picture is while it is sought.")
        self.watch.setChecked(True)
        self.button = button("Align", "Find where the moving layer lies.", self._align)
        self.curve = Curve()
        self.curve.hide()
        self.verdict = QLabel(NOTHING_YET)
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.anyway_button = button(
            "Add it anyway", "Show an alignment that did not pass; its name says so.", self._anyway
        )
        self.anyway_button.hide()
        self.hand, self.landmarks = HandBox(self._viewer), LandmarkBox(self._viewer)
        self.form.addRow("Model", self.model)
        if self.engine.count() > 1:  # nobody is asked to choose from one
            self.form.addRow("Search by", self.engine)
        self.form.addRow(self.watch)
        for row in (self.button, self.curve, self.verdict, self.anyway_button):
            self.form.addRow(row)
        for box in (self.hand, self.landmarks):
            self.form.addRow(box)
            box.asked.connect(self._run)

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take what is to be aligned; what was refused belongs to the pair before."""
        if chosen.names[:2] != self._chosen.names[:2]:
            self._forget()
        self._chosen = chosen
        self.hand.choose(chosen)
        self.landmarks.choose(chosen)
        self.tell()

    def settings(self) -> dict[str, JSON]:
        """Give how is aligned, as JSON values."""
        return {
            "model": self.model.currentText(),
            "engine": str(self.engine.currentData()),
            "watch": self.watch.isChecked(),
        }

    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Choose how to align, where that is known and installed."""
        self.model.setCurrentText(str(settings.get("model", "")))
        place = self.engine.findData(settings.get("engine"))
        self.engine.setCurrentIndex(place if place >= 0 else self.engine.currentIndex())
        self.watch.setChecked(settings.get("watch", self.watch.isChecked()) is True)

    @Slot()
    def tell(self) -> None:
        """Say what is known of the chosen layers as they lie now."""
        if self._refused is None:
            self.verdict.setText(self._known())

    def _known(self) -> str:
        """Say what the gate said when the chosen layers were aligned, be it in another session."""
        names = self._chosen.names[:2]
        layers = [self._viewer.layers[name] for name in names if name in self._viewer.layers]
        if len(layers) < 2 or ALIGNMENT not in layers[1].metadata:
            return NOTHING_YET
        return standing_of(layers).text

    @Slot(bool)
    def _follow(self, busy: bool) -> None:  # noqa: FBT001 - Qt's signature
        allow(self.button, on=not busy, why=BUSY)
        self.hand.setDisabled(busy)
        self.landmarks.setDisabled(busy)
        if busy:
            self._forget()
            return
        self.curve.setVisible(bool(self.curve.scores))  # nothing was sought: no line to show
        self._stop_watching()

    def _forget(self) -> None:
        """Let go of what was refused, and of what was said of it."""
        self._refused = None
        self.tell()
        self.anyway_button.hide()

    def leave(self) -> None:
        """Let go of what is in hand or sought; all is seen as before."""
        self.hand.stop()
        self._stop_watching()

    def _stop_watching(self) -> None:
        """Take the ghost of a search away, and show what was hidden for it."""
        self._watched = None
        hide_ghost(self._viewer)
        uncover(self._viewer.layers, "search")  # what was added in its place hid it for good

    @Slot()
    def _align(self) -> None:
        def make() -> Aligning:
            chosen, asked = self._chosen, {"model": self.model.currentText()}
            options = AlignOptions.model_validate(asked | {"engine": self.engine.currentData()})
            snapshot, patients = Snapshot.of(self._viewer), chosen.different_patients
            watch = self._pass_on if self.watch.isChecked() else None
            job = Aligning(snapshot, chosen.fixed, chosen.moving, options, patients, watch=watch)
            self._prepare(job)
            return job

        self._run(make)

    @Slot(object)
    def _run(self, make: Callable[[], Asked]) -> None:
        self.hand.stop()
        self.landmarks.stop()
        self._jobs.start(make, self._found)

    def _prepare(self, job: Aligning) -> None:
        """Make ready to see what a search finds."""
        self.curve.clear()
        self.curve.setVisible(job.watch is not None)
        if job.watch is None:
            return
        fixed, moving = (job.snapshot.source(name).volume for name in (job.fixed, job.moving))
        layer, frame = self._viewer.layers[job.moving], job.snapshot.frame or Frame()
        self._watched = layer, Ghost.of(layer, moving, frame), fixed.grid, moving.grid

    def _pass_on(self, matrix: NDArray[np.float64], score: float) -> None:
        """Tell the window of a pose; called in the thread that searches."""
        if self._watched is None:
            raise Cancelled("stopped")
        try:
            self.posed.emit(matrix, score)
        except RuntimeError as error:  # the window that asked is gone
            raise Cancelled("stopped") from error

    @Slot(object, float)
    def _see(self, matrix: Any, score: float) -> None:
        """Show a pose, unless the search is over by now."""
        if self._watched is None:
            return
        layer, ghost, fixed, moving = self._watched
        self.curve.add(score)
        try:
            show_ghost(self._viewer, ghost, Alignment(fixed, moving, matrix))
        except FusionError:
            hide_ghost(self._viewer)  # the view is in 3-D, or turned
            return
        cover(self._viewer, {layer.name}, "search")

    def _found(self, job: Any, result: Result) -> None:
        self.verdict.setText(result.standing.text)
        if result.standing.rank > RANK["CHECK"]:
            self._refused = (job, result)
            self.anyway_button.show()
            show_error(f"{result.standing.sentence} Nothing was added.")
            self._jobs.idle()
            return
        if isinstance(job, Aligning):
            choices.keep("last", "model", job.options.model)
        self._add(result)

    @Slot()
    def _anyway(self) -> None:
        if self._refused is not None:
            job, result = self._refused
            self.button.setFocus()  # the one pressed goes, and with it the keyboard and the place
            self._add(result, job.line(accept=result.standing.word))

    def _add(self, result: Result, line: str = "") -> None:
        self._jobs.show_result(result, lambda added: self.aligned.emit(added[0]), line)
