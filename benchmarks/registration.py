"""How accurate, robust and quick registration is: ours, and every program that is installed.

    python benchmarks/registration.py                 both tables
    python benchmarks/registration.py --starts 20     more random starts (±50 mm, ±30° an axis)
    python benchmarks/registration.py --warps 3       more known warps
    python benchmarks/registration.py --only T1-T2    some pairs; --engines ours elastix greedy

    python benchmarks/registration.py --only demo --starts 20 --warps 0 --engines ours
                                                      the pair of `napari-fusion demo`, 20 seeds

Peers (itk-elastix, picsl-greedy, antspyx, SimpleITK's demons and B-spline) are used when installed
and skipped when not. Real pairs are used when NAPARI_FUSION_DATA names their folder. Bending by
peers starts from the true linear map, which is easier; ours finds its own. Times are CPU seconds on
one thread. Of ours the verdicts are counted, and PASS that are wrong. The ROC of the gate has a
script of its own: registration_gate.py.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import numpy as np
from registration_cases import KINDS, Pair, brain, phantom_pair, real_pairs, slab
from registration_peers import BENT, RIGID, installed
from registration_people import stand_ins
from registration_warps import warped_pairs

from napari_fusion import AlignOptions, align, phantom

BAD_MM = 4.0


def ours(fixed, moving):
    return align(fixed, moving)


class Demo:
    """The pair that the demo shows: every seed renders another pose and other noise."""

    def thrown(self, seed):
        """Render the pair of one seed."""
        return Pair(*phantom.misaligned_pair(seed=seed), brain())


def ours_bent(case):
    return align(case.fixed, case.moving, AlignOptions(model="deformable"))


def rigid_pairs(data):
    """Name pairs, and how each is made."""
    made = {f"head {a}-{b}": partial(phantom_pair, (a, b)) for a, b in KINDS}
    made["head CT-T1 slab"] = lambda: slab(phantom_pair(("CT", "T1")))
    made["head T1-PET slab"] = lambda: slab(phantom_pair(("T1", "PET")))
    made["demo CT-T1"] = Demo
    if data is not None:
        real = real_pairs(data) | stand_ins(data)
        made |= {name: lambda p=pair: p for name, pair in real.items()}
    return made


def timed(engine, *given):
    begun = time.process_time()
    found = engine(*given)
    return found, time.process_time() - begun


def rigid_table(pairs, engines, starts):
    print(f"{'rigid':18} {'engine':12} found  median mm  worst mm  CPU s   ({starts} starts)")
    for name, make in pairs.items():
        pair = make()
        for engine in engines:
            rigid_row(f"{name:18} {engine.__name__:12}", engine, map(pair.thrown, range(starts)))


def rigid_row(words, engine, cases):
    errors, seconds, passed = [], [], []
    for case in cases:
        try:
            found, took = timed(engine, case.fixed, case.moving)
        except (RuntimeError, ValueError):  # some give up: too little overlap, or NaN
            errors.append(np.inf)
            continue
        seconds.append(took)
        errors.append(case.error(getattr(found, "matrix", found)))
        if hasattr(found, "quality") and found.quality.verdict == "PASS":
            passed.append(errors[-1])
    good = [e for e in errors if e < BAD_MM]
    median = np.median(good) if good else np.nan
    wrong = sum(e >= BAD_MM for e in passed)
    print(
        f"{words} {len(good):2}/{len(errors):2}  {median:9.2f} {max(errors):9.2f}  "
        f"{np.median(seconds):5.2f}" + f"  {len(passed)} PASS, {wrong} wrong" * (engine is ours),
        flush=True,
    )


def bent_table(pairs, engines, warps):
    print(f"{'bent':18} {'engine':12} warp  mean mm  of start   p95    volume      folded  CPU s")
    for name, make in pairs.items():
        for seed in range(1, warps + 1):
            case = make(seed)
            for engine in engines:
                bent_row(name, engine.__name__, seed, case, *timed(engine, case))


def bent_row(name, engine, seed, case, found, seconds):
    errors = case.errors(found)
    share = errors.mean() / case.errors(case.start).mean()
    span, folded = "none", 0.0
    if found.field is not None:
        change = found.field.jacobian
        span, folded = f"{change.smallest:5.2f} to {change.largest:.2f}", change.folded
    print(
        f"{name:18} {engine:12} {seed:4}  {errors.mean():7.2f} {100 * share:7.0f} %"
        f" {np.percentile(errors, 95):6.2f}  {span}  {100 * folded:6.3f} %  {seconds:5.1f}"
        f"  {found.quality.verdict if engine.startswith('ours') else ''}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=6, help="of each rigid pair; 0 for no table")
    parser.add_argument("--warps", type=int, default=1, help="of each bent pair; 0 for no table")
    parser.add_argument("--only", nargs="*", help="parts of names of pairs")
    parser.add_argument("--engines", nargs="*", help="parts of names of engines")
    chosen = parser.parse_args()
    folder = os.environ.get("NAPARI_FUSION_DATA")
    data = Path(folder) / "volumes" if folder else None

    def wanted(name, parts):
        return not parts or any(part in name for part in parts)

    def few(named):
        return {name: make for name, make in named.items() if wanted(name, chosen.only)}

    def of(first, peers):
        return [e for e in [first, *installed(peers)] if wanted(e.__name__, chosen.engines)]

    if chosen.starts:
        rigid_table(few(rigid_pairs(data)), of(ours, RIGID), chosen.starts)
    if chosen.warps:
        bent_table(few(warped_pairs(data)), of(ours_bent, BENT), chosen.warps)


if __name__ == "__main__":
    main()
