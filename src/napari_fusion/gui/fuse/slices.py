"""A picture as arrays whose slices are made when they are read.

napari asks an array for the slice it shows, so a picture can never stand on another slice's place,
whatever the plane and the canvas; and nothing is made that nobody looks at.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from napari_fusion.fusion import fuse_slice_with_shares
from napari_fusion.gui.actions import Fusing
from napari_fusion.slab import Window
from napari_fusion.volume import Volume

KEPT = 24
"""Fused slices that are kept with their shares."""

QUICK_S = 0.04
"""A slice that takes longer is fused beside the window, and is black until it comes."""

Cut = tuple[int, int]
"""Viewer axis across a slice, and its index."""


class SliceMaker(Protocol):
    """Makes slices across any axis."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the viewer's axes."""

    def make(self, cut: Cut) -> NDArray[np.float32]:
        """Give the parts of a slice (k, h, w)."""

    def seen(self, cut: Cut) -> NDArray[np.float32] | None:
        """Do so for the screen; None where it comes later."""


class SliceFuser:
    """Fuses single slices in any plane, and keeps the last ones.

    Parameters
    ----------
    volumes
        The sources on one grid along the viewer's axes.
    asked
        Method, parameters and windows.
    """

    def __init__(self, volumes: Sequence[Volume], asked: Fusing) -> None:
        self._volumes, self._asked = volumes, asked
        self._kept: OrderedDict[Cut, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()
        self._last: dict[int, int] = {}
        self._ahead: tuple[Cut, threading.Thread] | None = None
        self._seconds: dict[int, float] = {}
        self.missed: Callable[[Cut], None] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the viewer's axes."""
        return self._volumes[0].grid.shape

    def is_quick(self, axis: int) -> bool:
        """Whether a slice across an axis takes a window no wait that is felt."""
        return self._seconds.get(axis, max(self._seconds.values(), default=0.0)) <= QUICK_S

    def make(self, cut: Cut) -> NDArray[np.float32]:
        """Give a slice's picture and the share of each source (1 + k, h, w), fused if need be."""
        found = self._find(cut)
        if found is not None:
            return found
        began = time.thread_time()
        axis, index = cut
        picture, shares = fuse_slice_with_shares(
            self._volumes,
            self._asked.method,
            index=index,
            axis=axis,
            windows=[Window(lower=low, upper=high) for low, high in self._asked.windows or ()],
            **self._asked.params,
        )
        made = np.concatenate([picture[None], shares])
        with self._lock:
            self._seconds[axis] = time.thread_time() - began
            self._kept[cut] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def seen(self, cut: Cut) -> NDArray[np.float32] | None:
        """Give a slice as `make` does, or None, and say that it is missed, where that is slow."""
        if self._ahead is not None and self._ahead[0] == cut:
            self._ahead[1].join()
        found = self._find(cut)
        if self.missed is None:
            return self.make(cut)
        if self.is_quick(cut[0]):
            found = self.make(cut)
            self._look_ahead(cut)
        elif found is None:
            self.missed(cut)
        return found

    def _look_ahead(self, cut: Cut) -> None:
        """Fuse the slice that scrolling on would come to, while this one is drawn."""
        axis, index = cut
        step = index - self._last.get(axis, index)
        self._last[axis] = index
        if step == 0:
            return
        following = axis, index + (1 if step > 0 else -1)
        busy = self._ahead is not None and self._ahead[1].is_alive()
        if busy or not 0 <= following[1] < self.shape[axis] or self._find(following) is not None:
            return
        thread = threading.Thread(target=self.make, args=(following,), daemon=False)
        self._ahead = following, thread
        thread.start()

    def __deepcopy__(self, memo: object) -> Self:
        """Give the same slices to a layer that is duplicated."""
        return self

    def _find(self, cut: Cut) -> NDArray[np.float32] | None:
        with self._lock:
            if cut in self._kept:
                self._kept.move_to_end(cut)
            return self._kept.get(cut)


class Slices:
    """(n0, n1, n2) float32 along the viewer's axes: one part of what is made slice by slice.

    Parameters
    ----------
    maker
        Makes a slice when it is read.
    part
        Of a fusion, 0 is the picture, 1 and above are the shares of the sources.
    axis
        A voxel is that of the slice across this axis.
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(self, maker: SliceMaker, part: int = 0, axis: int = 0) -> None:
        self.maker, self._part, self._axis = maker, part, axis

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the viewer's axes."""
        return self.maker.shape

    @property
    def size(self) -> int:
        """How many numbers that is."""
        return int(np.prod(self.shape))

    def across(self, axis: int) -> Slices:
        """Give the same with voxels of the slices across another axis: each plane has its own."""
        return Slices(self.maker, self._part, axis)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        """Give one slice, or a part of it.

        Several slices at once are what the 3-D view asks for, which shows no such picture: black.
        """
        whole = _in_full(key)
        picked = [np.arange(n)[part] for n, part in zip(self.shape, whole, strict=True)]
        axis = self._across(picked)
        if axis is None:
            return np.zeros([n for one in picked for n in one.shape], np.float32)
        index = int(picked[axis].flat[0])
        seen = self.maker.seen((axis, index))
        if seen is None:
            plane = np.zeros([n for i, n in enumerate(self.shape) if i != axis], np.float32)
        else:
            plane = seen[self._part]
        whole[axis] = slice(0, 1) if picked[axis].ndim else 0
        return np.asarray(np.expand_dims(plane, axis)[tuple(whole)])

    def _across(self, picked: Sequence[NDArray[np.intp]]) -> int | None:
        """Say across which axis one slice was asked for: one that was narrowed, before others."""
        single = [axis for axis, one in enumerate(picked) if one.size == 1]
        narrowed = [axis for axis in single if self.shape[axis] > 1 or not picked[axis].ndim]
        found = narrowed or single
        return self._axis if self._axis in found else next(iter(found), None)

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        """Make everything, slice by slice along the first axis."""
        slices = [self.maker.make((0, index))[self._part] for index in range(self.shape[0])]
        return np.asarray(np.stack(slices), dtype=dtype)


def _in_full(key: Any) -> list[Any]:
    """Write an index of an array with three axes out, one part an axis."""
    parts = list(key) if isinstance(key, tuple) else [key]
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    before, after = parts[:at], parts[at + 1 :]
    return [*before, *[slice(None)] * (3 - len(before) - len(after)), *after]
