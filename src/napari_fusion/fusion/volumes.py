"""Fuse volumes and single slices, and say what each source gave."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import Progress, expect
from napari_fusion.fusion.job import Job
from napari_fusion.fusion.registry import lookup
from napari_fusion.fusion.rules import proportional
from napari_fusion.slab import Slab, Stack, Window
from napari_fusion.volume import JSON, Volume


def fuse(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    windows: Sequence[Window | str | None] | None = None,
    axis: int | None = None,
    progress: Progress | None = None,
    **params: JSON,
) -> Volume:
    """Fuse volumes on one grid into one picture.

    Parameters
    ----------
    sources
        One volume or more, all on the same grid (`resample` brings them there). Voxels that are not
        finite count as empty. Sources in dask arrays are read slab by slab, a chunk at a time.
    method
        A name from `methods`.
    windows
        One per source: the measured values shown from black to white, as for `Volume.window`. By
        default, and where one is None, what a reader of that modality expects.
    axis
        The array axis across slices; by default a single slice's own, or the coarsest one.
    progress
        Called after every slab; may raise `Cancelled`.
    **params
        The method's own keywords.

    Returns
    -------
    Volume
        Modality "FUSED", float32 in [0, 1], unit "1": brightness, not a measured quantity. When all
        sources are dask arrays so is the result: each slab is fused when it is read, and `progress`
        is not called.

    Raises
    ------
    GeometryError
        The grids differ, or two sources name different frames of reference and no alignment was
        used to resample one of them.
    ParameterError
        Unknown method, parameter or axis, not one window per source, or a source holds labels.
    MissingExtra, CheckpointError
        The method `cnn` without torch, or with a network's file that is damaged.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fusion import Grid, Volume, Window
    >>> grid = Grid.regular((1, 1, 2))
    >>> a = Volume(np.array([[[0, 50]]]), grid)
    >>> b = Volume(np.array([[[25, 0]]]), grid)
    >>> fuse([a, b], "maximum", windows=[Window(lower=0, upper=100)] * 2).array
    array([[[0.25, 0.5 ]]], dtype=float32)
    """
    job = _job(sources, method, windows, axis, params)
    if job.lazy:
        return job.fused(job.deferred(_sums, 1)[0])
    fused = np.empty(job.shape, np.float32)
    slices = np.moveaxis(fused, job.axis, 0)

    def store(slab: slice, parts: Stack) -> None:
        _sum(parts, slices[slab])

    job.run(store, progress)
    return job.fused(fused)


def attribution(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    windows: Sequence[Window | str | None] | None = None,
    axis: int | None = None,
    progress: Progress | None = None,
    **params: JSON,
) -> list[Volume]:
    """Say which share of every fused voxel is from each source; arguments and errors as for `fuse`.

    Returns
    -------
    list of Volume
        One per source, float32 in [0, 1], summing to 1 at every voxel; see `shares`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fusion import Grid, Volume, Window
    >>> grid = Grid.regular((1, 1, 3))
    >>> a = Volume(np.array([[[0, 50, 50]]]), grid)
    >>> b = Volume(np.array([[[25, 0, 50]]]), grid)
    >>> attribution([a, b], "average", windows=[Window(lower=0, upper=100)] * 2)[0].array
    array([[[0. , 1. , 0.5]]], dtype=float32)
    """
    return fuse_with_shares(
        sources, method, windows=windows, axis=axis, progress=progress, **params
    )[1]


def fuse_with_shares(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    windows: Sequence[Window | str | None] | None = None,
    axis: int | None = None,
    progress: Progress | None = None,
    **params: JSON,
) -> tuple[Volume, list[Volume]]:
    """Fuse and attribute in one pass; arguments and errors as for `fuse`."""
    job = _job(sources, method, windows, axis, params)
    if job.lazy:
        both = job.deferred(_sums_and_shares, 1 + len(job.sources))
        return job.fused(both[0]), [job.share(i, both[i + 1]) for i in range(len(job.sources))]
    fused = np.empty(job.shape, np.float32)
    given = [np.empty(job.shape, np.float32) for _ in job.sources]
    slices, *shared = (np.moveaxis(array, job.axis, 0) for array in (fused, *given))

    def store(slab: slice, parts: Stack) -> None:
        _sum(parts, slices[slab])
        for array, share in zip(shared, shares(parts), strict=True):
            array[slab] = share

    job.run(store, progress)
    return job.fused(fused), [job.share(i, array) for i, array in enumerate(given)]


def fuse_slice(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    index: int,
    axis: int | None = None,
    windows: Sequence[Window | str | None] | None = None,
    **params: JSON,
) -> NDArray[np.float32]:
    """Fuse one slice alone, as for a preview: to the bit the slice of the whole volume's fusion.

    Parameters
    ----------
    index
        Which slice along `axis`, from 0.
    sources, method, axis, windows, **params
        As for `fuse`. Give `windows` where many slices are fused one by one: the default ones are
        found anew from the whole volume each time.

    Returns
    -------
    ndarray
        (h, w) float32 in [0, 1]: the rows and columns are the other two array axes, in order.

    Raises
    ------
    GeometryError, MissingExtra, CheckpointError
        As for `fuse`.
    ParameterError
        As for `fuse`, or there is no such slice.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fusion import Grid, Volume
    >>> grid = Grid.regular((3, 4, 5))
    >>> a, b = (Volume(np.random.default_rng(i).random((3, 4, 5)), grid) for i in (0, 1))
    >>> np.array_equal(fuse_slice([a, b], index=2, axis=0), fuse([a, b], axis=0).array[2])
    True
    """
    return fuse_slice_with_shares(
        sources, method, index=index, axis=axis, windows=windows, **params
    )[0]


def fuse_slice_with_shares(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    index: int,
    axis: int | None = None,
    windows: Sequence[Window | str | None] | None = None,
    **params: JSON,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fuse and attribute one slice; arguments and errors as for `fuse_slice`.

    Returns
    -------
    tuple of ndarray
        The fused slice (h, w) and the shares of its k sources (k, h, w), summing to 1.
    """
    job = _job(sources, method, windows, axis, params)
    parts = job.parts_of(index)
    return _sum(parts)[0], shares(parts)[:, 0]


