"""Move a volume's voxels to another grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, expect
from napari_fusion.grid import Grid
from napari_fusion.itk import place
from napari_fusion.registration.alignment import Alignment
from napari_fusion.volume import JSON, Step, Volume

Interpolation = Literal["linear", "nearest", "cubic"]

OTHERS = "CHECK: the alignment was found for a moving volume on another grid than this one's"

LEAST_WEIGHT = 0.5
"""A result voxel has a value when at least this share of its weights fell on voxels with one."""


def resample(
    volume: Volume,
    grid: Grid,
    alignment: Alignment | None = None,
    *,
    interpolation: Interpolation = "linear",
    fill: float | None = None,
) -> Volume:
    """Draw a volume on another grid, moved by an alignment when one is given.

    Parameters
    ----------
    volume
        What to draw: the moving volume of the alignment.
    grid
        Where to draw it, usually the fixed volume's grid.
    alignment
        Fixed → moving point map; None leaves every point where it is.
    interpolation
        "linear", "nearest" or "cubic" (B-spline, may overshoot). A LABEL volume is always drawn
        with "nearest"; a volume with missing voxels (NaN) is drawn with "linear" instead of
        "cubic". The history says which was used.
    fill
        Value outside the volume; by default its `background`.

    Returns
    -------
    Volume on `grid` with the same meaning (modality, unit, pet, patient, name). Float32, or the
    same type for "nearest". A result voxel is NaN where most of its neighbours are NaN; other
    NaN neighbours are left out of its mean. Its frame of reference is kept unless an alignment
    moved it: then it is None, because the points now belong to another frame.

    Raises
    ------
    ParameterError
        The interpolation is unknown, the fill is no value of the voxels' type, or the alignment
        leads the other way: from this volume to this grid's.

    Examples
    --------
    >>> ball = Volume(np.ones((4, 4, 4), np.float32), Grid.regular((4, 4, 4)), modality="CT")
    >>> resample(ball, Grid.regular((8, 8, 8), (0.5, 0.5, 0.5))).array.mean()
    np.float32(1.0)
    """
    expect(Volume, volume=volume)
    expect(Grid, grid=grid)
    if alignment is not None:
        expect(Alignment, alignment=alignment)
    if interpolation not in get_args(Interpolation):
        allowed = ", ".join(get_args(Interpolation))
        raise ParameterError(f"interpolation {interpolation!r} is not one of {allowed}")
    kind: Interpolation = "nearest" if volume.modality == "LABEL" else interpolation
    if alignment is not None:
        _check_direction(volume, grid, alignment)
    source = _readable(volume.array, keep_type=kind == "nearest")
    missing = _missing(source)
    if missing is not None and kind == "cubic":
        kind = "linear"
    value = _background(volume, missing) if fill is None else float(fill)
    if not _holds(source.dtype, value):
        if fill is not None:
            raise ParameterError(f"voxels of type {source.dtype} cannot be {fill:g}: choose a fill")
        source = source.astype(np.float32)
    moved = alignment is not None and not alignment.rests(grid)
    if volume.grid == grid and not moved:
        array = source
    else:
        map_ = alignment or Alignment.identity(grid, volume.grid)
        draw = _Pen(volume.grid, grid, map_, kind)
        array = draw(source, value) if missing is None else draw.around(source, missing, value)
    frame = None if moved else volume.frame_uid
    step = _step(grid, alignment, kind, value)
    if alignment is not None and not alignment.moving.agrees(volume.grid):
        step = replace(step, warnings=(*step.warnings, OTHERS))
    return volume.with_array(array, step, grid=grid, frame_uid=frame)


def with_gaps(volume: Volume, grid: Grid, alignment: Alignment) -> NDArray[Any]:
    """Draw a volume's voxels as `resample` does, NaN outside it: labels as float32, too."""
    if volume.modality == "LABEL":
        volume = replace(volume, array=volume.array.astype(np.float32))
    return resample(volume, grid, alignment, fill=float("nan")).array


