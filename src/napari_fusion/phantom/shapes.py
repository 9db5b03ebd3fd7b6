"""Implicit shapes: signed distances in mm (negative inside), each with the box that holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.rotation import rotation

Floats = NDArray[np.float32]
Box = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lower and upper corner, LPS mm."""

Triple = tuple[float, float, float]

_TINY = np.float32(1e-12)  # makes the very centre of an ellipsoid as deep as its least radius

EVERYWHERE: Box = (np.full(3, -1e6), np.full(3, 1e6))


class Points:
    """A block of anatomy points, and the fields already worked out for it.

    Parameters
    ----------
    xyz
        (3, n) float32, LPS mm.
    """

    __slots__ = ("_fields", "box", "x", "xyz", "y", "z")

    def __init__(self, xyz: Floats) -> None:
        self.xyz = xyz
        self.x: Floats = xyz[0]
        self.y: Floats = xyz[1]
        self.z: Floats = xyz[2]
        self.box: Box = xyz.min(axis=1).astype(float), xyz.max(axis=1).astype(float)
        self._fields: dict[Callable[[Points], Floats], Floats] = {}

    def field(self, function: Callable[[Points], Floats]) -> Floats:
        """Evaluate `function` here once, however many shapes are cut from it."""
        if function not in self._fields:
            self._fields[function] = function(self)
        return self._fields[function]

    def near(self, shape: Shape, reach: float) -> bool:
        """Whether any point may lie within `reach` mm of a shape's box."""
        lo, hi = shape.box
        return bool((lo - reach <= self.box[1]).all() and (hi + reach >= self.box[0]).all())


class Shape(Protocol):
    """Anything with a signed distance and a box outside of which that distance is positive."""

    @cached_property
    def box(self) -> Box:
        """The box that holds the shape, LPS mm."""

    def __call__(self, p: Points) -> Floats:
        """Give the signed distance in mm, negative inside; exact at least near the surface."""


@cache
def _back(turn: Triple) -> Floats:
    """Give the rotation that undoes a turn."""
    return rotation(np.radians(turn)).T.astype(np.float32)


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its half axes, turned about x, y, z (degrees)."""

    centre: Triple
    radii: Triple
    turn: Triple = (0.0, 0.0, 0.0)

    def mirrored(self) -> Ellipsoid:
        """Give the same ellipsoid on the other side."""
        return Ellipsoid(mirror(self.centre), self.radii, _mirror_turn(self.turn))

    @cached_property
    def box(self) -> Box:
        """The box that holds the turned ellipsoid."""
        reach = np.sqrt(((rotation(np.radians(self.turn)) * np.array(self.radii)) ** 2).sum(axis=1))
        return np.array(self.centre) - reach, np.array(self.centre) + reach

    def __call__(self, p: Points) -> Floats:
        """Give the first-order distance: k0 (k0 - 1) / k1."""
        q = _turned(p, self.centre, self.turn)
        inverse = np.float32(1) / np.array(self.radii, np.float32)
        q *= inverse[:, None]
        k0 = np.sqrt(np.einsum("ij,ij->j", q, q) + _TINY)
        q *= inverse[:, None]
        k1 = np.sqrt(np.einsum("ij,ij->j", q, q) + _TINY * inverse.max() ** 2)
        distance: Floats = k0 * (k0 - np.float32(1)) / k1
        return distance


@dataclass(frozen=True)
class Tube:
    """A chain of rounded cones through points; `squash` flattens it along x, y or z."""

    points: tuple[Triple, ...]
    radii: tuple[float, ...]
    squash: Triple = (1.0, 1.0, 1.0)

    def mirrored(self) -> Tube:
        """Give the same tube on the other side."""
        return Tube(tuple(mirror(point) for point in self.points), self.radii, self.squash)

    @cached_property
    def box(self) -> Box:
        """The box that holds every ball of the chain."""
        centres, reach = np.array(self.points), np.array(self.radii)[:, None] * self.squash
        return (centres - reach).min(axis=0), (centres + reach).max(axis=0)

    def __call__(self, p: Points) -> Floats:
        """Give the least distance to any link."""
        scale = np.array(self.squash)
        xyz = p.xyz / scale.astype(np.float32)[:, None] if self.squash != (1, 1, 1) else p.xyz
        nodes = np.array(self.points) / scale
        best: Floats | None = None
        for i in range(len(nodes) - 1):
            link = _link(xyz, nodes[i], nodes[i + 1], self.radii[i : i + 2])
            best = link if best is None else np.minimum(best, link, out=best)
        assert best is not None
        return best * np.float32(min(self.squash))


@dataclass(frozen=True)
class Block:
    """A box with its faces along x, y and z."""

    lo: Triple
    hi: Triple

    @property
    def box(self) -> Box:
        """The block itself."""
        return np.array(self.lo), np.array(self.hi)

    def __call__(self, p: Points) -> Floats:
        """Give the largest distance to a face's plane."""
        middle = (np.array(self.lo) + self.hi) / 2
        half = (np.array(self.hi) - self.lo) / 2
        beyond = np.abs(p.xyz - middle.astype(np.float32)[:, None])
        beyond -= half.astype(np.float32)[:, None]
        distance: Floats = beyond.max(axis=0)
        return distance


@dataclass(frozen=True)
class Grown:
    """A shape grown by some mm on all sides, or shrunk."""

    shape: Shape
    by: float

    @property
    def box(self) -> Box:
        """The grown box."""
        lo, hi = self.shape.box
        return lo - max(self.by, 0.0), hi + max(self.by, 0.0)

    def __call__(self, p: Points) -> Floats:
        """Give the shape's distance less the growth."""
        return self.shape(p) - np.float32(self.by)


