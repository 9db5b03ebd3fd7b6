"""How far an affine is from another, or from a rectangle, in millimetres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError
from napari_fusion.grid import ROTATION_TOLERANCE, corner_indices
from napari_fusion.rotation import nearest_orthogonal


def shift_mm(a: NDArray[np.float64], b: NDArray[np.float64], shape: Sequence[int]) -> float:
    """Give the largest distance between the corners two affines place, in mm."""
    apart = np.asarray(a) - np.asarray(b)
    shifts = apart[:3, :3] @ corner_indices(shape).T + apart[:3, 3:]
    return float(np.linalg.norm(shifts, axis=0).max())


def shear_mm(affine: NDArray[np.float64], shape: Sequence[int]) -> float:
    """Give how far a corner moves when the axes are forced to right angles, in mm.

    The grid is turned about its centre, which is the kindest a reader that ignores shear can be.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    forced = nearest_orthogonal(affine[:3, :3] / spacing) * spacing
    from_centre = corner_indices(shape) - (np.asarray(shape) - 1) / 2
    return float(np.linalg.norm((forced - affine[:3, :3]) @ from_centre.T, axis=0).max())


def is_sheared(affine: NDArray[np.float64]) -> bool:
    """Whether the axes are further from right angles than round-off explains."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(nearest_orthogonal(cosines) - cosines).max() > ROTATION_TOLERANCE)


def check_rectangular(affine: NDArray[np.float64], shape: Sequence[int], name: str) -> None:
    """Refuse an affine that is singular or sheared, with the error in mm.

    Raises
    ------
    GeometryError
        The axes are not at right angles, or one has no length.
    """
    if not np.isfinite(affine).all():
        raise GeometryError(f"{name} has an affine that is not finite: its position is unknown")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < 1e-6 or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-6:
        raise GeometryError(f"{name} has an affine with an axis of no length: its size is unknown")
    if is_sheared(affine):
        raise GeometryError(
            f"{name} has sheared axes: forcing them to right angles would move voxels by up to "
            f"{shear_mm(affine, shape):.1f} mm; load it with rectified() (--rectify) to resample it"
        )
