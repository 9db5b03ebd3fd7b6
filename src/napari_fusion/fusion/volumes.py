"""Fuse whole volumes, slab by slab on every core, and say what each source gave."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError, Progress, silent
from napari_fusion.fusion.registry import Method, lookup
from napari_fusion.fusion.rules import proportional
from napari_fusion.slab import Slab, Stack, Window, cut, default_window
from napari_fusion.volume import JSON, Step, Volume

WORKERS = 2
"""Threads that fuse slabs at the same time; the result does not depend on it."""

SLAB_BYTES = 2 << 20
"""Aim for the sources of one slab; what a method needs beside them is a small multiple."""


def fuse(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    windows: Sequence[Window] | None = None,
    axis: int | None = None,
    progress: Progress | None = None,
    **params: JSON,
) -> Volume:
    """Fuse volumes on one grid into one picture.

    Parameters
    ----------
    sources
        One volume or more, all on the same grid (`resample` brings them there). Voxels that are not
        finite count as empty.
    method
        A name from `methods`.
    windows
        One per source: the measured values shown from black to white. By default what a reader
        of that modality expects (`slab.default_window`).
    axis
        The array axis across slices; by default the coarsest one.
    progress
        Called after every slab; may raise `Cancelled`.
    **params
        The method's own keywords.

    Returns
    -------
    Volume
        Modality "FUSED", float32 in [0, 1], unit "1": brightness, not a measured quantity.

    Raises
    ------
    GeometryError
        The grids differ.
    ParameterError
        Unknown method, parameter or axis, or not one window per source.

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
    job = _Job(tuple(sources), lookup(method), windows, axis, params)
    fused = np.empty(job.shape, np.float32)
    job.run(lambda slab, parts: _store(fused, job.axis, slab, _sum(parts)), progress)
    return job.fused(fused)


def attribution(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    windows: Sequence[Window] | None = None,
    axis: int | None = None,
    progress: Progress | None = None,
    **params: JSON,
) -> list[Volume]:
    """Say which share of every fused voxel came from each source; arguments as for `fuse`.

    Returns
    -------
    list of Volume
        One per source, float32 in [0, 1], summing to 1 at every voxel; see `shares`.
    """
    return fuse_with_shares(
        sources, method, windows=windows, axis=axis, progress=progress, **params
    )[1]


def fuse_with_shares(
    sources: Sequence[Volume],
    method: str = "laplacian",
    *,
    windows: Sequence[Window] | None = None,
    axis: int | None = None,
    progress: Progress | None = None,
    **params: JSON,
) -> tuple[Volume, list[Volume]]:
    """Fuse and attribute in one pass; arguments and errors as for `fuse`."""
    job = _Job(tuple(sources), lookup(method), windows, axis, params)
    fused = np.empty(job.shape, np.float32)
    given = [np.empty(job.shape, np.float32) for _ in job.sources]

    def store(slab: slice, parts: Stack) -> None:
        _store(fused, job.axis, slab, _sum(parts))
        for array, share in zip(given, shares(parts), strict=True):
            _store(array, job.axis, slab, share)

    job.run(store, progress)
    return job.fused(fused), [job.share(i, array) for i, array in enumerate(given)]


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


