"""Where a reader works: who takes its voxels, and who hears how far it is.

Reading in the caller's own process needs neither; a worker process has both (see
`napari_fusion.io.worker`). They are kept in a context variable because every reader, down to the
single slice, would else have to hand them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import Progress, silent


@dataclass(frozen=True)
class Order:
    """How the axes of a file become those of a volume.

    Parameters
    ----------
    shape
        Of the volume, (S, P, L).
    axes, flips
        Which axis of the file each axis of the volume is, and whether it runs backwards.
    """

    shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @property
    def plane(self) -> tuple[int, int]:
        """Rows and columns of a slice in the file."""
        by_axis = dict(zip(self.axes, self.shape, strict=True))
        return by_axis[1], by_axis[2]

    def seen_from_file(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """See a volume's array in the order of the file."""
        steps = tuple(slice(None, None, -1 if flip else None) for flip in self.flips)
        return array[steps].transpose(np.argsort(self.axes))


class Scale(NamedTuple):
    """How stored values become a volume's: type as stored, slope and intercept."""

    stored: str = "f4"
    slope: float = 1.0
    intercept: float = 0.0


class Sink(Protocol):
    """Takes the slices of a volume as they are read, so that the reader holds no array of them."""

    array: NDArray[np.float32]
    """Stands for the voxels, which are elsewhere: NaN throughout, only to be passed on."""

    def stage(self, start: int, count: int, scale: Scale) -> NDArray[Any]:
        """Give room for slices from number `start` on, (n, rows, columns); n ≤ `count`."""
        ...

    def deliver(self) -> None:
        """Send the slices last staged, to be scaled where they arrive."""
        ...


def _nowhere(order: Order) -> Sink | None:
    """Take no slices: the reader makes an array."""
    return None


def _unlimited(nbytes: int) -> None:
    """Expect any size: a caller's own process has no cap."""


@dataclass(frozen=True)
class Workspace:
    """What surrounds a reader.

    Parameters
    ----------
    stream
        Gives a sink for a volume that will be passed on as it was read, or None.
    tell
        Hears of progress, often; may raise `Cancelled`.
    expect
        Hears how many bytes a file of that size on disk, or a volume, will honestly need.
    """

    stream: Callable[[Order], Sink | None] = _nowhere
    tell: Progress = silent
    expect: Callable[[int], None] = _unlimited


_current: ContextVar[Workspace] = ContextVar("workspace", default=Workspace())  # noqa: B039


def workspace() -> Workspace:
    """Give the surroundings of the reader that asks."""
    return _current.get()


@contextmanager
def keeping_voxels() -> Iterator[None]:
    """Let readers called within hold their voxels, for a caller that computes with them here."""
    with working_in(replace(workspace(), stream=_nowhere)):
        yield


@contextmanager
def working_in(place: Workspace) -> Iterator[None]:
    """Let readers called within work in this place."""
    token = _current.set(place)
    try:
        yield
    finally:
        _current.reset(token)
