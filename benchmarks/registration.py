"""How accurate, robust and quick rigid registration is, and how far to trust its gate.

    python benchmarks/registration.py                 table: ours and every installed peer
    python benchmarks/registration.py --starts 20     more random starts (±50 mm, ±30° an axis)
    python benchmarks/registration.py --gate FILE     ROC of the gate; cases are kept in FILE
                                                      (JSON lines), so a stopped run goes on

Peers (itk-elastix, picsl-greedy, antspyx) are used when installed and skipped when not. Real pairs
are used when NAPARI_FUSION_DATA names their folder. Times are CPU seconds on one thread.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import numpy as np
import SimpleITK as sitk
from registration_cases import (
    KINDS,
    Pair,
    half,
    mirrored,
    phantom_pair,
    real_pairs,
    slab,
    strangers,
)

from napari_fusion import Alignment, AlignOptions, align
from napari_fusion.itk import to_sitk
from napari_fusion.registration import assess
from napari_fusion.registration.alignment import pose_matrix

GOOD_MM, BAD_MM = 2.0, 4.0
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


def pairs_of(data):
    found = {f"head {a}-{b}": phantom_pair((a, b)) for a, b in KINDS}
    found["head CT-T1 slab"] = slab(phantom_pair(("CT", "T1")))
    if data is not None:
        found |= real_pairs(data)
    return found


def table(data, starts, only, alone):
    engines = [ours] if alone else installed()
    print(f"{'pair':18} {'engine':10} found  median mm  worst mm  CPU s   ({starts} starts)")
    for name, pair in pairs_of(data).items():
        if only and name not in only:
            continue
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


def gate_cases(data):
    """Name every case of the ROC and give what makes its alignment and its error."""
    pairs = {f"{a}-{b}": phantom_pair((a, b), 40) for a, b in KINDS}
    variants = dict(pairs)
    variants |= {f"{name} slab": slab(pair) for name, pair in pairs.items()}
    variants |= {f"{name} half": half(pair) for name, pair in pairs.items()}
    real = real_pairs(data) if data is not None else {}
    for name, pair in (variants | real).items():
        for seed in range(1, 4 if name in variants else 9):
            yield f"found {name} {seed}", lambda p=pair, s=seed: _found(p.thrown(s, 40, 25))
    for name, pair in (pairs | real).items():
        for seed in range(1, 4):
            yield f"wrong start {name} {seed}", lambda p=pair, s=seed: _near(p, s)
            yield f"given {name} {seed}", lambda p=pair, s=seed: _given(p, s)
        for seed in (1, 2):
            yield f"mirrored {name} {seed}", lambda p=pair, s=seed: _mirrored(p, s)
    for name, pair in (strangers(data) if data is not None else {}).items():
        yield f"strangers {name}", lambda p=pair: (align(*p), np.inf)


def _found(pair):
    found = align(pair.fixed, pair.moving)
    return found, pair.error(found.matrix)


def _near(pair, seed):
    """Refine a start far from the truth: usually a wrong optimum."""
    rng = np.random.default_rng(seed)
    push = pose_matrix(rng.uniform(-np.pi, np.pi, 3), rng.normal(0, 20, 3), pair.fixed.grid.centre)
    start = Alignment(pair.fixed.grid, pair.moving.grid, pair.truth @ push)
    found = align(pair.fixed, pair.moving, AlignOptions(search="near"), initial=start)
    return found, pair.error(found.matrix)


def _given(pair, seed):
    """Judge a pose that is off by 4 to 12 mm and degrees, or right (seed 3)."""
    rng = np.random.default_rng(seed)
    shift, turn = rng.normal(size=(2, 3))
    shift *= 0 if seed == 3 else rng.uniform(4, 12) / np.linalg.norm(shift)
    turn *= 0 if seed == 3 else rng.uniform(2, 8) / np.linalg.norm(turn)
    push = pose_matrix(np.radians(turn), shift, pair.fixed.grid.centre)
    given = Alignment(pair.fixed.grid, pair.moving.grid, pair.truth @ push)
    return assess(pair.fixed, pair.moving, given), pair.error(given.matrix)


def _mirrored(pair, seed):
    thrown = Pair(pair.fixed, mirrored(pair.moving), pair.truth, pair.points).thrown(seed, 40, 25)
    return align(thrown.fixed, thrown.moving), np.inf


def gate(data, file):
    known = {}
    if file.exists():
        known = {row["case"]: row for row in map(json.loads, file.read_text().splitlines())}
    with file.open("a") as out:
        for name, made in gate_cases(data):
            if name not in known:
                found, error = made()
                quality = found.quality
                known[name] = {
                    "case": name, "error": error, "verdict": quality.verdict,
                    "uncertainty": quality.uncertainty_mm, **quality.numbers,
                }  # fmt: skip
                out.write(json.dumps(known[name]) + "\n")
                out.flush()
    report(list(known.values()))


def report(rows):
    good = [row for row in rows if row["error"] < GOOD_MM]
    bad = [row for row in rows if row["error"] > BAD_MM]
    print(f"{len(rows)} cases: {len(good)} good (< {GOOD_MM} mm), {len(bad)} bad (> {BAD_MM} mm)")
    for words, group in (("good", good), ("between", None), ("bad", bad)):
        group = group or [row for row in rows if GOOD_MM <= row["error"] <= BAD_MM]
        counts = {v: sum(row["verdict"] == v for row in group) for v in ("PASS", "CHECK", "FAIL")}
        print(f"  {words:8} {counts}")
    for number, way in (("z", 1), ("drop", 1), ("parts_mm", -1), ("spread_mm", -1), ("mirror", -1)):
        a = np.array([way * row[number] for row in good])
        b = np.array([way * row[number] for row in bad])
        area = (a[:, None] > b).mean() + (a[:, None] == b).mean() / 2
        print(f"  {number:9} area under ROC {area:.4f}; good {way * a.min():.2f} at worst")
    for row in rows:
        false_pass = row["verdict"] == "PASS" and row["error"] > BAD_MM
        if false_pass or (row["verdict"] == "FAIL" and row["error"] < GOOD_MM):
            print("  !", {k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--only", nargs="*", help="names of pairs, as the table prints them")
    parser.add_argument("--alone", action="store_true", help="without peers")
    parser.add_argument("--gate", type=Path)
    chosen = parser.parse_args()
    folder = os.environ.get("NAPARI_FUSION_DATA")
    data = Path(folder) / "volumes" if folder else None
    if chosen.gate:
        gate(data, chosen.gate)
    else:
        table(data, chosen.starts, chosen.only, chosen.alone)


if __name__ == "__main__":
    main()
