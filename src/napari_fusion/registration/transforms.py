"""Alignments as ITK transforms, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import SMALLEST_SCALE, Alignment
from napari_fusion.registration.field import DisplacementField

if TYPE_CHECKING:
    import SimpleITK as sitk

LARGEST = 1e9
"""No number of a map is larger: in mm it is a thousand kilometres."""

FLAT = "the transform is {}-D; volumes need a 3-D transform"

FINER = 4
"""Nodes that a B-spline field is read at, for each of its own along an axis."""


def to_sitk(matrix: NDArray[np.float64], field: DisplacementField | None = None) -> sitk.Transform:
    """Make an ITK transform of a (4, 4) LPS matrix, after a field when there is one.

    A composite holds the matrix first and the field second, because ITK applies the last one first.
    """
    import SimpleITK as sitk

    linear = sitk.AffineTransform(3)
    linear.SetMatrix(matrix[:3, :3].ravel().tolist())
    linear.SetTranslation(matrix[:3, 3].tolist())
    if field is None:
        return linear
    from napari_fusion.itk import place

    image = sitk.GetImageFromArray(field.vectors.astype(np.float64), isVector=True)
    place(image, field.grid)
    return sitk.CompositeTransform([linear, sitk.DisplacementFieldTransform(image)])


def from_sitk(transform: sitk.Transform, fixed: Grid, moving: Grid) -> Alignment:
    """Take an ITK transform, composite or not; see `Alignment.from_sitk`.

    Raises
    ------
    ReadError
        The transform is not 3-D, not finite, flattens space, or is of a kind that is not known.
    """
    if transform.GetDimension() != 3:
        raise ReadError(FLAT.format(transform.GetDimension()))
    if transform.IsLinear():
        return Alignment(fixed, moving, matrix_of(transform))
    alignment = Alignment.identity(fixed, fixed)
    for part in reversed(parts_of(transform)):  # ITK applies the last one first
        alignment = alignment.then(_elementary(part, fixed, fixed))
    return replace(alignment, moving=moving)


def parts_of(transform: sitk.Transform) -> list[sitk.Transform]:
    """List the transforms of a composite, nested or not, as ITK stores them.

    One of a kind that SimpleITK has no name for stays a composite: of itself.
    """
    import SimpleITK as sitk

    part = transform.Downcast()
    if not isinstance(part, sitk.CompositeTransform):
        return [part]
    flat = sitk.CompositeTransform(part)
    flat.FlattenTransform()
    return [flat.GetNthTransform(n) for n in range(flat.GetNumberOfTransforms())]


def _elementary(part: sitk.Transform, fixed: Grid, moving: Grid) -> Alignment:
    """Take a transform that is no composite."""
    import SimpleITK as sitk

    if part.IsLinear():
        return Alignment(fixed, moving, matrix_of(part))
    if isinstance(part, sitk.DisplacementFieldTransform):
        image = part.GetDisplacementField()
    elif isinstance(part, sitk.BSplineTransform):
        image = _spline_field(part)
    else:
        raise ReadError(
            f"the transform is a {part.GetName()}; only linear ones, displacement fields and "
            "B-splines can be read"
        )
    from napari_fusion.itk import grid_of

    vectors = sitk.GetArrayFromImage(image)
    if not -LARGEST <= vectors.min() <= vectors.max() <= LARGEST:
        raise ReadError("the displacement field holds numbers that are not finite or too large")
    try:
        field = DisplacementField(grid_of(image), vectors)
    except (GeometryError, ParameterError) as error:
        raise ReadError(str(error)) from error
    return Alignment(fixed, moving, np.eye(4), field=field)


def _spline_field(spline: sitk.BSplineTransform) -> sitk.Image:
    """Read a B-spline's displacement on cells that fill its domain, beyond which it is none."""
    import SimpleITK as sitk

    counts = np.array(spline.GetTransformDomainMeshSize()) * FINER
    spacing = np.array(spline.GetTransformDomainPhysicalDimensions()) / counts
    direction = np.array(spline.GetTransformDomainDirection()).reshape(3, 3)
    origin = np.array(spline.GetTransformDomainOrigin()) + direction @ (spacing / 2)
    return sitk.TransformToDisplacementField(
        spline,
        sitk.sitkVectorFloat64,
        counts.tolist(),
        origin.tolist(),
        spacing.tolist(),
        direction.ravel().tolist(),
    )


def matrix_of(transform: sitk.Transform) -> NDArray[np.float64]:
    """Flatten a linear ITK transform, composite or not, to a (4, 4) LPS matrix.

    Raises
    ------
    ReadError
        The transform is not finite, or flattens space.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # told below
        origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
        matrix = np.eye(4)
        matrix[:3, :3] = _turns(transform, origin)
    matrix[:3, 3] = origin
    return sound(matrix)


def _turns(transform: sitk.Transform, origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the (3, 3) part: as stored where there is one matrix, else from mapped unit points."""
    stored = getattr(transform.Downcast(), "GetMatrix", None)
    if stored is not None:
        return np.array(stored(), float).reshape(3, 3)
    ends = [np.array(transform.TransformPoint(unit)) - origin for unit in np.eye(3).tolist()]
    return np.stack(ends, axis=1)


def check_bounded(matrix: NDArray[np.float64]) -> None:
    """Refuse numbers that are not finite, or beyond any map."""
    if not np.abs(matrix).max() <= LARGEST:
        raise ReadError("the transform holds numbers that are not finite or too large for any map")


def sound(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refuse a matrix that is not finite or flattens space."""
    check_bounded(matrix)
    if np.linalg.svd(matrix[:3, :3], compute_uv=False).min() <= SMALLEST_SCALE:
        raise ReadError("the transform is singular: it flattens space and cannot be undone")
    return matrix
