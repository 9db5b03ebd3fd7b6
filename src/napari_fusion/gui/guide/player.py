"""Plays a script in a window: gestures with pauses between them, while the window lives on."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from qtpy.QtCore import QObject, QTimer, Signal, Slot

from napari_fusion.errors import FusionError

Pause = float | Callable[[], bool]
"""Seconds to wait, or what has to be true."""

POLL_MS = 50

LONGEST_S = 300.0
"""A script that waits longer for something is given up."""


class Player(QObject):
    """Goes through a script step by step, each in a turn of the event loop.

    Parameters
    ----------
    script
        Acts, and gives the pause before its next act.
    """

    ended = Signal()
    """The script is over; `reason` says whether it was done."""

    def __init__(self, script: Iterator[Pause], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._script = script
        self._waits: Pause = 0.0
        self._since = time.monotonic()
        self._begun = self._done = 0
        self.reason = "the window was closed"
        """Why the script is not done; empty when it is."""

    @Slot()
    def start(self) -> None:
        """Begin."""
        self._turn()

    @Slot()
    def _turn(self) -> None:
        # One turn asks for the next when it is over, so that an act may run an event loop itself.
        if self._begun > self._done:  # the last act broke off, and Python's hook has told how
            self._end("something unexpected went wrong, and the log tells more")
            return
        waited = time.monotonic() - self._since
        done = self._waits() if callable(self._waits) else waited >= self._waits
        if not done and waited > LONGEST_S:
            self._end(f"a step was not done after {LONGEST_S:.0f} s")
            return
        try:
            if not done or self._act():
                QTimer.singleShot(POLL_MS, self._turn)
        finally:
            if self._begun > self._done:
                QTimer.singleShot(POLL_MS, self._turn)

    def _act(self) -> bool:
        """Do the next act; False when the script is over."""
        self._begun += 1
        reason = None
        try:
            self._waits = next(self._script)
        except StopIteration:
            reason = ""
        except FusionError as error:
            reason = str(error)
        self._done += 1
        self._since = time.monotonic()
        if reason is not None:
            self._end(reason)
        return reason is None

    def _end(self, reason: str) -> None:
        self.reason = reason
        self.ended.emit()
