"""Report progress often enough to cancel at once, seldom enough to cost nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import Progress, silent

INTERVAL_S = 0.04
"""Least time between two reports of one phase."""


@runtime_checkable
class Watching(Protocol):
    """A `Progress` that also wants to see where a search stands."""

    def __call__(self, fraction: float, message: str) -> None:
        """Hear how far the job is; cancel by raising."""

    def pose(self, matrix: NDArray[np.float64], score: float) -> None:
        """See a better pose: (4, 4) fixed → moving LPS mm, and its score at its own level.

        Scores of a finer level are not comparable with those of a coarser one; poses of a finer
        level come later.
        """


class Pulse:
    """Counts work done and passes it on; whatever the report raises stops the job.

    Parameters
    ----------
    progress
        Whom to tell; None tells nobody.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress or silent
        self._start, self._stop, self._words = 0.0, 0.0, ""
        self._done, self._expected, self._last = 0, 1, 0.0
        self._whole = 0.0, 1.0

    @contextmanager
    def part(self, start: float, stop: float) -> Iterator[None]:
        """Have the phases within span `start` to `stop` instead of the whole job."""
        outer = self._whole
        low, high = outer
        self._whole = low + (high - low) * start, low + (high - low) * stop
        yield
        self._whole = outer

    def phase(self, start: float, stop: float, words: str, expected: int = 1) -> None:
        """Begin a part of the job that takes about `expected` beats and spans `start` to `stop`."""
        self._start, self._stop, self._words = start, stop, words
        self._done, self._expected = 0, max(1, expected)
        self._tell()

    def beat(self) -> None:
        """Count one unit of work."""
        self._done += 1
        if time.monotonic() - self._last >= INTERVAL_S:
            self._tell()

    @property
    def watched(self) -> Watching | None:
        """Whoever wants to see poses, if anybody."""
        return self._progress if isinstance(self._progress, Watching) else None

    def _tell(self) -> None:
        self._last = time.monotonic()
        share = min(1.0, self._done / self._expected)
        low, high = self._whole
        fraction = self._start + (self._stop - self._start) * share
        self._progress(low + (high - low) * fraction, self._words)
