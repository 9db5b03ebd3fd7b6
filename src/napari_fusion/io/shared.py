"""Memory that one process fills and another keeps, without a copy and without a name to leak.

On Linux and macOS a region is an anonymous file (in memory on Linux; unlinked in the temporary
folder on macOS) whose descriptor is handed over a socket; on Windows it is a named mapping of the
page file. In each case the system frees it when the last process lets go, however that process
ends.
"""

from __future__ import annotations

import mmap
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from math import prod
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.io.closing import Closing

_WAIT_S = 10.0


class Region:
    """A region being filled.

    Parameters
    ----------
    nbytes
        Its size.
    """

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.name = ""
        self.descriptor = -1
        if sys.platform == "win32":
            self.name = f"napari-fusion-{uuid4().hex}"
            self._map = mmap.mmap(-1, nbytes, tagname=self.name)
        else:
            self.descriptor = _anonymous_file(nbytes)
            self._map = mmap.mmap(self.descriptor, nbytes)

    def view(self, start: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """See part of the region, from byte `start` on, as an array."""
        return np.frombuffer(self._map, dtype, prod(shape), start).reshape(shape)

    def put(self, data: memoryview) -> None:
        """Copy bytes in."""
        np.frombuffer(self._map, np.uint8)[:] = data

    def let_go(self) -> None:
        """Close the descriptor; the memory goes with the last array that lies in it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Hand(Closing):
    """One end of what hands regions over; use as a context, or `close` it.

    Parameters
    ----------
    end
        The socket's end; None on Windows, where names are enough.
    """

    def __init__(self, end: socket.socket | None) -> None:
        self._end = end
        if end is not None:
            end.settimeout(_WAIT_S)

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors a child process has to inherit."""
        return () if self._end is None else (self._end.fileno(),)

    def close(self) -> None:
        """Let go of this end."""
        if self._end is not None:
            self._end.close()

    def give(self, regions: Sequence[Region]) -> list[tuple[str, int]]:
        """Hand regions over; the answer tells the other side what to `take`."""
        if self._end is not None and sys.platform != "win32":
            for region in regions:
                socket.send_fds(self._end, [b"."], [region.descriptor])
        return [(region.name, region.nbytes) for region in regions]

    def take(self, given: Sequence[tuple[str, int]]) -> list[mmap.mmap]:
        """Map regions that were handed over, for reading.

        Raises
        ------
        ReadError
            They do not arrive.
        """
        return [self._map(name, nbytes) for name, nbytes in given]

    def _map(self, name: str, nbytes: int) -> mmap.mmap:
        if sys.platform == "win32":
            return mmap.mmap(-1, nbytes, tagname=name, access=mmap.ACCESS_READ)
        assert self._end is not None
        try:
            _, descriptors, _, _ = socket.recv_fds(self._end, 1, 1)
        except OSError as fault:
            raise ReadError("the voxels that were read did not arrive; try again") from fault
        if not descriptors:
            raise ReadError("the voxels that were read did not arrive; try again")
        try:
            return mmap.mmap(descriptors[0], nbytes, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptors[0])


def hands() -> tuple[Hand, Hand]:
    """Make both ends, for a parent and its child."""
    if sys.platform == "win32":
        return Hand(None), Hand(None)
    ours, theirs = socket.socketpair()
    return Hand(ours), Hand(theirs)


def inherited_hand(descriptors: Sequence[str]) -> Hand:
    """Take up, in the child, the end its parent made for it."""
    return Hand(socket.socket(fileno=int(descriptors[0])) if descriptors else None)


def _anonymous_file(nbytes: int) -> int:
    """Make a file without a name, of that size."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("volume", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, nbytes)
    return descriptor