@dataclass(frozen=True)
class Meet:
    """Where shapes overlap."""

    shapes: tuple[Shape, ...]

    @property
    def box(self) -> Box:
        """The overlap of the boxes."""
        lo = np.max([shape.box[0] for shape in self.shapes], axis=0)
        hi = np.min([shape.box[1] for shape in self.shapes], axis=0)
        return lo, hi

    def __call__(self, p: Points) -> Floats:
        """Give the largest distance."""
        return overlap(*(shape(p) for shape in self.shapes))


@dataclass(frozen=True)
class Blend:
    """The union of shapes, their joins rounded over `smooth` mm."""

    shapes: tuple[Shape, ...]
    smooth: float = 0.0

    @cached_property
    def box(self) -> Box:
        """The box that holds every shape and the rounding."""
        lo = np.min([shape.box[0] for shape in self.shapes], axis=0)
        hi = np.max([shape.box[1] for shape in self.shapes], axis=0)
        return lo - self.smooth, hi + self.smooth

    def __call__(self, p: Points) -> Floats:
        """Give the smooth minimum of the distances."""
        total = self.shapes[0](p)
        for shape in self.shapes[1:]:
            total = soft_min(total, shape(p), self.smooth)
        return total


@dataclass(frozen=True)
class Cut:
    """A shape, less others."""

    shape: Shape
    less: tuple[Shape, ...]

    @cached_property
    def box(self) -> Box:
        """The box of the shape that is cut."""
        return self.shape.box

    def __call__(self, p: Points) -> Floats:
        """Give the largest of the distance and the others' depth."""
        return overlap(self.shape(p), *(-other(p) for other in self.less))


@dataclass(frozen=True)
class Field:
    """A shape given by any function of the points, cut off at the box that holds it."""

    function: Callable[[Points], Floats]
    box: Box = EVERYWHERE
    offset: float = 0.0

    def __call__(self, p: Points) -> Floats:
        """Give the function's value, grown by `offset` mm; worked out once a block."""
        value = p.field(self.function) - np.float32(self.offset)
        lo, hi = self.box
        if (p.box[0] >= lo).all() and (p.box[1] <= hi).all():
            return value
        faces = Block((lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2]))
        return overlap(value, faces(p))


def box(lo: ArrayLike, hi: ArrayLike) -> Box:
    """Make a box from its corners."""
    return np.array(lo, float), np.array(hi, float)


def overlap(first: Floats, *others: Floats) -> Floats:
    """Give the distance to where shapes overlap: the largest of theirs."""
    for other in others:
        first = np.maximum(first, other)
    return first


def union(first: Floats, *others: Floats) -> Floats:
    """Give the distance to the nearest of several shapes."""
    for other in others:
        first = np.minimum(first, other)
    return first


def soft_min(a: Floats, b: Floats, width: float) -> Floats:
    """Give the minimum of two distances, rounded where they differ by less than `width` mm."""
    if width <= 0:
        return union(a, b)
    h = np.maximum(np.float32(width) - np.abs(a - b), np.float32(0))
    rounded: Floats = np.minimum(a, b) - h * h * np.float32(0.25 / width)
    return rounded


def soft_max(a: Floats, b: Floats, width: float) -> Floats:
    """Give the maximum of two distances, rounded where they differ by less than `width` mm."""
    return -soft_min(-a, -b, width)


FAR_MM = 30.0
"""Depths beyond this need not be right, only deep: shapes that far away are not evaluated."""

OUT_MM = 12.0
"""Where all points lie this far outside of a shape, its details are not evaluated."""


def join(total: Floats, shape: Shape, p: Points, width: float) -> Floats:
    """Add a shape, its join rounded over `width` mm."""
    if not p.near(shape, FAR_MM + width):
        return total
    return soft_min(total, shape(p), width)


def carve(total: Floats, shape: Shape, p: Points, width: float) -> Floats:
    """Take a shape away, the new edge rounded over `width` mm."""
    if not p.near(shape, FAR_MM + width):
        return total
    return soft_max(total, -shape(p), width)


def mirror(point: Sequence[float]) -> Triple:
    """Reflect a point to the other side of the head."""
    return (-point[0], point[1], point[2])


def _mirror_turn(turn: Triple) -> Triple:
    return (turn[0], -turn[1], -turn[2])


def both(shape: Ellipsoid | Tube) -> tuple[Shape, Shape]:
    """Give a shape drawn on the left, and its mirror image on the right."""
    return shape, shape.mirrored()


def _turned(p: Points, centre: Triple, turn: Triple) -> Floats:
    q: Floats = p.xyz - np.array(centre, np.float32)[:, None]
    if turn == (0.0, 0.0, 0.0):
        return q
    back: Floats = _back(turn) @ q
    return back


def _link(
    xyz: Floats, a: NDArray[np.float64], b: NDArray[np.float64], radii: Sequence[float]
) -> Floats:
    along = (b - a).astype(np.float32)
    q = xyz - a.astype(np.float32)[:, None]
    h = along @ q
    h *= np.float32(1 / max(float(along @ along), 1e-6))
    np.clip(h, 0, 1, out=h)
    for axis in range(3):
        q[axis] -= along[axis] * h
    distance: Floats = np.sqrt(np.einsum("ij,ij->j", q, q))
    h *= np.float32(radii[1] - radii[0])
    h += np.float32(radii[0])
    distance -= h
    return distance
