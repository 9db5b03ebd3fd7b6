"""Displacements of points on a grid of their own: the part of a map that bends space."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid

PLANES = 8
"""Planes of cells whose change of volume is measured between two reports."""


@dataclass(frozen=True)
class Jacobian:
    """How a field changes small volumes.

    Parameters
    ----------
    smallest, largest
        Volume after, as a share of the volume before; 0 or less is a fold.
    folded
        Share of the grid's cells that fold somewhere.
    """

    smallest: float
    largest: float
    folded: float

    def numbers(self) -> dict[str, float]:
        """Name the figures."""
        return {
            "jacobian_min": self.smallest,
            "jacobian_max": self.largest,
            "folded": self.folded,
        }


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Where points move, in mm: point p goes to p + u(p).

    Between nodes u is trilinear; beyond half a voxel outside the grid it is 0, as in ITK.

    Parameters
    ----------
    grid
        Where the nodes are, LPS mm; at least two along each axis.
    vectors
        (…grid.shape, 3) float32 displacement at each node, LPS mm; held read-only.

    Raises
    ------
    ParameterError
        The vectors do not fit the grid or are not finite.

    Examples
    --------
    >>> grid = Grid.regular((3, 3, 3))
    >>> field = DisplacementField(grid, np.full((3, 3, 3, 3), 0.5, np.float32))
    >>> field.at([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    array([[0.5, 0.5, 0.5],
           [0. , 0. , 0. ]])
    """

    grid: Grid
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check the vectors and freeze them."""
        vectors = np.array(self.vectors, dtype=np.float32, order="C")
        if vectors.shape != (*self.grid.shape, 3) or min(self.grid.shape) < 2:
            raise ParameterError(
                f"a displacement field needs (…, 3) vectors on a grid of at least 2 × 2 × 2 "
                f"nodes; this one has {vectors.shape} on {self.grid.shape}"
            )
        if not np.isfinite(vectors).all():
            raise ParameterError("the displacement field holds numbers that are not finite")
        vectors.setflags(write=False)
        object.__setattr__(self, "vectors", vectors)

    def at(self, points: ArrayLike) -> NDArray[np.float64]:
        """Give the displacement (…, 3) of points (…, 3), LPS mm."""
        index = self.grid.lps_to_index(points)
        moved = self._read(index)
        far = (index < -0.5) | (index >= np.array(self.grid.shape) - 0.5)
        moved[far.any(axis=-1)] = 0
        return moved

    def continued(self, points: ArrayLike) -> NDArray[np.float64]:
        """Give the same, but beyond the grid as at the nearest place of its border."""
        return self._read(self.grid.lps_to_index(points))

    def _read(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolate at fractional indices (…, 3), the nearest ones there are."""
        from scipy.ndimage import map_coordinates

        place = index.reshape(-1, 3).T
        moved = np.empty(index.shape)
        for k in range(3):
            channel = self.vectors[..., k]
            read = map_coordinates(channel, place, np.float64, order=1, mode="nearest")
            moved[..., k] = read.reshape(index.shape[:-1])
        return moved

    @cached_property
    def largest_mm(self) -> float:
        """Length of the longest displacement."""
        return float(np.sqrt((self.vectors.astype(np.float64) ** 2).sum(axis=-1).max()))

    @cached_property
    def sha256(self) -> str:
        """Name the field in a record: the hash of its nodes' places and displacements."""
        grid = self.grid
        place = f"{grid.shape} {grid.affine.tolist()}".encode()
        return hashlib.sha256(place + self.vectors.tobytes()).hexdigest()

    @cached_property
    def jacobian(self) -> Jacobian:
        """How the field changes small volumes, from the determinants in every cell's corners."""
        return _measured(self, lambda: None)

    def measure(self, beat: Callable[[], None]) -> None:
        """Find the `jacobian` now, which takes a while, and keep it; `beat` is called often."""
        self.__dict__.setdefault("jacobian", _measured(self, beat))


def _measured(field: DisplacementField, beat: Callable[[], None]) -> Jacobian:
    """Go through the cells a few planes at a time."""
    cells = field.grid.shape[0] - 1
    to_mm = np.linalg.inv(field.grid.affine[:3, :3])
    smallest, largest, folded = np.inf, -np.inf, 0
    for start in range(0, cells, PLANES):
        beat()
        low, high, torn = _changes(field.vectors[start : start + PLANES + 1], to_mm)
        smallest, largest = min(smallest, low), max(largest, high)
        folded += int(torn.sum())
    return Jacobian(smallest, largest, folded / (cells * math.prod(torn.shape[1:])))


def _changes(
    vectors: NDArray[np.float32], to_mm: NDArray[Any]
) -> tuple[float, float, NDArray[np.bool_]]:
    """Give the least and the greatest change of volume, and which cells fold at a corner."""
    shape = [n - 1 for n in vectors.shape[:3]]
    edges = [_edges(vectors, axis) for axis in range(3)]
    smallest, largest, folded = np.inf, -np.inf, np.zeros(shape, bool)
    for a, b, c in product((0, 1), repeat=3):
        slopes = (
            edges[0][:, b : b + shape[1], c : c + shape[2]],
            edges[1][a : a + shape[0], :, c : c + shape[2]],
            edges[2][a : a + shape[0], b : b + shape[1], :],
        )
        determinants = _determinants(np.stack(slopes, axis=-1) @ to_mm)
        smallest = min(smallest, float(determinants.min()))
        largest = max(largest, float(determinants.max()))
        folded |= determinants <= 0
    return smallest, largest, folded


def _edges(vectors: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """Give how the displacement changes from each node to the next along an axis."""
    steps: NDArray[np.float64] = np.diff(vectors.astype(np.float64), axis=axis)
    return steps


def _determinants(slopes: NDArray[Any]) -> NDArray[np.float64]:
    """Give the determinants of id + u from the (…, 3, 3) slopes of u, and spoil the slopes."""
    slopes += np.eye(3)
    (a, b, c), (d, e, f), (g, h, i) = np.moveaxis(slopes, (-2, -1), (0, 1))
    determinants: NDArray[np.float64] = a * (e * i - f * h) - b * (d * i - f * g)
    determinants += c * (d * h - e * g)
    return determinants
