"""A fusion request, checked, and carried out slab by slab on every core."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError, Progress, silent
from napari_fusion.fusion.registry import Method
from napari_fusion.slab import Stack, Window, cut, default_window
from napari_fusion.volume import JSON, Step, Volume

WORKERS = 2
"""Threads that fuse slabs at the same time; the result does not depend on it."""

SLAB_BYTES = 2 << 20
"""Aim for the sources of one slab; what a method needs beside them is a small multiple."""


@dataclass
class Job:
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
        """The shape of every source and of the result."""
        return self.sources[0].grid.shape

    def run(self, store: Callable[[slice, Stack], None], progress: Progress | None) -> None:
        """Hand the parts of every slab to `store`, from several threads."""
        report = progress or silent
        length = self.shape[self.axis]
        plane = 4 * len(self.sources) * int(np.prod(self.shape)) // length
        slabs = list(cut(length, max(1, SLAB_BYTES // max(plane, 1))))
        report(0.0, f"fusing with {self.method.title}")

        def work(slab: slice) -> None:
            store(slab, self.parts(slab))

        with _one_thread_each(), ThreadPoolExecutor(_workers(len(slabs))) as pool:
            pending = [pool.submit(work, slab) for slab in slabs]
            try:
                for done, future in enumerate(as_completed(pending), start=1):
                    future.result()
                    report(done / len(slabs), f"fused {done} of {len(slabs)} slabs")
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def parts(self, slab: slice) -> Stack:
        """Give the parts (k, n, h, w) of a run of slices."""
        return self.method(self._stack(slab), **self.params)

    def only(self, index: int) -> slice:
        """Give the run that holds one slice alone."""
        length = self.shape[self.axis]
        if not 0 <= index < length:
            raise ParameterError(
                f"there is no slice {index} along axis {self.axis}: it runs from 0 to {length - 1}"
            )
        return slice(index, index + 1)

    def _stack(self, slab: slice) -> Stack:
        return np.stack(
            [
                window(np.asarray(np.moveaxis(source.array, self.axis, 0)[slab]))
                for source, window in zip(self.sources, self.windows, strict=True)
            ]
        )

    def fused(self, array: NDArray[np.float32]) -> Volume:
        """Make the fused picture a volume with its history."""
        return self._volume(array, "FUSED", "fused", "fuse")

    def share(self, index: int, array: NDArray[np.float32]) -> Volume:
        """Make the share of one source a volume with its history."""
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
