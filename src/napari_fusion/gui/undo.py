"""What was done can be taken back, and done again: one short list of deeds."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QObject

MOST = 100
"""Deeds that are remembered."""

MOST_BYTES = 64 * 2**20
"""Layers that were removed are kept for taking that back, the oldest only up to this size."""


@dataclass(frozen=True)
class Deed:
    """Something done that can be taken back.

    Parameters
    ----------
    words
        What was done, for the eye: "window of CT".
    back, again
        Take it back; do it again.
    holds
        Bytes that are kept in memory for this alone.
    """

    words: str
    back: Callable[[], None]
    again: Callable[[], None]
    holds: int = 0


class UndoStack(QObject):
    """Deeds in the order they were done; a new one forgets those taken back before it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._done: list[Deed] = []
        self._undone: list[Deed] = []
        self._busy = False
        self._group: list[Deed] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a deed is being taken back or done again: what changes now is no new deed."""
        return self._busy

    def did(self, deed: Deed) -> None:
        """Remember what was just done."""
        if self._group is not None and not self._busy:
            self._group.append(deed)
        elif not self._busy:
            self._done = [*self._done, deed][-MOST:]
            while len(self._done) > 1 and sum(one.holds for one in self._done) > MOST_BYTES:
                del self._done[0]
            self._undone.clear()

    @property
    def is_grouping(self) -> bool:
        """Whether what is done now will be one deed."""
        return self._group is not None

    def begin(self) -> None:
        """Take everything done from now on for one deed."""
        self._group = [] if self._group is None else self._group

    def end(self, words: str) -> None:
        """Remember what was done since `begin` as one deed of that name."""
        parts, self._group = self._group, None
        if parts:
            holds = sum(part.holds for part in parts)
            self.did(Deed(words, _each(parts[::-1], "back"), _each(parts, "again"), holds))

    def undo(self) -> str:
        """Take the last deed back; give its words, or nothing when there is none."""
        return self._move(self._done, self._undone, lambda deed: deed.back())

    def redo(self) -> str:
        """Do again what was taken back last; give its words."""
        return self._move(self._undone, self._done, lambda deed: deed.again())

    def clear(self) -> None:
        """Forget everything."""
        self._done.clear()
        self._undone.clear()

    def _move(self, here: list[Deed], there: list[Deed], act: Callable[[Deed], None]) -> str:
        if not here or self._busy:
            return ""
        deed = here.pop()
        self._busy = True
        try:
            act(deed)
        finally:
            self._busy = False
        there.append(deed)
        return deed.words


def _each(deeds: list[Deed], way: str) -> Callable[[], None]:
    def act() -> None:
        for deed in deeds:
            getattr(deed, way)()

    return act
