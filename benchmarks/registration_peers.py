"""What else is installed that registers: one function a program, all on one thread."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import SimpleITK as sitk

from napari_fusion import Alignment, resample
from napari_fusion.itk import grid_of, to_sitk
from napari_fusion.registration import DisplacementField
from napari_fusion.registration.engines.job import Job

sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def greedy(fixed, moving):
    return _by("greedy", "rigid", to_sitk(fixed), to_sitk(moving))


def elastix(fixed, moving):
    return _by("elastix", "rigid", to_sitk(fixed), to_sitk(moving))


def ants_quick(fixed, moving):
    import ants

    images = [_to_ants(to_sitk(volume)) for volume in (fixed, moving)]
    found = ants.registration(*images, type_of_transform="QuickRigid", random_seed=1)
    transform = sitk.ReadTransform(found["fwdtransforms"][0])
    return Alignment.from_sitk(transform, fixed.grid, moving.grid).matrix


def greedy_bent(case):
    return _bent_by(case, _by("greedy", "deformable", *_on_fixed(case)))


def elastix_bent(case):
    return _bent_by(case, _by("elastix", "deformable", *_on_fixed(case)))


def ants_syn(case):
    import ants

    images = [_to_ants(image) for image in _on_fixed(case)]
    found = ants.registration(*images, type_of_transform="SyNOnly", random_seed=1)
    warps = [name for name in found["fwdtransforms"] if name.endswith(".nii.gz")]
    return _bent_by(case, sitk.ReadImage(warps[0], sitk.sitkVectorFloat64))


def demons(case):
    fixed, moving = _on_fixed(case)
    moving = sitk.HistogramMatching(moving, fixed)
    engine = sitk.DiffeomorphicDemonsRegistrationFilter()
    engine.SetStandardDeviations(2.0)
    field = None
    for factor, rounds in ((4, 60), (2, 40), (1, 15)):
        small = [sitk.BinShrink(image, [factor] * 3) for image in (fixed, moving)]
        engine.SetNumberOfIterations(rounds)
        if field is not None:
            field = sitk.Resample(field, small[0])
        field = engine.Execute(*small, field) if field is not None else engine.Execute(*small)
    return _bent_by(case, field)


def itk_spline(case):
    fixed, moving = _on_fixed(case)
    start = sitk.BSplineTransformInitializer(fixed, [6, 6, 6])
    engine = sitk.ImageRegistrationMethod()
    engine.SetMetricAsMattesMutualInformation(32)
    engine.SetMetricSamplingStrategy(engine.RANDOM)
    engine.SetMetricSamplingPercentage(0.05, seed=1)
    engine.SetOptimizerAsLBFGS2(numberOfIterations=30)
    engine.SetInterpolator(sitk.sitkLinear)
    engine.SetInitialTransform(start, inPlace=False)
    found = Alignment.from_sitk(engine.Execute(fixed, moving), case.fixed.grid, case.fixed.grid)
    return replace(case.start, field=found.field)


RIGID = (("itk", elastix), ("picsl_greedy", greedy), ("ants", ants_quick))
BENT = (("itk", elastix_bent), ("picsl_greedy", greedy_bent), ("ants", ants_syn),
        ("SimpleITK", demons), ("SimpleITK", itk_spline))  # fmt: skip


def installed(peers):
    """List the programs that can be imported."""
    return [engine for module, engine in peers if find_spec(module)]


def _by(engine, model, fixed, moving):
    """Ask a program that is an optional engine of ours, in this process, to be timed."""
    if engine == "greedy":
        from napari_fusion.registration.engines.greedy import registered
    else:
        from napari_fusion.registration.engines.elastix import registered
    job = Job(engine, model, seed=0, centred=model == "rigid")
    return registered(job, {"fixed": _floats(fixed), "moving": _floats(moving)})


def _floats(image):
    return sitk.Cast(image, sitk.sitkFloat32)


def _on_fixed(case):
    """Draw the moving volume on the fixed grid by the true linear map, as images of ITK."""
    moved = resample(case.moving, case.fixed.grid, case.start)
    return [_floats(to_sitk(volume)) for volume in (case.fixed, moved)]


def _bent_by(case, image):
    field = DisplacementField(grid_of(image), sitk.GetArrayFromImage(image))
    return replace(case.start, field=field)


def _to_ants(image):
    import ants

    made = ants.from_numpy(np.ascontiguousarray(sitk.GetArrayFromImage(image).T, np.float32))
    made.set_spacing(image.GetSpacing())
    made.set_origin(image.GetOrigin())
    made.set_direction(np.array(image.GetDirection()).reshape(3, 3))
    return made