def _check_direction(volume: Volume, grid: Grid, alignment: Alignment) -> None:
    """Refuse an alignment that was made for these volumes, but the other way round."""
    fixed, moving = alignment.fixed, alignment.moving
    fits = fixed.agrees(grid) or moving.agrees(volume.grid)
    if not fits and fixed.agrees(volume.grid) and moving.agrees(grid):
        raise ParameterError(
            "the alignment leads from this volume to this grid, and not back: draw the moving "
            "volume on the fixed grid, or give alignment.inverse()"
        )


def _holds(kind: np.dtype[Any], value: float) -> bool:
    """Whether voxels of a type can be a value."""
    if not np.issubdtype(kind, np.integer):
        return True
    limits = np.iinfo(kind)
    return bool(np.isfinite(value)) and value == round(value) and limits.min <= value <= limits.max


@dataclass(frozen=True)
class _Pen:
    """One call of ITK's resampling, from a grid to a grid."""

    source: Grid
    target: Grid
    alignment: Alignment
    kind: Interpolation

    def __call__(self, array: NDArray[Any], fill: float) -> NDArray[Any]:
        import SimpleITK as sitk

        engines = {
            "linear": sitk.sitkLinear,
            "nearest": sitk.sitkNearestNeighbor,
            "cubic": sitk.sitkBSpline3,
        }
        image = sitk.GetImageFromArray(array)
        place(image, self.source)
        resampler = sitk.ResampleImageFilter()
        resampler.SetSize(self.target.shape[::-1])
        resampler.SetOutputSpacing(self.target.spacing[::-1].tolist())
        resampler.SetOutputOrigin(self.target.origin.tolist())
        resampler.SetOutputDirection(self.target.direction[:, ::-1].ravel().tolist())
        resampler.SetTransform(self.alignment.to_sitk())
        resampler.SetInterpolator(engines[self.kind])
        resampler.SetDefaultPixelValue(fill)
        drawn = resampler.Execute(image)
        del image  # one copy less while the result is copied out
        return np.asarray(sitk.GetArrayFromImage(drawn))

    def around(self, array: NDArray[Any], missing: NDArray[np.bool_], fill: float) -> NDArray[Any]:
        """Draw the mean of the neighbours that have a value; NaN where most have none."""
        drawn = self(np.where(missing, array.dtype.type(0), array), fill)
        weight = self((~missing).astype(np.float32), 1.0)
        known = weight >= LEAST_WEIGHT
        np.divide(drawn, weight, out=drawn, where=known)
        drawn[~known] = np.nan
        return drawn


def _readable(array: NDArray[Any], *, keep_type: bool) -> NDArray[Any]:
    """Give voxels in a type ITK can draw: float32, or the volume's own type for "nearest"."""
    if array.dtype == np.float64 or (keep_type and array.dtype not in (np.float16, bool)):
        return array
    return array.astype(np.uint8 if keep_type and array.dtype == bool else np.float32, copy=False)


def _missing(array: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Mark voxels without a finite value; None when there are none."""
    if not np.issubdtype(array.dtype, np.floating):
        return None
    finite = np.isfinite(array)
    return None if finite.all() else ~finite


def _background(volume: Volume, missing: NDArray[np.bool_] | None) -> float:
    """Give the value of nothing; 0 for a volume that holds no value at all."""
    return 0.0 if missing is not None and missing.all() else volume.background


def _step(grid: Grid, alignment: Alignment | None, kind: str, fill: float) -> Step:
    parameters: dict[str, JSON] = {
        "shape": list(grid.shape),
        "affine": grid.affine.tolist(),
        "interpolation": kind,
        "fill": fill if np.isfinite(fill) else str(fill),
    }
    if alignment is None:
        return Step("resample", parameters)
    quality = alignment.quality
    parameters["matrix"] = alignment.matrix.tolist()
    if alignment.field is not None:
        parameters["field_sha256"] = alignment.field.sha256
    parameters["verdict"] = quality.verdict
    warnings = () if quality.verdict == "PASS" else (f"{quality.verdict}: {quality.sentence}",)
    return Step("resample", parameters, warnings)
