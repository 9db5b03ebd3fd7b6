"""How accurate, robust and quick rigid registration is.

    python benchmarks/registration.py                 table: ours and every installed peer
    python benchmarks/registration.py --starts 20     more random starts (±50 mm, ±30° an axis)

The gate's ROC has a script of its own: registration_gate.py.

Peers (itk-elastix, picsl-greedy, antspyx) are used when installed and skipped when not. Real pairs
are used when NAPARI_FUSION_DATA names their folder. Times are CPU seconds on one thread.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import numpy as np
import SimpleITK as sitk
from registration_cases import KINDS, phantom_pair, real_pairs, slab
from registration_people import stand_ins

from napari_fusion import Alignment, align
from napari_fusion.itk import to_sitk

BAD_MM = 4.0
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def ours(fixed, moving):
    return align(fixed, moving).matrix


def elastix(fixed, moving):
    import itk

    images = []
    for volume in (fixed, moving):
        image = itk.image_from_array(np.ascontiguousarray(volume.array, np.float32))
        image.SetSpacing(volume.grid.spacing[::-1].tolist())
        image.SetOrigin(volume.grid.origin.tolist())
        columns = np.ascontiguousarray(volume.grid.direction[:, ::-1])
        image.SetDirection(itk.matrix_from_array(columns))
        images.append(image)
    chosen = itk.ParameterObject.New()
    chosen.AddParameterMap(chosen.GetDefaultParameterMap("rigid"))
    _, found = itk.elastix_registration_method(
        *images, parameter_object=chosen, number_of_threads=1
    )
    told = found.GetParameterMap(0)
    numbers = [float(x) for x in told["TransformParameters"]]
    pivot = [float(x) for x in told["CenterOfRotationPoint"]]
    euler = sitk.Euler3DTransform(pivot, *numbers[:3], numbers[3:])
    return Alignment.from_sitk(euler, fixed.grid, moving.grid).matrix


def greedy(fixed, moving):
    from picsl_greedy import Greedy3D

    engine = Greedy3D()
    engine.execute(
        "-i F M -a -dof 6 -m NMI -ia-image-centers -n 100x50x10 -threads 1 -V 0 -o T",
        F=to_sitk(fixed), M=to_sitk(moving), T=None,
    )  # fmt: skip
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ np.array(engine["T"]) @ flip


def ants_quick(fixed, moving):
    import ants

    images = []
    for volume in (fixed, moving):
        image = ants.from_numpy(np.ascontiguousarray(volume.array.T, np.float32))
        image.set_spacing(tuple(volume.grid.spacing[::-1]))
        image.set_origin(tuple(volume.grid.origin))
        image.set_direction(np.ascontiguousarray(volume.grid.direction[:, ::-1]))
        images.append(image)
    found = ants.registration(*images, type_of_transform="QuickRigid", random_seed=1)
    transform = sitk.ReadTransform(found["fwdtransforms"][0])
    return Alignment.from_sitk(transform, fixed.grid, moving.grid).matrix


def installed():
    """List the engines that can be imported, ours first."""
    from importlib.util import find_spec

    peers = (("itk", elastix), ("picsl_greedy", greedy), ("ants", ants_quick))
    return [ours, *(engine for module, engine in peers if find_spec(module))]


def pairs_of(data, only):
    """Name pairs and make those that are asked for."""
    made = {f"head {a}-{b}": partial(phantom_pair, (a, b)) for a, b in KINDS}
    made["head CT-T1 slab"] = lambda: slab(phantom_pair(("CT", "T1")))
    made["head T1-PET slab"] = lambda: slab(phantom_pair(("T1", "PET")))
    if data is not None:
        real = real_pairs(data) | stand_ins(data)
        made |= {name: lambda p=pair: p for name, pair in real.items()}
    for name, make in made.items():
        if not only or name in only:
            yield name, make()


def table(data, starts, only, alone):
    engines = [ours] if alone else installed()
    print(f"{'pair':18} {'engine':10} found  median mm  worst mm  CPU s   ({starts} starts)")
    for name, pair in pairs_of(data, only):
        for engine in engines:
            errors, seconds = [], []
            for seed in range(starts):
                thrown = pair.thrown(seed)
                begun = time.process_time()
                matrix = engine(thrown.fixed, thrown.moving)
                seconds.append(time.process_time() - begun)
                errors.append(thrown.error(matrix))
            good = [e for e in errors if e < BAD_MM]
            median = np.median(good) if good else np.nan
            print(
                f"{name:18} {engine.__name__:10} {len(good):2}/{starts:2}  {median:9.2f} "
                f"{max(errors):9.2f}  {np.median(seconds):5.2f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--only", nargs="*", help="names of pairs, as the table prints them")
    parser.add_argument("--alone", action="store_true", help="without peers")
    chosen = parser.parse_args()
    folder = os.environ.get("NAPARI_FUSION_DATA")
    data = Path(folder) / "volumes" if folder else None
    table(data, chosen.starts, chosen.only, chosen.alone)


if __name__ == "__main__":
    main()
