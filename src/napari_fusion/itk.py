"""Volumes across the border between NumPy and SimpleITK, where the order of axes is reversed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fusion.grid import Grid
from napari_fusion.volume import Modality, Unit, Volume

if TYPE_CHECKING:
    import SimpleITK as sitk


def grid_of(image: sitk.Image) -> Grid:
    """Read the grid of a 3-D image, axes in array order."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = (direction * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    z, y, x = image.GetSize()[::-1]
    return Grid((z, y, x), affine)


def from_sitk(image: sitk.Image, *, modality: Modality = "OTHER", unit: Unit = "1") -> Volume:
    """Copy a scalar 3-D SimpleITK image into a volume; axes are reversed, values and type kept.

    Raises
    ------
    GeometryError
        The image's axes are not orthogonal.
    """
    import SimpleITK as sitk

    return Volume(sitk.GetArrayFromImage(image), grid_of(image), modality=modality, unit=unit)


def to_sitk(volume: Volume) -> sitk.Image:
    """Copy a volume into a SimpleITK image at the same LPS millimetres."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(volume.array)
    place(image, volume.grid)
    return image


def place(image: sitk.Image, grid: Grid) -> None:
    """Give an image the spacing, origin and direction of a grid, in place."""
    image.SetSpacing(grid.spacing[::-1].tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction[:, ::-1].ravel().tolist())
