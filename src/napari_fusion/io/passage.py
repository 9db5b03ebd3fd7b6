"""Both ends of the way by which a volume's slices pass from the worker to its parent.

Fresh shared memory is what costs time in sharing a volume. Slices pass through a few buffers that
both processes see and use again and again, so that only the parent takes memory for the volume,
and it copies while the next slices are read.
"""

from __future__ import annotations

import mmap
import pickle
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.io.budget import check_volume
from napari_fusion.io.shared import Region
from napari_fusion.io.voxels import rescale
from napari_fusion.io.workspace import Order, Scale

SLOTS, SLOT = 4, 2**22
"""So many buffers of so many bytes."""

ELSEWHERE = "voxels"
"""What stands in a message for the array whose slices were sent before it."""


class Passage:
    """The worker's end: a `Sink` for one volume.

    Parameters
    ----------
    ring
        ``SLOTS * SLOT`` bytes.
    order
        Of the volume.
    say
        Sends a message to the parent.
    wait
        Waits for the parent to say which buffer it has emptied.
    """

    def __init__(
        self, ring: Region, order: Order, say: Callable[..., None], wait: Callable[[], int]
    ) -> None:
        self.array = np.broadcast_to(np.float32(np.nan), order.shape)
        self._ring, self._say, self._wait = ring, say, wait
        self._plane = order.plane
        self._free = list(range(SLOTS))
        self._scale = Scale()
        self._slot = -1
        self._start = self._filled = self._staged = 0

    def stage(self, start: int, count: int, scale: Scale) -> NDArray[Any]:
        """Give room in a buffer for slices from `start` on, as many of `count` as it holds."""
        if start != self._start + self._filled or scale != self._scale:
            self.flush()
        if self._slot < 0:
            if not self._free:
                self._free.append(self._wait())
            self._slot, self._start, self._scale = self._free.pop(), start, scale
        self._staged = min(count, self._room - self._filled)
        slices = self._ring.view(self._slot * SLOT, (self._room, *self._plane), scale.stored)
        return slices[self._filled : self._filled + self._staged]

    def deliver(self) -> None:
        """Send the slices last staged, once the buffer is full."""
        self._filled += self._staged
        if self._filled == self._room:
            self.flush()

    def flush(self) -> None:
        """Tell the parent which slices lie in the buffer."""
        if self._filled:
            self._say("slices", self._slot, self._filled, self._start, self._scale)
            self._slot, self._filled = -1, 0

    @property
    def _room(self) -> int:
        """Slices that a buffer holds."""
        return SLOT // (int(self._scale.stored[-1]) * self._plane[0] * self._plane[1])


class Message(pickle.Pickler):
    """Pickles an outcome without the array whose slices were sent before it."""

    def __init__(self, file: IO[bytes], outside: Callable[..., bool], sent: int) -> None:
        super().__init__(file, protocol=5, buffer_callback=outside)
        self._sent = sent

    def persistent_id(self, thing: Any) -> str | None:
        """Name the array that stands for those slices."""
        if isinstance(thing, np.ndarray) and thing.ctypes.data == self._sent:
            return ELSEWHERE
        return None


class Incoming:
    """A volume whose slices arrive.

    Parameters
    ----------
    order
        Its shape and the order of its file.
    name
        The file's name, for messages.
    """

    def __init__(self, order: Order, name: str) -> None:
        check_volume(order.shape, name)
        try:
            self.array = np.empty(order.shape, np.float32)
        except MemoryError as fault:
            raise ReadError(f"there is not enough memory for the voxels of {name}") from fault
        self._in_file_order = order.seen_from_file(self.array)

    def put(self, ring: mmap.mmap, slot: int, count: int, start: int, scale: Scale) -> None:
        """Scale slices from a buffer into their place."""
        target = self._in_file_order[start : start + count]
        stored = np.frombuffer(ring, scale.stored, target.size, slot * SLOT)
        rescale(target, stored.reshape(target.shape), scale.slope, scale.intercept)


class Answer(pickle.Unpickler):
    """Unpickles an outcome whose voxels came before it."""

    def __init__(self, file: BytesIO, buffers: list[mmap.mmap], incoming: Incoming | None) -> None:
        super().__init__(file, buffers=buffers)
        self._incoming = incoming

    def persistent_load(self, name: str) -> Any:
        """Give the voxels, read-only."""
        if name != ELSEWHERE or self._incoming is None:
            raise pickle.UnpicklingError(name)
        self._incoming.array.setflags(write=False)
        return self._incoming.array
