"""Two layers compared, as an array whose slices are drawn when they are read.

napari asks an array for the slice it shows, so a picture can never stand on another slice's place,
whatever the plane and the canvas; and a whole volume of pictures costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError
from napari_fusion.gui.compare.modes import CompareOptions, Mode
from napari_fusion.gui.layers import VOLUME, world_of
from napari_fusion.palette import palette
from napari_fusion.review import (
    Sheet,
    blend,
    checkerboard,
    difference,
    draw,
    edges,
    opaque,
    outlines,
    paint,
    swipe,
    two_colours,
)
from napari_fusion.review.compose import is_b
from napari_fusion.review.paint import Picture
from napari_fusion.slab import Window
from napari_fusion.volume import FUNCTIONAL

KEPT = 8
"""Slices of a source that are kept painted: moving a slider only puts them together anew."""

ROUND = 1e-4
"""Part of a voxel by which two lattices may differ and still be one."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A layer as it is seen now: its voxels by reference, their place, window and colours."""

    name: str
    array: Any
    to_world: NDArray[np.float64]
    window: Window
    colours: NDArray[np.float32]
    gamma: float = 1.0
    functional: bool = False
    labels: bool = False
    kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, layer: Any) -> Seen:
        """Take a layer as it is.

        Raises
        ------
        ParameterError
            It is no volume of single values.
        """
        from napari.layers import Image, Labels

        labels = isinstance(layer, Labels)
        if not (labels or isinstance(layer, Image)) or layer.ndim != 3 or getattr(layer, "rgb", 0):
            raise ParameterError(
                f"{layer.name!r} is no volume of single values: choose an image or labels layer of "
                "three axes"
            )
        array = layer.data[0] if layer.multiscale else layer.data
        volume = layer.metadata.get(VOLUME)
        low, high = (0.0, 1.0) if labels else map(float, layer.contrast_limits)
        return cls(
            str(layer.name),
            array,
            world_of(layer),
            Window(lower=low, upper=high if high > low else low + 1),
            palette("grey") if labels else layer.colormap.map(np.linspace(0, 1, 256)),
            1.0 if labels else float(layer.gamma),
            getattr(volume, "modality", "") in FUNCTIONAL,
            labels,
        )

    def values(self, sheet: Sheet) -> NDArray[np.float32]:
        """Give the measured values on a sheet; NaN where there are none."""
        kept = self._keep(("values", sheet), lambda: sheet.values(self.array, self.to_world))
        return np.asarray(kept, np.float32)

    def picture(self, sheet: Sheet) -> Picture:
        """Give the layer's own colours on a sheet."""
        kept = self._keep(
            ("picture", sheet),
            lambda: paint(self.values(sheet), self.window, self.colours, gamma=self.gamma),
        )
        return np.asarray(kept, np.uint8)

    def alone(self, sheet: Sheet) -> Picture:
        """Give the colours it is read in when nothing is below it: PET and SPECT dark on white."""
        if not self.functional:
            return self.picture(sheet)
        return paint(self.values(sheet), self.window, palette("inverse grey"), gamma=self.gamma)

    def lines(self, sheet: Sheet) -> NDArray[np.bool_]:
        """Find its edges, or the outlines of its labels."""
        values = self.values(sheet)
        if self.labels:
            return outlines(np.rint(np.nan_to_num(values)).astype(np.int64))
        return edges(np.where(np.isfinite(values), self.window(values), np.float32(np.nan)))

    def _keep(self, key: Any, make: Any) -> Any:
        if key not in self.kept:
            while len(self.kept) >= 2 * KEPT:
                self.kept.pop(next(iter(self.kept)), None)
            self.kept[key] = make()
        return self.kept[key]


@dataclass(frozen=True)
class Raster:
    """The lattice of the pictures: as fine as the finer source along each axis, over both."""

    shape: tuple[int, int, int]
    origin: tuple[float, float, float]
    step: tuple[float, float, float]

    @classmethod
    def over(cls, a: Seen, b: Seen) -> Raster:
        """Cover two layers.

        Raises
        ------
        GeometryError
            They have no point in common.
        """
        boxes = [_box(one) for one in (a, b)]
        low = np.max([box[0] for box in boxes], axis=0)
        high = np.min([box[1] for box in boxes], axis=0)
        if (low > high).any():
            raise GeometryError(
                f"{a.name!r} and {b.name!r} have no point in common: align them before comparing"
            )
        step = np.min([_steps(one) for one in (a, b)], axis=0)
        anchor = boxes[0][0] + step / 2  # the first lies on the lattice where it is the finer one
        ahead = np.ceil(
            (anchor - step / 2 - np.min([box[0] for box in boxes], axis=0)) / step - ROUND
        )
        first = anchor - step * ahead
        last = np.max([box[1] for box in boxes], axis=0) - step / 2
        n0, n1, n2 = (int(n) for n in np.ceil((last - first) / step - ROUND) + 1)
        s0, s1, s2 = (float(mm) for mm in step)
        c0, c1, c2 = (float(mm) for mm in first)
        return cls((n0, n1, n2), (c0, c1, c2), (s0, s1, s2))

    def sheet(self, axis: int, index: int) -> Sheet:
        """Give one slice of the lattice."""
        corner = [*self.origin]
        corner[axis] += index * self.step[axis]
        rows, columns = (i for i in range(3) if i != axis)
        return Sheet(
            axis,
            (corner[0], corner[1], corner[2]),
            (self.step[rows], self.step[columns]),
            (self.shape[rows], self.shape[columns]),
        )


