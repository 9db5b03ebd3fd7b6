"""Volumes in dask arrays, larger than memory: a slab is read and fused when the result is read.

dask comes with napari and is imported only when somebody hands us an array of it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.slab import Stack

Pieces = Callable[[Sequence[NDArray[Any]]], Iterator[tuple[slice, Stack]]]
"""Measured slices, k arrays (n, h, w), in; their parts, a few slices at a time, out."""

Judge = Callable[[Stack], Stack]
"""Parts (k, n, h, w) in, what is asked of them (count, n, h, w) out."""


def is_lazy(array: Any) -> bool:
    """Whether an array is a dask array, by dask's own protocol and without importing it."""
    return hasattr(array, "__dask_graph__")


def chunks(array: Any, axis: int) -> tuple[int, ...]:
    """Give the lengths of a dask array's chunks along the slice axis."""
    lengths: tuple[int, ...] = tuple(int(n) for n in array.chunks[axis])
    return lengths


def deferred(pieces: Pieces, judge: Judge, count: int, arrays: Sequence[Any], axis: int) -> Any:
    """Make a dask array (count, *shape), one chunk a slab, of what `judge` makes of the parts.

    Slabs are the chunks of the first array along `axis`; every slice is held whole, because a
    method sees whole slices.
    """
    import dask.array as da

    slabs = tuple(chunks(arrays[0], axis) if a == axis else -1 for a in range(3))
    cut = [array.rechunk(slabs) for array in arrays]
    return da.map_blocks(
        partial(_block, pieces=pieces, judge=judge, count=count, axis=axis),
        *cut,
        new_axis=0,
        chunks=((count,), *cut[0].chunks),
        dtype=np.float32,
        meta=np.empty((0,) * 4, np.float32),
    )


def _block(
    *blocks: NDArray[Any], pieces: Pieces, judge: Judge, count: int, axis: int
) -> NDArray[np.float32]:
    made = np.empty((count, *blocks[0].shape), np.float32)
    turned = np.moveaxis(made, axis + 1, 1)
    for piece, parts in pieces([np.moveaxis(block, axis, 0) for block in blocks]):
        turned[:, piece] = judge(parts)
    return made