@dataclass
class _Job:
    """A fusion request, checked; runs over slabs."""

    sources: tuple[Volume, ...]
    method: Method
    asked_windows: Sequence[Window] | None
    asked_axis: int | None
    params: dict[str, JSON]
    windows: tuple[Window, ...] = field(init=False)
    axis: int = field(init=False)

    def __post_init__(self) -> None:
        self.params = self.method.resolve(self.params)
        _check_grids(self.sources)
        self.axis = _checked_axis(self.sources[0], self.asked_axis)
        self.windows = _checked_windows(self.sources, self.asked_windows)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.sources[0].grid.shape

    def run(self, store: Callable[[slice, Stack], None], progress: Progress | None) -> None:
        """Hand the parts of every slab to `store`, from several threads."""
        report = progress or silent
        length = self.shape[self.axis]
        plane = 4 * len(self.sources) * int(np.prod(self.shape)) // length
        slabs = list(cut(length, max(1, SLAB_BYTES // max(plane, 1))))
        report(0.0, f"fusing with {self.method.title}")

        def work(slab: slice) -> None:
            store(slab, self.method(self._stack(slab), **self.params))

        with _one_thread_each(), ThreadPoolExecutor(_workers(len(slabs))) as pool:
            pending = [pool.submit(work, slab) for slab in slabs]
            try:
                for done, future in enumerate(as_completed(pending), start=1):
                    future.result()
                    report(done / len(slabs), f"fused {done} of {len(slabs)} slabs")
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _stack(self, slab: slice) -> Stack:
        return np.stack(
            [
                window(np.asarray(np.moveaxis(source.array, self.axis, 0)[slab]))
                for source, window in zip(self.sources, self.windows, strict=True)
            ]
        )

    def fused(self, array: NDArray[np.float32]) -> Volume:
        return self._volume(array, "FUSED", "fused", "fuse")

    def share(self, index: int, array: NDArray[np.float32]) -> Volume:
        source = self.sources[index]
        name = f"share of {source.name or source.modality}"
        return self._volume(array, "OTHER", name, "attribution")

    @property
    def _warnings(self) -> tuple[str, ...]:
        return (self.method.caution,) if self.method.caution else ()

    def _volume(self, array: NDArray[np.float32], modality: Any, name: str, verb: str) -> Volume:
        asked: dict[str, JSON] = {
            "method": self.method.name,
            "params": self.params,
            "windows": [[window.lower, window.upper] for window in self.windows],
            "axis": self.axis,
        }
        return Volume(
            array,
            self.sources[0].grid,
            modality=modality,
            frame_uid=_agreed([source.frame_uid for source in self.sources]),
            history=(
                *(_line(source) for source in self.sources),
                Step(verb, asked, self._warnings),
            ),
            patient=_agreed([source.patient for source in self.sources]),
            name=name,
        )


def _line(source: Volume) -> Step:
    """Put a source's history into one step, warnings on top."""
    told: dict[str, JSON] = {
        "name": source.name,
        "modality": source.modality,
        "unit": source.unit,
        "history": [step.to_json() for step in source.history],
    }
    return Step("source", told, source.warnings)


def _check_grids(sources: tuple[Volume, ...]) -> None:
    if not sources:
        raise ParameterError("fusion needs at least one source")
    first = sources[0].grid
    for number, source in enumerate(sources[1:], start=2):
        if not first.matches(source.grid):
            raise GeometryError(
                f"source 1 has {first.describe()}, source {number} has {source.grid.describe()}: "
                f"{_difference(sources[0], source)}; resample them to one grid first"
            )


def _difference(a: Volume, b: Volume) -> str:
    if a.grid.shape != b.grid.shape:
        return "their shapes differ"
    gap = np.linalg.norm(a.grid.corners - b.grid.corners, axis=1).max()
    return f"their corners lie up to {gap:.3g} mm apart"


def _checked_axis(first: Volume, axis: int | None) -> int:
    if axis is None:
        return first.grid.slice_axis
    if axis not in (0, 1, 2):
        raise ParameterError(f"axis is 0, 1 or 2, not {axis!r}")
    return int(axis)


def _checked_windows(
    sources: tuple[Volume, ...], windows: Sequence[Window] | None
) -> tuple[Window, ...]:
    if windows is None:
        return tuple(default_window(s.array, s.modality, s.unit) for s in sources)
    if len(windows) != len(sources):
        raise ParameterError(
            f"there are {len(sources)} sources and {len(windows)} windows: give one each"
        )
    return tuple(windows)


def _agreed(values: list[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _sum(parts: Stack) -> Slab:
    fused: Slab = parts.sum(axis=0)
    return np.clip(fused, 0, 1, out=fused)


def _store(array: NDArray[np.float32], axis: int, slab: slice, values: Slab) -> None:
    np.moveaxis(array, axis, 0)[slab] = values


def _workers(jobs: int) -> int:
    return max(1, min(WORKERS, os.cpu_count() or 1, jobs))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own inside ours."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
