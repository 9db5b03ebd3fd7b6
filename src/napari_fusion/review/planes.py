"""The three anatomical planes of a volume, turned the way radiologists look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid

_OPPOSITE = dict(zip("RLAPIS", "LRPASI", strict=True))


@dataclass(frozen=True)
class Plane:
    """How one plane is cut and which side letters stand at its edges.

    Parameters
    ----------
    name
        "axial", "coronal" or "sagittal".
    axis
        The array axis it is cut across.
    letters
        Sides at the left, right, top and bottom of the picture.
    pixel_mm
        Height and width of a pixel, in mm.
    """

    name: str
    axis: int
    letters: tuple[str, str, str, str]
    pixel_mm: tuple[float, float]

    def cut(self, array: NDArray[Any], index: int) -> NDArray[Any]:
        """Take one slice (h, w); coronal and sagittal slices are turned so that S is up."""
        image: NDArray[Any] = np.take(array, index, axis=self.axis)
        return image if self.axis == 0 else image[::-1]


def planes(grid: Grid) -> tuple[Plane, Plane, Plane]:
    """Describe the axial, coronal and sagittal plane of a grid in S, P, L order.

    The view is radiological: the patient's left is at the right of the picture.
    """
    down, back, left = tuple(grid.letters)  # nearest sides the array axes point to: S, P, L
    s0, s1, s2 = (float(s) for s in grid.spacing)
    return (
        Plane("axial", 0, (_OPPOSITE[left], left, _OPPOSITE[back], back), (s1, s2)),
        Plane("coronal", 1, (_OPPOSITE[left], left, down, _OPPOSITE[down]), (s0, s2)),
        Plane("sagittal", 2, (_OPPOSITE[back], back, down, _OPPOSITE[down]), (s0, s1)),
    )
