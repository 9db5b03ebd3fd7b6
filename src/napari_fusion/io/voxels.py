"""The one way voxels enter: scaled to float32, put in canonical order, checked as they come."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.grid import Grid
from napari_fusion.io.budget import check_volume
from napari_fusion.io.workspace import Order, Scale, workspace

EXACT = 2**24
"""float32 holds every integer up to this one."""

LISTED, READ = 0.3, 0.9
"""Of the progress of loading: after listing the files, and after reading their voxels."""


class Voxels:
    """A float32 array in canonical order (S, P, L), filled in the order of the file.

    Axes are permuted and flipped while the slices are copied in, so that reordering costs neither
    time nor a second array.

    Parameters
    ----------
    grid
        The grid in the order of the file, slowest axis first.
    name
        The file's name, for messages.
    final
        Whether the array is passed on as it is; only then may another process hold it.

    Raises
    ------
    ReadError
        The volume is larger than the budget.
    """

    def __init__(self, grid: Grid, name: str, *, final: bool = False) -> None:
        check_volume(grid.shape, name)
        self.file_shape = grid.shape
        axes, flips = grid.canonical_order()
        self.grid = grid.reordered(axes, flips)
        order = Order(self.grid.shape, axes, flips)
        self._place = workspace()
        self._place.expect(4 * prod(grid.shape))
        self._sink = self._place.stream(order) if final else None
        if self._sink is None:
            self.array: NDArray[np.float32] = np.empty(self.grid.shape, np.float32)
            self._in_file_order = order.seen_from_file(self.array)
        else:
            self.array = self._sink.array
        self._name = name
        self._not_finite = 0
        self._rounded = 0
        self._padding = 0

    def put(
        self,
        start: int,
        raw: NDArray[Any],
        slope: float = 1.0,
        intercept: float = 0.0,
        padding: tuple[float, float, float] | None = None,
    ) -> None:
        """Copy slices in, from number `start` on: ``raw * slope + intercept`` in float32.

        Parameters
        ----------
        start
            Index of the first slice, along axis 0 in the order of the file.
        raw
            (n, rows, columns) stored values of any real type.
        slope, intercept
            The rescale of these slices.
        padding
            Lowest and highest stored value that mean "nothing here", and the value put instead.

        Raises
        ------
        ReadError
            A value does not fit in float32.
        """
        while len(raw):
            if self._sink is None:
                target = self._in_file_order[start : start + len(raw)]
                count = self._convert(target, raw, slope, intercept, padding)
            elif raw.dtype.kind in "iu" and raw.dtype.itemsize <= 2 and padding is None:
                # nothing to check: half the bytes to pass on, and scaled where they arrive
                stored = raw.dtype.newbyteorder("=").str
                target = self._sink.stage(start, len(raw), Scale(stored, slope, intercept))
                count = len(target)
                np.copyto(target, raw[:count])
                self._sink.deliver()
            else:
                target = self._sink.stage(start, len(raw), Scale())
                count = self._convert(target, raw[: len(target)], slope, intercept, padding)
                self._sink.deliver()
            start, raw = start + count, raw[count:]
            done = start / self.file_shape[0]
            self._place.tell(LISTED + (READ - LISTED) * done, "reading voxels")

    def _convert(
        self,
        target: NDArray[np.float32],
        raw: NDArray[Any],
        slope: float,
        intercept: float,
        padding: tuple[float, float, float] | None,
    ) -> int:
        """Scale and check slices; give how many."""
        rescale(target, raw, slope, intercept)
        if raw.dtype.kind == "f":
            self._check_finite(target, raw)
        elif raw.dtype.itemsize > 2 and raw.size:
            extremes = max(abs(int(raw.min())), abs(int(raw.max())))
            if extremes > EXACT:
                self._rounded += int(np.count_nonzero(np.abs(raw.astype(np.float64)) > EXACT))
        if padding is not None:
            self._fill_padding(target, raw, padding)
        return len(target)

    @property
    def warnings(self) -> list[str]:
        """What was found in the values, in plain sentences."""
        found = []
        if self._not_finite:
            found.append(
                f"voxels that are not a finite number, kept as NaN (no value): {self._not_finite}"
            )
        if self._rounded:
            found.append(f"voxels beyond {EXACT}, rounded to 32-bit numbers: {self._rounded}")
        if self._padding:
            found.append(f"padding voxels, set to the background: {self._padding}")
        return found

    def _check_finite(self, target: NDArray[np.float32], raw: NDArray[Any]) -> None:
        finite = np.isfinite(target)
        if finite.all():
            return
        if raw.dtype.itemsize > 4 and np.isfinite(raw[~finite]).any():
            raise ReadError(f"{self._name} holds values too large for 32-bit numbers")
        target[~finite] = np.nan
        self._not_finite += int(finite.size - np.count_nonzero(finite))

    def _fill_padding(
        self,
        target: NDArray[np.float32],
        raw: NDArray[Any],
        padding: tuple[float, float, float],
    ) -> None:
        low, high, background = padding
        where = (raw >= low) & (raw <= high) & (target != np.float32(background))
        count = int(np.count_nonzero(where))
        if count:
            target[where] = background
            self._padding += count


def rescale(target: NDArray[np.float32], raw: NDArray[Any], slope: float, intercept: float) -> None:
    """Write ``raw * slope + intercept``, rounded once."""
    with np.errstate(over="ignore", invalid="ignore"):
        if slope == 1 and intercept == 0:
            np.copyto(target, raw, casting="unsafe")
        elif slope == 1 and intercept == int(intercept) and raw.dtype.itemsize <= 2:
            np.add(raw, np.float32(intercept), out=target, dtype=np.float32, casting="unsafe")
        else:
            np.copyto(target, raw.astype(np.float64) * slope + intercept, casting="unsafe")
