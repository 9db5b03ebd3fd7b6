"""How well known warps are found, by us and by what is installed.

    python benchmarks/registration_bent.py                 all pairs, one warp each
    python benchmarks/registration_bent.py --seeds 3       more warps
    python benchmarks/registration_bent.py --only T1-T2    some pairs

A moving volume is bent by a random cubic B-spline, nodes 40 mm apart, scaled to move the brain by
3.7 mm in the mean. Ours starts from its own rigid answer; peers (SimpleITK demons and B-spline,
picsl-greedy, antspyx) start from the true linear map, which is easier. Greedy and ANTs are skipped
when not installed, real pairs when NAPARI_FUSION_DATA does not name their folder. Times are CPU
seconds on one thread.
"""

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import numpy as np
import SimpleITK as sitk
from registration_cases import real_pairs

from napari_fusion import Alignment, AlignOptions, Volume, align, phantom, resample
from napari_fusion.itk import grid_of, to_sitk
from napari_fusion.registration import DisplacementField

MEAN_MM, NODES_MM = 3.7, 40.0
HEADS = (("T1", "T1"), ("T1", "T2"), ("CT", "T1"))
REAL = ("FLAIR1-FLAIR2", "FLAIR1-T1W", "FLAIR2-T1W", "FLAIR2-T2W")
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


@dataclass(frozen=True, eq=False)
class Bent:
    """A pair, its true linear start, and the warp on top of it."""

    fixed: Volume
    moving: Volume
    start: Alignment
    points: np.ndarray
    ends: np.ndarray
    warp: Alignment

    def errors(self, found):
        """Distances in mm, in the space from before the warp."""
        return np.linalg.norm(
            self.warp.map_points(found.map_points(self.points)) - self.ends, axis=1
        )


def spline(points, grid, seed):
    """Make a random B-spline warp that moves the points by MEAN_MM in the mean."""
    low, high = points.min(axis=0) - 60, points.max(axis=0) + 60
    transform = sitk.BSplineTransform(3, 3)
    transform.SetTransformDomainOrigin(low.tolist())
    transform.SetTransformDomainPhysicalDimensions((high - low).tolist())
    mesh = np.maximum(np.round((high - low) / NODES_MM).astype(int), 3)
    transform.SetTransformDomainMeshSize(mesh.tolist())
    count = len(transform.GetParameters())
    transform.SetParameters(np.random.default_rng(seed).normal(0, 1, count).tolist())
    field = Alignment.from_sitk(transform, grid, grid).field
    scale = MEAN_MM / np.linalg.norm(field.at(points), axis=1).mean()
    return Alignment(grid, grid, np.eye(4), field=replace(field, vectors=field.vectors * scale))


def head_case(kinds, seed):
    points = phantom.foreground_points(3000, seed=9)
    fixed = phantom.head(kinds[0], seed=2 * seed + 50)
    warp = spline(points, fixed.grid, seed)
    moving = phantom.head(kinds[1], pose=warp.map_points, seed=2 * seed + 51)
    start = Alignment.identity(fixed.grid, moving.grid)
    return Bent(fixed, moving, start, points, points, warp)


def real_case(pair, seed):
    start = Alignment(pair.fixed.grid, pair.moving.grid, pair.truth)
    ends = start.map_points(pair.points)
    warp = spline(ends, pair.moving.grid, seed)
    moving = resample(pair.moving, pair.moving.grid, warp, interpolation="cubic")
    moving = replace(moving, array=np.maximum(moving.array, 0))
    return Bent(pair.fixed, moving, start, pair.points, ends, warp)


def ours(case):
    return align(case.fixed, case.moving, AlignOptions(model="deformable"))


def on_fixed(case):
    """Draw the moving volume on the fixed grid by the true linear map, as images of ITK."""
    moved = resample(case.moving, case.fixed.grid, case.start)
    return [sitk.Cast(to_sitk(volume), sitk.sitkFloat32) for volume in (case.fixed, moved)]


def bent_by(case, image):
    field = DisplacementField(grid_of(image), sitk.GetArrayFromImage(image))
    return replace(case.start, field=field)


def greedy(case):
    from picsl_greedy import Greedy3D

    fixed, moving = on_fixed(case)
    engine = Greedy3D()
    engine.execute(
        "-i F M -m WNCC 2x2x2 -n 100x50x10 -threads 1 -V 0 -o W", F=fixed, M=moving, W=None
    )
    return bent_by(case, engine["W"])


def ants_syn(case):
    import ants

    images = []
    for image in on_fixed(case):
        array = sitk.GetArrayFromImage(image)
        made = ants.from_numpy(np.ascontiguousarray(array.T))
        made.set_spacing(image.GetSpacing())
        made.set_origin(image.GetOrigin())
        made.set_direction(np.array(image.GetDirection()).reshape(3, 3))
        images.append(made)
    found = ants.registration(*images, type_of_transform="SyNOnly", random_seed=1)
    warps = [name for name in found["fwdtransforms"] if name.endswith(".nii.gz")]
    return bent_by(case, sitk.ReadImage(warps[0], sitk.sitkVectorFloat64))


def demons(case):
    fixed, moving = on_fixed(case)
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
    return bent_by(case, field)


def itk_spline(case):
    fixed, moving = on_fixed(case)
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


def engines():
    from importlib.util import find_spec

    peers = (("picsl_greedy", greedy), ("ants", ants_syn))
    return [ours, demons, itk_spline, *(run for module, run in peers if find_spec(module))]


def cases(data):
    """Name the pairs, and how each is made for a seed."""
    for kinds in HEADS:
        yield f"head {'-'.join(kinds)}", lambda seed, k=kinds: head_case(k, seed)
    real = real_pairs(data) if data is not None else {}
    for name in REAL:
        if name in real:
            yield name, lambda seed, p=real[name]: real_case(p, seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="parts of names of pairs")
    parser.add_argument("--engines", nargs="*", help="names of engines")
    chosen = parser.parse_args()
    folder = os.environ.get("NAPARI_FUSION_DATA")
    data = Path(folder) / "volumes" if folder else None
    print(f"{'pair':16} {'engine':10} seed  mean mm  of start   p95    volume      folded  CPU s")
    for name, made in cases(data):
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        for seed in range(1, chosen.seeds + 1):
            case = made(seed)
            for engine in engines():
                if chosen.engines and engine.__name__ not in chosen.engines:
                    continue
                begun = time.process_time()
                found = engine(case)
                seconds = time.process_time() - begun
                row(name, engine.__name__, seed, case, found, seconds)


def row(name, engine, seed, case, found, seconds):
    errors = case.errors(found)
    start = case.errors(case.start).mean()
    field = found.field
    span, folded = "none", 0.0
    if field is not None:
        span = f"{field.jacobian.smallest:5.2f} to {field.jacobian.largest:.2f}"
        folded = field.jacobian.folded
    print(
        f"{name:16} {engine:10} {seed:4}  {errors.mean():7.2f} {100 * errors.mean() / start:7.0f} %"
        f" {np.percentile(errors, 95):6.2f}  {span}  {100 * folded:6.3f} %  {seconds:5.1f}"
        f"  {found.quality.verdict if engine == 'ours' else ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