def shares(parts: Stack) -> Stack:
    """Turn parts into shares: how much each source had to say at every pixel.

    A source's share is the magnitude of its part over the magnitudes of all parts. Parts can be
    negative, where a source darkens the picture; that counts as much as brightening it. Where
    every part is zero there is nothing to attribute: the pixel is shared equally by the sources
    that gave anything in the slice, or by all when the slice is empty.

    Parameters
    ----------
    parts
        (k, n, h, w) as a method returns them.

    Returns
    -------
    Stack
        (k, n, h, w) float32 in [0, 1] that sum to 1 over the sources.
    """
    magnitude: Stack = np.abs(parts)
    total: Stack = magnitude.sum(axis=0, keepdims=True)
    equal = proportional(magnitude.max(axis=(2, 3), keepdims=True, initial=0) > 0)
    np.divide(magnitude, total, out=magnitude, where=total > 0)
    np.copyto(magnitude, equal, where=total == 0)
    return magnitude


def _sum(parts: Stack, out: Slab | None = None) -> Slab:
    two = len(parts) == 2  # the common case, in one pass less
    fused: Slab = parts[0] + parts[1] if two else parts.sum(axis=0)
    return np.clip(fused, 0, 1, out=fused if out is None else out)


def _sums(parts: Stack) -> Stack:
    return _sum(parts)[None]


def _sums_and_shares(parts: Stack) -> Stack:
    return np.concatenate([_sums(parts), shares(parts)])


def _job(
    sources: Sequence[Volume],
    method: str,
    windows: Sequence[Window | str | None] | None,
    axis: int | None,
    params: dict[str, JSON],
) -> Job:
    expect(Iterable, sources=sources)
    expect(str, method=method)
    return Job(tuple(sources), lookup(method), windows, axis, params)
