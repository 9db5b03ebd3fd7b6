"""Implicit shapes: signed distances in mm (negative inside), each with the box that holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Box = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lower and upper corner, LPS mm."""

Triple = tuple[float, float, float]

EVERYWHERE: Box = (np.full(3, -np.inf), np.full(3, np.inf))


class Points:
    """A block of anatomy points, and the fields already worked out for it.

    Parameters
    ----------
    xyz
        (3, n) float32, LPS mm.
    """

    __slots__ = ("_fields", "x", "xyz", "y", "z")

    def __init__(self, xyz: Floats) -> None:
        self.xyz = xyz
        self.x, self.y, self.z = xyz
        self._fields: dict[Callable[[Points], Floats], Floats] = {}

    def field(self, function: Callable[[Points], Floats]) -> Floats:
        """Evaluate `function` here once, however many shapes are cut from it."""
        if function not in self._fields:
            self._fields[function] = function(self)
        return self._fields[function]

    @property
    def box(self) -> Box:
        """The corners of the box that holds every point."""
        return self.xyz.min(axis=1).astype(float), self.xyz.max(axis=1).astype(float)


class Shape(Protocol):
    """Anything with a signed distance and a box outside of which that distance is positive."""

    @property
    def box(self) -> Box:
        """The box that holds the shape, LPS mm."""

    def __call__(self, p: Points) -> Floats:
        """Give the signed distance in mm, negative inside; exact at least near the surface."""


def rotation(degrees: ArrayLike) -> NDArray[np.float64]:
    """Give the (3, 3) rotation about x, then y, then z, in degrees."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_z @ about_y @ about_x
    return turned


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its half axes, turned about x, y, z (degrees)."""

    centre: Triple
    radii: Triple
    turn: Triple = (0.0, 0.0, 0.0)

    @property
    def box(self) -> Box:
        """The box that holds the turned ellipsoid."""
        reach = np.sqrt(((rotation(self.turn) * np.array(self.radii)) ** 2).sum(axis=1))
        return np.array(self.centre) - reach, np.array(self.centre) + reach

    def __call__(self, p: Points) -> Floats:
        """Give the first-order distance: k0 (k0 - 1) / k1."""
        q = _turned(p, self.centre, self.turn)
        inverse = np.float32(1) / np.array(self.radii, np.float32)
        u = q * inverse[:, None]
        k0 = np.sqrt(np.einsum("ij,ij->j", u, u))
        u *= inverse[:, None]
        k1 = np.sqrt(np.einsum("ij,ij->j", u, u))
        k1 += np.float32(1e-6)
        distance: Floats = k0 * (k0 - np.float32(1)) / k1
        return distance


@dataclass(frozen=True)
class Tube:
    """A chain of rounded cones through points; `squash` flattens it along x, y or z."""

    points: tuple[Triple, ...]
    radii: tuple[float, ...]
    squash: Triple = (1.0, 1.0, 1.0)

    @property
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
class Blend:
    """The union of shapes, their joins rounded over `smooth` mm."""

    shapes: tuple[Shape, ...]
    smooth: float = 0.0

    @property
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

    @property
    def box(self) -> Box:
        """The box of the shape that is cut."""
        return self.shape.box

    def __call__(self, p: Points) -> Floats:
        """Give the largest of the distance and the others' depth."""
        total = self.shape(p)
        for other in self.less:
            total = np.maximum(total, -other(p))
        return total


@dataclass(frozen=True)
class Field:
    """A shape given by any function of the points, and the box that holds it."""

    function: Callable[[Points], Floats]
    box: Box = EVERYWHERE
    offset: float = 0.0

    def __call__(self, p: Points) -> Floats:
        """Give the function's value, grown by `offset` mm; worked out once a block."""
        return p.field(self.function) - np.float32(self.offset)


def box(lo: ArrayLike, hi: ArrayLike) -> Box:
    """Make a box from its corners."""
    return np.array(lo, float), np.array(hi, float)


def soft_min(a: Floats, b: Floats, width: float) -> Floats:
    """Give the minimum of two distances, rounded where they differ by less than `width` mm."""
    if width <= 0:
        least: Floats = np.minimum(a, b)
        return least
    h = np.maximum(np.float32(width) - np.abs(a - b), np.float32(0))
    rounded: Floats = np.minimum(a, b) - h * h * np.float32(0.25 / width)
    return rounded


def soft_max(a: Floats, b: Floats, width: float) -> Floats:
    """Give the maximum of two distances, rounded where they differ by less than `width` mm."""
    return -soft_min(-a, -b, width)


def mirror(point: Sequence[float]) -> Triple:
    """Reflect a point to the other side of the head."""
    return (-point[0], point[1], point[2])


def _turned(p: Points, centre: Triple, turn: Triple) -> Floats:
    q: Floats = p.xyz - np.array(centre, np.float32)[:, None]
    if turn == (0.0, 0.0, 0.0):
        return q
    back: Floats = rotation(turn).T.astype(np.float32) @ q
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
