"""Where a reader works: who gives it memory for voxels, and who hears how far it is.

Reading in the caller's own process needs neither; a worker process gives both (see
`napari_fusion.io.worker`). They are kept in a context variable because every reader, down to the
single slice, would else have to hand them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import Progress, silent

Shape = tuple[int, int, int]


def _from_the_heap(shape: Shape) -> NDArray[np.float32]:
    return np.empty(shape, np.float32)


def _unlimited(nbytes: int) -> None:
    """Expect any size: a caller's own process has no cap."""


@dataclass(frozen=True)
class Workspace:
    """What surrounds a reader.

    Parameters
    ----------
    allocate
        Makes the float32 array of a shape (S, P, L) that becomes the volume.
    tell
        Hears of progress, often; may raise `Cancelled`.
    expect
        Hears how many bytes a file of that size on disk, or a volume, will honestly need.
    """

    allocate: Callable[[Shape], NDArray[np.float32]] = _from_the_heap
    tell: Progress = silent
    expect: Callable[[int], None] = _unlimited


_current: ContextVar[Workspace] = ContextVar("workspace", default=Workspace())  # noqa: B039


def workspace() -> Workspace:
    """Give the surroundings of the reader that asks."""
    return _current.get()


@contextmanager
def working_in(place: Workspace) -> Iterator[None]:
    """Let readers called within work in this place."""
    token = _current.set(place)
    try:
        yield
    finally:
        _current.reset(token)
