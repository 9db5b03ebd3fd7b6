"""Load what `load` refuses for its geometry, by resampling it on request."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid, corner_indices
from napari_fusion.io import dicom, files, nifti
from napari_fusion.io.budget import check_volume
from napari_fusion.io.geometry import is_sheared, shear_mm
from napari_fusion.io.load import load_file, opened, pointed_at
from napari_fusion.io.scan import suffix_of
from napari_fusion.io.series import Series
from napari_fusion.volume import Step, Volume


def rectified(
    path: str | os.PathLike[str] | Series, *, series: str | None = None, frame: int | None = None
) -> Volume:
    """Load a volume although its axes are sheared or slices are missing, by interpolation.

    A sheared NIfTI, MetaImage or NRRD grid is resampled linearly to the rectangular grid that
    keeps its rows; a DICOM series with a gap is interpolated linearly across it. What was done is
    a warning in the volume's history. Anything else loads as with `load`.

    Parameters
    ----------
    path, series, frame
        As for `load`.

    Raises
    ------
    ReadError, GeometryError
        As for `load`, for any other reason.
    """
    with opened(pointed_at(path, series, gaps=True)) as place:
        if isinstance(place, Path):
            return _file(place, frame)
        return dicom.read(*place, frame, across_gaps=True)


def _file(path: Path, frame: int | None) -> Volume:
    placed = nifti.placed if suffix_of(path) in nifti.SUFFIXES else files.placed
    shape, affine = placed(path)
    if not is_sheared(affine):
        return load_file(path, frame)
    loose = load_file(path, frame, Grid.regular(shape))
    squared, grid = unsheared(loose.array, affine, loose.background)
    said = (
        f"sheared axes were resampled to right angles; ignoring the shear would have moved voxels "
        f"by up to {shear_mm(affine, shape):.1f} mm"
    )
    first = loose.history[0]
    step = Step(first.name, first.parameters, (*first.warnings, said))
    order, flips = grid.canonical_order()
    steps = tuple(slice(None, None, -1 if flip else None) for flip in flips)
    array = np.ascontiguousarray(squared.transpose(order)[steps])
    return replace(loose, array=array, grid=grid.reordered(order, flips), history=(step,))


def unsheared(
    array: NDArray[np.float32], affine: NDArray[np.float64], background: float
) -> tuple[NDArray[np.float32], Grid]:
    """Resample a sheared grid linearly to the rectangular one that keeps its fastest axis.

    Parameters
    ----------
    array
        (slices, rows, columns) in the order of the file.
    affine
        (4, 4) array index to LPS mm, sheared.
    background
        What is put where nothing was measured.
    """
    from scipy.ndimage import affine_transform

    direction, lengths = _right_angles(affine[:3, :3])
    along = direction.T @ (affine[:3, :3] @ corner_indices(array.shape).T)
    low = along.min(axis=1)
    counts = np.ceil((along.max(axis=1) - low) / lengths - 1e-6).astype(int) + 1
    shape = (int(counts[0]), int(counts[1]), int(counts[2]))
    check_volume(shape, "the resampled volume")
    square = np.eye(4)
    square[:3, :3] = direction * lengths
    square[:3, 3] = affine[:3, 3] + direction @ low
    back = np.linalg.solve(affine, square)
    resampled = affine_transform(
        array, back[:3, :3], back[:3, 3], output_shape=shape, order=1, cval=background
    )
    return resampled.astype(np.float32, copy=False), Grid(shape, square)


def _right_angles(axes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keep the fastest axis, then the next; give unit directions and steps in mm."""
    direction = np.zeros((3, 3))
    for axis in (2, 1, 0):
        rest = axes[:, axis] - direction @ (direction.T @ axes[:, axis])
        direction[:, axis] = rest / np.linalg.norm(rest)
    return direction, np.abs(np.einsum("ij,ij->j", direction, axes))
