"""A fusion request, checked, and carried out slab by slab on every core."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import isfinite, prod
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError, Progress, expect, silent
from napari_fusion.fusion.lazy import chunks, deferred, is_lazy
from napari_fusion.fusion.registry import Method, lookup
from napari_fusion.remarks import heard
from napari_fusion.slab import Stack, Window, cut, near
from napari_fusion.threads import OPENCV_ALONE, side_by_side
from napari_fusion.volume import JSON, Step, Volume, patients_of

WORKERS = 2
"""Threads that fuse slabs at the same time; the result does not depend on it."""

SLAB_BYTES = 1 << 19
"""Aim for the sources of one slab; what a method needs beside them is a small multiple."""

HUGE_BYTES = 128 << 20
"""Slices whose sources take more than this are fused one at a time, to spare memory."""


@dataclass(frozen=True)
class Kernel:
    """A method with its parameters and windows: what turns measured slices into parts."""

    method: str
    params: dict[str, JSON]
    windows: tuple[Window, ...]

    def __call__(self, slabs: Sequence[NDArray[Any]]) -> Stack:
        """Give the parts (k, n, h, w) of measured slices, k arrays (n, h, w)."""
        shown = np.empty((len(slabs), *slabs[0].shape), np.float32)
        for plane, window, slab in zip(shown, self.windows, slabs, strict=True):
            for rows in near(slab.shape):
                window(slab[:, rows], out=plane[:, rows])
        return lookup(self.method)(shown, **self.params)

    def pieces(self, slabs: Sequence[NDArray[Any]]) -> Iterator[tuple[slice, Stack]]:
        """Give the parts a few slices at a time, so that memory stays small."""
        n, *plane = slabs[0].shape
        for piece in cut(n, _slices(plane, len(slabs))):
            yield piece, self([slab[piece] for slab in slabs])


@dataclass
class Job:
    """A fusion request, checked; runs over slabs."""

    sources: tuple[Volume, ...]
    method: Method
    asked_windows: Sequence[Window | str | None] | None
    asked_axis: int | None
    params: dict[str, JSON]
    digests: dict[str, JSON] = field(init=False)
    doubts: list[str] = field(init=False)
    lost: list[int] = field(init=False)
    axis: int = field(init=False)
    kernel: Kernel = field(init=False)

    def __post_init__(self) -> None:
        """Check the request and fill in its defaults."""
        self.params = self.method.resolve(self.params)
        self.digests = self.method.digests(self.params)
        self.doubts = self.method.doubts(self.params)
        self.lost = [0] * len(self.sources)
        _check_grids(self.sources)
        _check_frames(self.sources)
        self.axis = _checked_axis(self.sources[0], self.asked_axis)
        windows = _checked_windows(self.sources, self.asked_windows)
        self.kernel = Kernel(self.method.name, self.params, windows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of every source and of the result."""
        return self.sources[0].grid.shape

    @property
    def lazy(self) -> bool:
        """Whether every source is a dask array, so that the result can be one."""
        return all(is_lazy(source.array) for source in self.sources)

    def run(self, store: Callable[[slice, Stack], None], progress: Progress | None) -> None:
        """Hand the parts of every slab to `store`, from several threads."""
        report = progress or silent
        runs = self._runs()
        report(0.0, f"fusing with {self.method.title}")

        done = 0

        def work(run: slice) -> tuple[list[int], set[str]]:
            slabs = self._read(run)
            with heard() as said:
                for piece, parts in self.kernel.pieces(slabs):
                    store(slice(run.start + piece.start, run.start + piece.stop), parts)
            return [_not_finite(slab) for slab in slabs], said

        def count(result: tuple[list[int], set[str]]) -> None:
            nonlocal done
            lost, said = result
            done += 1
            self.lost = [a + b for a, b in zip(self.lost, lost, strict=True)]
            self.doubts += sorted(said.difference(self.doubts))
            report(done / len(runs), f"fused {done} of {len(runs)} slabs")

        with OPENCV_ALONE:
            side_by_side(work, runs, self._workers(len(runs)), count)

    def parts_of(self, index: int) -> Stack:
        """Give the parts (k, 1, h, w) of one slice alone."""
        expect(Integral, index=index)
        length = self.shape[self.axis]
        if not 0 <= index < length:
            raise ParameterError(
                f"there is no slice {index} along axis {self.axis}: it runs from 0 to {length - 1}"
            )
        return self.kernel(self._read(slice(index, index + 1)))

    def deferred(self, judge: Callable[[Stack], Stack], count: int) -> Any:
        """Make a dask array (count, *shape) of what `judge` makes of the parts, when it is read."""
        arrays = [source.array for source in self.sources]
        return deferred(self.kernel.pieces, judge, count, arrays, self.axis)

    def _workers(self, runs: int) -> int:
        slice_bytes = 4 * len(self.sources) * int(np.prod(np.delete(self.shape, self.axis)))
        most = WORKERS if slice_bytes <= HUGE_BYTES else 1
        return max(1, min(most, os.cpu_count() or 1, runs))

    def _runs(self) -> list[slice]:
        """Cut the slices into runs that are read at once: the chunks of a dask array, if any."""
        length = self.shape[self.axis]
        for source in self.sources:
            if is_lazy(source.array):
                ends = np.cumsum(chunks(source.array, self.axis)).tolist()
                return [slice(a, b) for a, b in pairwise([0, *ends])]
        plane = np.delete(self.shape, self.axis)
        return list(cut(length, _slices(plane, len(self.sources))))

    def _read(self, run: slice) -> list[NDArray[Any]]:
        """Read a run of slices (n, h, w) of every source, as measured."""
        where = (slice(None),) * self.axis + (run,)
        across = (self.axis, *(axis for axis in range(3) if axis != self.axis))
        return [np.asarray(source.array[where]).transpose(across) for source in self.sources]

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
        several = len(patients_of(self.sources)) > 1
        mixed = ["the sources are known to show different patients"] if several else []
        return (*self.doubts, *mixed, *self._gaps)

    @property
    def _gaps(self) -> list[str]:
        """Say what was not finite: counted, or where nothing has been read yet that it may be."""
        if self.lazy and any(np.issubdtype(s.array.dtype, np.inexact) for s in self.sources):
            return ["voxels of the sources that are not finite, if there are any, count as empty"]
        names = [source.name or f"source {n}" for n, source in enumerate(self.sources, start=1)]
        return [
            f"{lost} voxels of {name} were not finite: they count as empty"
            for name, lost in zip(names, self.lost, strict=True)
            if lost
        ]

    def _volume(self, array: NDArray[np.float32], modality: Any, name: str, verb: str) -> Volume:
        asked: dict[str, JSON] = {
            "method": self.method.name,
            "params": self.params,
            "windows": [[window.lower, window.upper] for window in self.kernel.windows],
            "axis": self.axis,
            **({"sha256": self.digests} if self.digests else {}),
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
    for number, source in enumerate(sources, start=1):
        expect(Volume, **{f"source {number}": source})
        if source.modality == "LABEL":
            raise ParameterError(
                f"source {number} holds labels, whose numbers are no brightness: fuse the volume "
                "they were drawn on"
            )
    first = sources[0].grid
    for number, source in enumerate(sources[1:], start=2):
        first.must_match(source.grid, "source 1", f"source {number}")


def _check_frames(sources: tuple[Volume, ...]) -> None:
    """Refuse coordinates that cannot be compared, unless somebody said how they relate."""
    unplaced = [
        (number, source)
        for number, source in enumerate(sources, start=1)
        if source.frame_uid is not None and not _placed(source)
    ]
    for (number, one), (other_number, other) in combinations(unplaced, 2):
        if one.frame_uid != other.frame_uid:
            raise GeometryError(
                f"source {number} and source {other_number} lie in different frames of reference, "
                "so equal coordinates are not equal places: align them and resample one with the "
                "alignment, or say that their coordinates agree with "
                "resample(source, grid, Alignment.identity(grid, source.grid))"
            )


def _placed(source: Volume) -> bool:
    """Whether an alignment, be it the identity, put the source where it lies."""
    return any(step.name == "resample" and "matrix" in step.parameters for step in source.history)


def _checked_axis(first: Volume, axis: int | None) -> int:
    if axis is None:
        return first.grid.slice_axis
    if axis not in (0, 1, 2):
        raise ParameterError(f"axis is 0, 1 or 2, not {axis!r}")
    return int(axis)


def _checked_windows(
    sources: tuple[Volume, ...], windows: Sequence[Window | str | None] | None
) -> tuple[Window, ...]:
    """Give each source's window: the one asked for, or what a reader of its modality expects."""
    if windows is None:
        windows = [None] * len(sources)
    expect(Sequence, windows=windows)
    if isinstance(windows, str):
        raise ParameterError(f"windows is one for each source, such as [{windows!r}, None]")
    if len(windows) != len(sources):
        raise ParameterError(
            f"there are {len(sources)} sources and {len(windows)} windows: give one each"
        )
    return tuple(source.window(w) for w, source in zip(windows, sources, strict=True))


def _agreed(values: list[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _not_finite(slab: NDArray[Any]) -> int:
    if slab.dtype.kind not in "fc" or (isfinite(slab.min()) and isfinite(slab.max())):
        return 0
    return slab.size - int(np.count_nonzero(np.isfinite(slab)))


def _slices(plane: Any, count: int) -> int:
    """Say how many slices of `count` sources make a slab."""
    return max(1, SLAB_BYTES // max(4 * count * int(prod(plane)), 1))
