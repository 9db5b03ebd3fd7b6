"""One job at a time: its progress, its Cancel button, and its result put on the screen."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer, Signal, Slot
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from napari_fusion.errors import FusionError, Progress
from napari_fusion.gui.snapshot import Result, Snapshot, shown_stepwise
from napari_fusion.gui.undo import UndoStack
from napari_fusion.gui.worker import Job

BUSY = "Something is being computed: wait for it, or press Cancel."

DRAW_MS = 20
"""Pause between two layers, for the window to draw."""


class Asked(Protocol):
    """What can be asked for: it computes in any thread, and says the Python that repeats it."""

    @property
    def snapshot(self) -> Snapshot:
        """The layers as they were when it was asked for."""

    def line(self) -> str:
        """Write the Python that repeats this."""

    def compute(self, progress: Progress) -> Result:
        """Compute the result; touches no layer."""


class JobRow(QWidget):
    """A row that is seen while something is computed.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model; results are added to it.
    undo
        Putting a result on the screen is one deed of it.
    """

    busy = Signal(bool)
    """Something begins, or is over."""

    said = Signal(str)
    """The line of Python that repeats what was done."""

    def __init__(self, viewer: Any, undo: UndoStack, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._undo = viewer, undo
        self._job: Job[Result] | None = None
        self._is_busy = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; nothing is changed.")
        self.cancel_button.clicked.connect(self.cancel)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        self.hide()

    def start(self, make: Callable[[], Asked], done: Callable[[Any, Result], None]) -> None:
        """Begin what `make` gives; `done` gets it and its result, and ends with `idle` or `show`.

        What `make` refuses is said, and nothing begins; nor does it while something else runs.
        """
        if self._is_busy:
            show_error(BUSY)
            return
        try:
            asked = make()
        except FusionError as error:
            self._fail(error)
            return
        self._asked, self._done = asked, done
        job: Job[Result] = Job(asked.compute, self)
        job.progressed.connect(self._progress)
        job.returned.connect(self._finish)
        job.failed.connect(self._fail)
        job.cancelled.connect(self._say_cancelled)
        self._job = job
        self._set_busy(busy=True)
        job.start()

    @Slot()
    def cancel(self) -> None:
        """Stop what is running; nothing is changed."""
        if self._job is not None:
            self._job.cancel()

    def show_result(
        self, result: Result, then: Callable[[list[Any]], None], line: str = ""
    ) -> None:
        """Add layers one a turn of the event loop, so that the window draws in between.

        What is said of it is the line of what was asked for, unless another is given.
        """
        self.said.emit(line or self._asked.line())
        self._set_busy(busy=True)
        self._steps, self._then = shown_stepwise(self._viewer, result), then
        self._undo.begin()
        self._added: list[Any] = []
        self._step()

    def idle(self) -> None:
        """Say that it is over."""
        self._job = None
        self._set_busy(busy=False)

    @Slot(float, str)
    def _progress(self, fraction: float, message: str) -> None:
        self.bar.setValue(round(fraction * 1000))
        self.bar.setFormat(f"{message} — %p %")

    @Slot(object)
    def _finish(self, result: Result) -> None:
        try:
            self._asked.snapshot.check_open(self._viewer)
        except FusionError as error:
            self._fail(error)
            return
        self._done(self._asked, result)

    @Slot(object)
    def _fail(self, error: FusionError) -> None:
        show_error(str(error))
        self.idle()

    @Slot()
    def _say_cancelled(self) -> None:
        show_info("Stopped; nothing was changed.")
        self.idle()

    @Slot()
    def _step(self) -> None:
        try:
            layer = next(self._steps)
        except StopIteration:
            self._undo.end(f"{self._added[0].name} added")
            self._then(self._added)
            self.idle()
            return
        self._added += [layer] if layer is not None else []
        QTimer.singleShot(DRAW_MS, self._step)

    def _set_busy(self, *, busy: bool) -> None:
        self._is_busy = busy
        self.setVisible(busy)
        self.bar.setValue(0)
        self.bar.setFormat("starting")
        self.busy.emit(busy)
