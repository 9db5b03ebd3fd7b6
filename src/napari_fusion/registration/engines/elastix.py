"""Elastix (itk-elastix; Klein et al. 2010), in its own process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_fusion.registration.engines.job import Job

DEFAULTS = {"rigid": "rigid", "affine": "affine", "deformable": "bspline"}
"""Elastix's own parameter maps."""

NODES_MM = "16"
"""Spacing of a B-spline's nodes."""


def registered(job: Job, images: Mapping[str, Any]) -> Any:
    """Give the (4, 4) LPS matrix, or the displacements as an image: fixed → moving."""
    import itk

    here = {name: _image(image) for name, image in images.items()}
    still, mobile = here.pop("fixed"), here.pop("moving")
    _, found = itk.elastix_registration_method(
        still, mobile, parameter_object=_parameters(job), number_of_threads=1, **here
    )
    if job.model == "deformable":
        return _field(itk.transformix_deformation_field(mobile, found), images["fixed"])
    return _matrix(found.GetParameterMap(0))


def _parameters(job: Job) -> Any:
    import itk

    chosen = itk.ParameterObject.New()
    asked = chosen.GetDefaultParameterMap(DEFAULTS[job.model])
    asked["RandomSeed"] = [str(job.seed + 1)]  # 0 would draw one by the clock
    asked["AutomaticTransformInitialization"] = ["true" if job.centred else "false"]
    if job.model == "deformable":
        asked["FinalGridSpacingInPhysicalUnits"] = [NODES_MM]
    chosen.AddParameterMap(asked)
    return chosen


def _image(image: Any) -> Any:
    """Carry an image of SimpleITK over to ITK."""
    import itk
    import SimpleITK as sitk

    made = itk.image_from_array(sitk.GetArrayFromImage(image))
    made.SetSpacing(image.GetSpacing())
    made.SetOrigin(image.GetOrigin())
    made.SetDirection(itk.matrix_from_array(np.reshape(image.GetDirection(), (3, 3))))
    return made


def _field(field: Any, like: Any) -> Any:
    """Carry displacements on the fixed grid over to SimpleITK."""
    import itk
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(itk.array_from_image(field), isVector=True)
    image.CopyInformation(like)
    return image


def _matrix(told: Any) -> Any:
    """Read elastix's Euler or affine transform, about a centre of its own."""
    import SimpleITK as sitk

    from napari_fusion.registration.transforms import matrix_of

    numbers = [float(x) for x in told["TransformParameters"]]
    pivot = [float(x) for x in told["CenterOfRotationPoint"]]
    if len(numbers) == 6:
        return matrix_of(sitk.Euler3DTransform(pivot, *numbers[:3], numbers[3:]))
    return matrix_of(sitk.AffineTransform(numbers[:9], numbers[9:], pivot))
