"""The one frame a viewer shows: millimetres along the axes of the fixed grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.grid import CANONICAL, MATCH_TOLERANCE_MM, Grid
from napari_fusion.rotation import turned_degrees

AXIS_LABELS = ("S", "P", "L")
"""Where the viewer's axes 0, 1, 2 point, or point nearest to."""

SECOND_LETTER = 0.25
"""An axis that leans more than this (sine of about 15°) towards a side also names that side."""

_SIDES = (("R", "L"), ("A", "P"), ("I", "S"))


@dataclass(frozen=True, eq=False)
class Frame:
    """The viewer's axes in patient space.

    World coordinates are millimetres along three orthogonal unit vectors, measured from the LPS
    origin. A volume parallel to them needs only scale and translate to be shown: napari cannot
    slice anything else faithfully.

    Parameters
    ----------
    axes
        (3, 3) unit columns in LPS, one per viewer axis, nearest to S, P and L.

    Examples
    --------
    >>> Frame().to_world([[1.0, 2.0, 3.0]])
    array([[3., 2., 1.]])
    """

    axes: NDArray[np.float64] = field(default_factory=CANONICAL.copy)

    @classmethod
    def of(cls, grid: Grid) -> Frame:
        """Take the axes of a grid, in the order and direction nearest to S, P, L."""
        return cls(grid.reordered(*grid.canonical_order()).direction)

    def to_world(self, lps: ArrayLike) -> NDArray[np.float64]:
        """Map LPS points (..., 3) in mm to viewer coordinates (..., 3) in mm."""
        world: NDArray[np.float64] = np.asarray(lps, float) @ self.axes
        return world

    def to_lps(self, world: ArrayLike) -> NDArray[np.float64]:
        """Map viewer coordinates (..., 3) in mm to LPS points (..., 3) in mm."""
        lps: NDArray[np.float64] = np.asarray(world, float) @ self.axes.T
        return lps

    def matches(self, other: Frame) -> bool:
        """Whether both frames have the same axes, to round-off."""
        return bool(np.abs(self.axes - other.axes).max() < 1e-9)

    def parallel(self, grid: Grid) -> Grid | None:
        """Give the grid with its axes named in the frame's order, or None when it is oblique.

        Parallel means that no corner is off by more than a thousandth of a millimetre.
        """
        ordered = grid.reordered(*self.order(grid))
        ideal = Grid.regular(
            ordered.shape, ordered.spacing, centre=ordered.centre, direction=self.axes
        )
        return ideal if ideal.matches(ordered, MATCH_TOLERANCE_MM) else None

    def order(self, grid: Grid) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """Say which array axis runs nearest to each viewer axis, and whether to flip it."""
        turned = np.eye(4)
        turned[:3, :3] = CANONICAL @ self.axes.T @ grid.affine[:3, :3]
        return Grid(grid.shape, turned).canonical_order()

    def around(self, grid: Grid) -> Grid:
        """Give a grid along the frame's axes that covers another grid at its own spacing."""
        (a, b, c), _ = self.order(grid)
        spacing = grid.spacing[[a, b, c]]
        corners = self.to_world(grid.corners)
        low, high = corners.min(axis=0), corners.max(axis=0)
        shape = np.ceil((high - low) / spacing - 1e-6).astype(int) + 1
        centre = self.to_lps((low + high) / 2)
        return Grid.regular(shape.tolist(), spacing, centre=centre, direction=self.axes)

    def tilt_deg(self, grid: Grid) -> float:
        """Say by how many degrees a grid is turned against the frame."""
        (a, b, c), flips = self.order(grid)
        along = grid.direction[:, [a, b, c]] * np.where(flips, -1, 1)
        return turned_degrees(self.axes.T @ along)

    def letters(self, axis: int) -> tuple[str, str]:
        """Name the patient's sides at the low and the high end of a viewer axis.

        An axis that leans between two sides names both, the nearer one first ("PS").
        """
        vector = self.axes[:, axis]
        rows = [row for row in np.argsort(-np.abs(vector)) if abs(vector[row]) > SECOND_LETTER]
        high = "".join(_SIDES[row][int(vector[row] > 0)] for row in rows[:2])
        low = "".join(_SIDES[row][int(vector[row] <= 0)] for row in rows[:2])
        return low, high


def check_slice(viewer: Any, what: str) -> None:
    """Refuse a view that shows no slice of volumes with three axes.

    Raises
    ------
    ParameterError
        It is in 3-D, or some layer has another number of axes.
    """
    if viewer.dims.ndim != 3:
        raise ParameterError(
            f"{what} needs volumes of three axes: close the layer that has {viewer.dims.ndim}, or "
            "open one frame of it"
        )
    if viewer.dims.ndisplay != 2:
        raise ParameterError(f"{what} needs the view of one slice: leave the 3-D view")