@dataclass(frozen=True, eq=False)
class Pictures:
    """(n0, n1, n2, 4) uint8, drawn slice by slice; looks like an array to napari."""

    a: Seen
    b: Seen
    mode: Mode
    options: CompareOptions
    raster: Raster

    dtype = np.dtype(np.uint8)
    ndim = 4

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Voxels along the viewer's axes, and four channels."""
        return (*self.raster.shape, 4)

    @property
    def size(self) -> int:
        """How many numbers that is."""
        return int(np.prod(self.shape))

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Draw what is asked for: one slice, or several of them one after another."""
        asked = _full(key)
        axis = min(range(3), key=lambda i: _count(asked[i], self.shape[i]))
        if isinstance(asked[axis], slice):
            picked = range(*asked[axis].indices(self.shape[axis]))
            length = [*self.shape]
            length[axis] = len(picked)
            drawn = np.zeros(length, np.uint8)
            for place, index in enumerate(picked):
                drawn[(slice(None),) * axis + (place,)] = self.draw(axis, index)
            rest = (*asked[:axis], slice(None), *asked[axis + 1 :])
        else:
            drawn = self.draw(axis, range(self.shape[axis])[asked[axis]])
            rest = (*asked[:axis], *asked[axis + 1 :])
        found: NDArray[np.uint8] = drawn[rest]
        return found

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        """Draw everything, slice by slice."""
        return np.asarray(self[:], dtype=dtype)

    def draw(self, axis: int, index: int) -> Picture:
        """Draw one slice; what no layer covers is black."""
        return opaque(self._composed(self.raster.sheet(axis, index)))

    def owner(self, axis: int, world: NDArray[np.float64]) -> str:
        """Name the layer whose picture is at a point (3,) in viewer mm, seen across an axis.

        Both names where both are mixed; nothing outside the pictures.
        """
        rows, columns = (i for i in range(3) if i != axis)
        index = np.round((world - self.raster.origin) / self.raster.step).astype(int)
        if (index < 0).any() or (index >= self.raster.shape).any():
            return ""
        sheet, asked = self.raster.sheet(axis, int(index[axis])), self.options
        row, column = int(index[rows]), int(index[columns])
        if self.mode in {Mode.A, Mode.B}:
            return (self.a if self.mode is Mode.A else self.b).name
        if self.mode is Mode.CHECKERBOARD:
            odd = is_b(sheet.shape, asked.size_mm, sheet.pixel_mm)[row, column]
            return (self.b if odd else self.a).name
        if self.mode is Mode.SWIPE:
            place, length = (
                (column, sheet.shape[1])
                if asked.direction == "left-right"
                else (row, sheet.shape[0])
            )
            return (self.a if place < round(asked.position * length) else self.b).name
        if self.mode is Mode.EDGES:
            return f"{self.b.name}, with edges of {self.a.name}"
        return f"{self.a.name} and {self.b.name}"

    def _composed(self, sheet: Sheet) -> Picture:
        a, b, asked = self.a, self.b, self.options
        if self.mode is Mode.A:
            return a.alone(sheet)
        if self.mode is Mode.B:
            return b.alone(sheet)
        if self.mode is Mode.BLEND and asked.share in {0, 1}:
            return (b if asked.share else a).alone(sheet)
        if self.mode is Mode.EDGES:
            return draw(
                b.picture(sheet), a.lines(sheet), width_mm=asked.width_mm, pixel_mm=sheet.pixel_mm
            )
        if self.mode is Mode.DIFFERENCE:
            return difference(*(_windowed(one, sheet) for one in (a, b)))
        pictures = a.picture(sheet), b.picture(sheet)
        if self.mode is Mode.SWIPE:
            return swipe(*pictures, asked.position, asked.direction)
        if self.mode is Mode.CHECKERBOARD:
            return checkerboard(*pictures, asked.size_mm, sheet.pixel_mm)
        if self.mode is Mode.COLOURS:
            return two_colours(*(_grey(one, sheet) for one in (a, b)))
        return blend(*pictures, asked.share)


def _grey(seen: Seen, sheet: Sheet) -> Picture:
    return paint(seen.values(sheet), seen.window, palette("grey"), gamma=seen.gamma)


def _windowed(seen: Seen, sheet: Sheet) -> NDArray[np.float32]:
    values = seen.values(sheet)
    return np.where(np.isfinite(values), seen.window(values), np.float32(np.nan))


def _box(seen: Seen) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the lowest and the highest place its voxels reach along the viewer's axes."""
    ends = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in seen.array.shape])).reshape(3, -1)
    corners = seen.to_world[:3, :3] @ ends + seen.to_world[:3, 3:]
    return corners.min(axis=1), corners.max(axis=1)


def _steps(seen: Seen) -> NDArray[np.float64]:
    """Give the voxel size along the viewer's axes; of a turned layer, the smallest for all."""
    matrix = np.abs(seen.to_world[:3, :3])
    straight = np.count_nonzero(matrix > 1e-6 * matrix.max()) == 3
    steps = matrix.max(axis=1) if straight else np.full(3, np.linalg.norm(matrix, axis=0).min())
    return np.asarray(steps, np.float64)


def _full(key: Any) -> tuple[Any, Any, Any, Any]:
    """Write out an index: four parts, each a whole number or a slice."""
    parts: tuple[Any, ...] = key if isinstance(key, tuple) else (key,)
    if any(part is Ellipsis for part in parts):
        place = next(i for i, part in enumerate(parts) if part is Ellipsis)
        parts = (*parts[:place], *[slice(None)] * (5 - len(parts)), *parts[place + 1 :])
    whole = [*parts, *[slice(None)] * (4 - len(parts))]
    return whole[0], whole[1], whole[2], whole[3]


def _count(part: Any, length: int) -> int:
    """Say how many slices a part of an index asks for; one whole number counts least."""
    return len(range(*part.indices(length))) if isinstance(part, slice) else -1
