"""Long work off the window's thread: progress, cancel, and failure as one plain sentence."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from napari.qt.threading import create_worker
from qtpy.QtCore import QEventLoop, QObject, Qt, QThread, Signal, Slot
from qtpy.QtWidgets import QApplication, QProgressDialog

from napari_fusion.errors import Cancelled, FusionError, Progress

T = TypeVar("T")
Work = Callable[[Progress], T]

REPORT_EVERY_S = 0.05
"""The window hears of progress at most this often."""

_log = logging.getLogger(__name__)


class Job(QObject, Generic[T]):
    """One piece of work in a thread; its signals arrive in the thread that made it.

    Over, it lets go of the work and all that it holds: napari keeps every worker it ever started.

    Parameters
    ----------
    work
        Called with a `Progress`, off the window's thread; must not touch layers or widgets.
    """

    progressed = Signal(float, str)
    returned = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    _came = Signal(object)  # from the thread; napari's own is lost when another window closes

    def __init__(self, work: Work[T], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work: Work[T] | None = work
        self._stop = threading.Event()
        self._told = 0.0
        self._over = False
        self._came.connect(self._finish)

    def start(self) -> None:
        """Begin; returns at once."""
        create_worker(self._tell, _start_thread=False).start()

    def cancel(self) -> None:
        """Stop: the job counts as over at once, its thread ends at its next report."""
        self._stop.set()
        if not self._over:
            self._over = True
            self.cancelled.emit()
            self.ended.emit()

    @property
    def running(self) -> bool:
        """Whether an answer is still awaited."""
        return not self._over

    def report(self, fraction: float, message: str) -> None:
        """Tell the window how far the work is; the `Progress` that work is given.

        Raises
        ------
        Cancelled
            The user asked to stop.
        """
        if self._stop.is_set():
            raise Cancelled("stopped")
        now = time.monotonic()
        if now - self._told >= REPORT_EVERY_S or fraction >= 1:
            self._told = now
            try:
                self.progressed.emit(float(fraction), message)
            except RuntimeError as error:  # the window that asked is gone
                raise Cancelled("stopped") from error

    def _tell(self) -> None:
        """Work, in the thread, and tell how it ended, unless nobody is there any more."""
        end = self._run()
        with suppress(RuntimeError):
            self._came.emit(end)

    def _run(self) -> tuple[str, Any]:
        """Work, in the thread; every end becomes a word and a value."""
        work, self._work = self._work, None
        if work is None:
            return "cancelled", None
        try:
            return "returned", work(self.report)
        except Cancelled:
            return "cancelled", None
        except FusionError as error:
            return "failed", error
        except MemoryError:
            return "failed", FusionError("there is not enough memory for this; nothing was changed")
        except Exception as error:  # noqa: BLE001 - the last line before the user
            if self._stop.is_set():
                return "cancelled", None
            _log.exception("unexpected failure")
            return "failed", FusionError(
                f"something unexpected went wrong ({type(error).__name__}); nothing was changed, "
                "and the log tells more"
            )

    @Slot(object)
    def _finish(self, end: tuple[str, Any]) -> None:
        self.deleteLater()  # not when cancelled: the thread may be telling its end just then
        if self._over:
            return
        self._over = True
        word, value = end
        if word == "returned":
            self.returned.emit(value)
        elif word == "failed":
            self.failed.emit(value)
        else:
            self.cancelled.emit()
        self.ended.emit()


def responsive(work: Work[T], message: str) -> T:
    """Do long work for a caller that has to wait, without freezing a window that is on screen.

    With a running event loop the work goes to a thread, behind a dialog with a Cancel button; with
    none (scripts, tests, no Qt at all) it is simply done.

    Raises
    ------
    Cancelled
        The user pressed Cancel.
    """
    if not window_is_alive():
        return work(lambda fraction, words: None)
    loop, job, ends = QEventLoop(), Job(work), _Ends()
    dialog = QProgressDialog(message, "Cancel", 0, 0, QApplication.activeWindow())
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(400)
    dialog.canceled.connect(job.cancel)
    job.returned.connect(ends.keep)
    job.failed.connect(ends.fail)
    job.ended.connect(loop.quit)
    job.start()
    if job.running:
        loop.exec()
    dialog.canceled.disconnect(job.cancel)
    dialog.close()
    dialog.deleteLater()
    return ends.answer()  # type: ignore[no-any-return]


class _Ends(QObject):
    """Keep how a job ended."""

    value: Any = None
    error: FusionError | None = Cancelled("stopped")

    @Slot(object)
    def keep(self, value: Any) -> None:
        self.value, self.error = value, None

    @Slot(object)
    def fail(self, error: FusionError) -> None:
        self.error = error

    def answer(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def window_is_alive() -> bool:
    """Whether this is the thread of a window whose event loop runs."""
    app = QApplication.instance()
    if app is None or QThread.currentThread() is not app.thread():
        return False
    return bool(QThread.currentThread().loopLevel() > 0)
