"""Where voxels are: a shape and one affine from array index to patient millimetres (LPS)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import GeometryError
from napari_fusion.rotation import nearest_orthogonal

ROTATION_TOLERANCE = 1e-3
"""Largest deviation of the direction cosines from a rotation that is repaired as round-off."""

MATCH_TOLERANCE_MM = 1e-3
"""Two grids are the same when no corner differs by more than this."""

WRITTEN_TOLERANCE_MM = 0.01
"""The same, of grids that went through a file: many keep seven digits of each number."""

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""(4, 4) from the frame of NIfTI to that of DICOM, and back."""

CANONICAL = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=float)
"""Direction of the canonical grid: array axes 0, 1, 2 point to S, P, L (columns, in LPS)."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A rectangular grid of voxel centres in patient space.

    Parameters
    ----------
    shape
        Voxels along array axes 0, 1, 2.
    affine
        (4, 4) float64, array index ``[i0, i1, i2, 1]`` to LPS millimetres: columns follow array
        axes, rows are L, P, S. Axes must be orthogonal; round-off up to 1e-3 is repaired to the
        nearest rotation.

    Raises
    ------
    GeometryError
        The affine is singular, not finite or sheared, or the shape is not three positive numbers.

    Examples
    --------
    >>> grid = Grid.regular((30, 40, 50), spacing=(3.0, 1.0, 1.0))
    >>> grid.index_to_lps([1, 0, 0]) - grid.index_to_lps([0, 0, 0])
    array([0., 0., 3.])
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the shape, repair round-off in the affine, and freeze it."""
        object.__setattr__(self, "shape", _checked_shape(self.shape))
        affine = _orthogonal(_floats(self.affine, (4, 4), "the affine"))
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)

    @classmethod
    def regular(
        cls,
        shape: Sequence[int],
        spacing: ArrayLike = (1.0, 1.0, 1.0),
        *,
        centre: ArrayLike = (0.0, 0.0, 0.0),
        direction: ArrayLike = CANONICAL,
    ) -> Grid:
        """Make a grid from its spacing (mm, array order) and the LPS point at its centre.

        ``direction`` holds one unit column per array axis, in LPS; the default is axial slices
        from inferior to superior, rows to posterior, columns to the patient's left.
        """
        affine = np.eye(4)
        sizes = _checked_shape(shape)
        lengths = _floats(spacing, (3,), "the spacing")
        affine[:3, :3] = _floats(direction, (3, 3), "the direction") * lengths
        middle = (np.asarray(sizes) - 1) / 2
        affine[:3, 3] = _floats(centre, (3,), "the centre") - affine[:3, :3] @ middle
        return cls(sizes, affine)

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """Distance between neighbours along array axes 0, 1, 2, in mm."""
        lengths: NDArray[np.float64] = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        lengths.setflags(write=False)
        return lengths

    @cached_property
    def direction(self) -> NDArray[np.float64]:
        """(3, 3) unit columns, one per array axis, in LPS."""
        columns: NDArray[np.float64] = self.affine[:3, :3] / self.spacing
        columns.setflags(write=False)
        return columns

    @property
    def origin(self) -> NDArray[np.float64]:
        """LPS point of voxel (0, 0, 0), in mm."""
        return self.affine[:3, 3]

    @property
    def centre(self) -> NDArray[np.float64]:
        """LPS point in the middle of the grid, in mm."""
        return self.index_to_lps((np.asarray(self.shape) - 1) / 2)

    @property
    def corners(self) -> NDArray[np.float64]:
        """(8, 3) LPS points of the corner voxels' centres, in mm."""
        return self.index_to_lps(corner_indices(self.shape))

    @property
    def extent_mm(self) -> NDArray[np.float64]:
        """Length of the grid along array axes 0, 1, 2, voxel edges included, in mm."""
        lengths: NDArray[np.float64] = self.spacing * np.asarray(self.shape)
        return lengths

    @property
    def slice_axis(self) -> int:
        """Array axis across slices: a lone slice's own, or the first with the coarsest spacing."""
        apart = np.where(np.equal(self.shape, 1), np.inf, np.round(self.spacing, 4))
        return int(np.argmax(apart))

    def index_to_lps(self, index: ArrayLike) -> NDArray[np.float64]:
        """Map array indices (..., 3) to LPS points (..., 3) in mm."""
        points: NDArray[np.float64] = np.asarray(index, float) @ self.affine[:3, :3].T
        points += self.affine[:3, 3]
        return points

    def lps_to_index(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map LPS points (..., 3) in mm to fractional array indices (..., 3)."""
        inverse = self.direction / self.spacing  # columns are orthogonal: transpose inverts
        return (np.asarray(points, float) - self.affine[:3, 3]) @ inverse

    def holds(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether LPS points (..., 3), mm, lie in the box of its voxels, edges included; (...)."""
        index = self.lps_to_index(points)
        inside: NDArray[np.bool_] = (index >= -0.5) & (index <= np.array(self.shape) - 0.5)
        return np.asarray(inside.all(axis=-1))

    def matches(self, other: Grid, tolerance_mm: float = MATCH_TOLERANCE_MM) -> bool:
        """Whether shapes agree and no corner differs by more than the tolerance."""
        return self.shape == other.shape and self._apart_mm(other) <= tolerance_mm

    def _apart_mm(self, other: Grid) -> float:
        return float(np.linalg.norm(self.corners - other.corners, axis=1).max())

    def must_match(
        self, other: Grid, ours: str, theirs: str, todo: str = "resample them to one grid first"
    ) -> None:
        """Refuse another grid: `ours` and `theirs` name who lies on which, `todo` says the cure.

        Raises
        ------
        GeometryError
            They do not match; the message says by how much.
        """
        if self.matches(other):
            return
        apart = "their shapes differ"
        if self.shape == other.shape:
            apart = f"their corners lie up to {self._apart_mm(other):.3g} mm apart"
        raise GeometryError(
            f"{ours} has {self.describe()}, {theirs} {other.describe()}: {apart}; {todo}"
        )

    def agrees(self, other: Grid) -> bool:
        """Whether both are one grid but for the digits that files round away."""
        return self.matches(other, WRITTEN_TOLERANCE_MM)

    def canonical_order(self) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """Which array axis runs nearest to S, P and L, and whether each has to be flipped."""
        a, b, c = _nearest_axes(np.abs(self.direction))
        flips = [
            bool(self.direction[row, axis] < 0)
            for row, axis in zip((2, 1, 0), (a, b, c), strict=True)
        ]
        return (a, b, c), (flips[0], flips[1], flips[2])

    def reordered(self, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Grid:
        """Name the same points with axes permuted by `order`, then reversed by `flips`."""
        shape = [self.shape[axis] for axis in order]
        steps = self.affine[:3, list(order)]
        last = np.array([n - 1 if flip else 0 for n, flip in zip(shape, flips, strict=True)])
        affine = np.eye(4)
        affine[:3, 3] = self.origin + steps @ last
        affine[:3, :3] = steps * np.where(flips, -1.0, 1.0)
        return Grid((shape[0], shape[1], shape[2]), affine)

    def with_spacing(self, spacing: ArrayLike) -> Grid:
        """Cover the same box with another spacing (mm, array order).

        Raises
        ------
        GeometryError
            The spacing is not one or three finite lengths above 0.
        """
        wanted = _floats(spacing, (3,), "the spacing")
        if wanted.min() <= 0:
            raise GeometryError(f"a spacing is one or three lengths above 0 mm, not {spacing!r}")
        shape = np.maximum(1, np.round(self.extent_mm / wanted)).astype(int)
        return Grid.regular(shape.tolist(), wanted, centre=self.centre, direction=self.direction)

    def describe(self) -> str:
        """Say shape, spacing and orientation in a few words."""
        shape = " × ".join(str(n) for n in self.shape)
        spacing = " × ".join(f"{s:.4g}" for s in self.spacing)
        return f"{shape} voxels of {spacing} mm, axes to {self.letters}"

    @property
    def letters(self) -> str:
        """Nearest anatomical direction of each array axis, e.g. "SPL"."""
        names = np.array([["R", "L"], ["A", "P"], ["I", "S"]])
        rows = np.argmax(np.abs(self.direction), axis=0)
        return "".join(
            names[row, int(self.direction[row, axis] > 0)] for axis, row in enumerate(rows)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return self.shape == other.shape and np.array_equal(self.affine, other.affine)

    def __hash__(self) -> int:
        return hash((self.shape, (self.affine + 0.0).tobytes()))  # -0.0 equals 0.0


def corner_indices(shape: Sequence[int]) -> NDArray[np.int_]:
    """Give the array indices of a grid's corner voxels, (8, 3)."""
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij"))
    return ends.reshape(3, -1).T


def _checked_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    try:
        sizes = tuple(index(n) for n in shape)
    except TypeError as error:
        raise GeometryError(f"a grid's shape is three whole numbers, not {shape!r}") from error
    if len(sizes) != 3 or min(sizes) < 1:
        raise GeometryError(f"a grid needs three axes of at least one voxel, this one has {sizes}")
    return sizes


def _floats(values: ArrayLike, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Give finite numbers of a shape; one alone stands for all."""
    try:
        found = np.broadcast_to(np.asarray(values, np.float64), shape)
    except (TypeError, ValueError):
        found = np.full(shape, np.nan)
    if not np.isfinite(found).all():
        size = " × ".join(str(n) for n in shape)
        raise GeometryError(f"{what} of a grid is {size} finite numbers")
    return found


def _orthogonal(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Repair round-off to the nearest rotation (or mirror), or say how far off the axes are."""
    if not np.array_equal(affine[3], [0, 0, 0, 1]):
        raise GeometryError(f"the last row of an affine must be 0 0 0 1, this one is {affine[3]}")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < 1e-6:
        raise GeometryError(f"voxel spacing {np.round(spacing, 6)} mm: every axis needs a length")
    cosines = affine[:3, :3] / spacing
    nearest = nearest_orthogonal(cosines)
    if np.abs(nearest - cosines).max() > ROTATION_TOLERANCE:
        dots = np.abs([cosines[:, i] @ cosines[:, j] for i, j in ((0, 1), (0, 2), (1, 2))])
        angle = np.degrees(np.arcsin(min(1.0, float(dots.max()))))
        raise GeometryError(
            f"the voxel axes are sheared by {angle:.2f}°: "
            "resample to a rectangular grid (gantry tilt correction) first"
        )
    repaired = affine.copy()
    if not np.allclose(nearest, cosines, rtol=0, atol=1e-12):
        repaired[:3, :3] = nearest * spacing
    return repaired


def _nearest_axes(weights: NDArray[np.float64]) -> tuple[int, int, int]:
    """Assign array axes to S, P, L so that the summed |direction cosine| is largest."""
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    return max(orders, key=lambda o: weights[2, o[0]] + weights[1, o[1]] + weights[0, o[2]])
