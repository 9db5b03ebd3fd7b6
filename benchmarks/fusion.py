"""How fast fusion is, how much memory it takes, and how well it does on registered pairs.

    python benchmarks/fusion.py                      CPU ms a slice and peers, one thread, one run
    python benchmarks/fusion.py --pairs DIR [--every 3]
        quality on DIR/<A>-<B>/<A>/*.png with DIR/<A>-<B>/<B>/*.png (same names);
        of colour pictures the luminance
    python benchmarks/fusion.py --pairs DIR --rows METHOD[:NAME=WORD] ... [--every 3]
        of some methods alone, what an independent comparison prints: Q^AB/F, VIF, SSIM on the
        foreground, SCD and correlation

Times are CPU time, the least of several rounds in turn, so that a busy machine changes them little;
compare ratios, not milliseconds.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pywt
from PIL import Image

from napari_fusion.fusion import lookup, methods
from napari_fusion.metrics import TWO_SIDED, evaluate
from napari_fusion.metrics import lookup as metric
from napari_fusion.nets.data import luminance

WHOLE = (
    "q_abf",
    "q_w",
    "q_cv",
    "vif",
    "ssim_foreground",
    "ms_ssim",
    "fmi",
    "scd",
    "correlation",
    "q_cb",
)
TWO_SIDED_RANK = ("q_abf", "2 q_abf", "2 vif", "2 ssim_foreground", "2 fmi", "q_w", "q_cv")
BROAD_RANK = ("q_abf", "vif", "ssim_foreground", "ms_ssim", "fmi", "scd", "correlation", "q_cb")


def textured(k=2, side=512, seed=0):
    rng = np.random.default_rng(seed)
    planes = [
        cv2.GaussianBlur(rng.random((side, side)).astype(np.float32), (7, 7), 2) for _ in range(k)
    ]
    return np.stack(planes)[:, None]


def cpu_ms(jobs, rounds=20, slow_ms=500):
    """CPU milliseconds of every job, the least of several rounds in turn; of slow ones of four."""
    least = dict.fromkeys(jobs, np.inf)
    for turn in range(rounds + 1):
        for name, work in jobs.items():
            if turn > 4 and least[name] > slow_ms:
                continue
            start = time.process_time()
            work()
            if turn:  # the first makes tables
                least[name] = min(least[name], (time.process_time() - start) * 1e3)
    return least


def numpy_laplacian(stack, levels=4):
    """Fuse as one writes it in plain NumPy, parts included: the peer without an engine."""
    taps = np.array([1, 4, 6, 4, 1], np.float32) / 16

    def blur(p):
        for axis in (0, 1):
            padded = np.pad(p, [(2, 2) if a == axis else (0, 0) for a in (0, 1)], mode="reflect")
            p = sum(
                t * np.take(padded, range(i, i + p.shape[axis]), axis) for i, t in enumerate(taps)
            )
        return p

    def up(p, shape):
        large = np.zeros(shape, np.float32)
        large[::2, ::2] = p
        return 4 * blur(large)

    pyramids = []
    for plane in stack[:, 0]:
        bands = []
        for _ in range(levels):
            small = blur(plane)[::2, ::2]
            bands.append(plane - up(small, plane.shape))
            plane = small
        pyramids.append([*bands, plane / len(stack)])
    for level in range(levels):
        bands = np.stack([p[level] for p in pyramids])
        best = np.abs(bands) == np.abs(bands).max(axis=0)
        for pyramid, band in zip(pyramids, bands * best, strict=True):
            pyramid[level] = band
    parts = []
    for *details, plane in pyramids:
        for detail in reversed(details):
            plane = up(plane, detail.shape) + detail
        parts.append(plane)
    return np.stack(parts)


def pywt_swt(stack):
    """Fuse in the stationary transform as PyWavelets has it, parts included."""
    trees = [pywt.swt2(plane, "db2", 4, trim_approx=True) for plane in stack[:, 0]]
    for tree in trees:
        tree[0] = tree[0] / 2
    for level in range(1, 5):
        for band in range(3):
            pair = np.stack([tree[level][band] for tree in trees])
            chosen = pair * (np.abs(pair) == np.abs(pair).max(axis=0))
            for tree, part in zip(trees, chosen, strict=True):
                bands = list(tree[level])
                bands[band] = part
                tree[level] = tuple(bands)
    return [pywt.iswt2(tree, "db2") for tree in trees]


def speed():
    cv2.setNumThreads(1)
    stack = textured()
    jobs = {m.name: lambda m=m: m(stack) for m in methods()}
    jobs["peer: NumPy Laplacian"] = lambda: numpy_laplacian(stack)
    jobs["peer: PyWavelets SWT db2"] = lambda: pywt_swt(stack)
    least = cpu_ms(jobs)
    print(f"two sources, {' × '.join(map(str, stack.shape[2:]))}, parts included\n")
    for name, ms in least.items():
        print(f"{name:26s} {ms:8.1f} ms {ms / least['laplacian']:8.1f} ×")


ROWS = ("q_abf", "vif", "ssim_foreground", "scd", "correlation")


def rows(root, every, names):
    for folder in sorted(p for p in Path(root).iterdir() if p.is_dir()):
        stacks = list(pairs(folder, every))
        print(f"{folder.name}: {len(stacks)} pairs", flush=True)
        for name in names:
            method, *settings = name.split(":")
            params, found = dict(word.split("=") for word in settings), []
            for stack in stacks:
                fused = lookup(method)(stack[:, None], **params).sum(0).clip(0, 1)[0]
                grey = np.rint(fused.astype(np.float64) * 255) / 255
                found.append(evaluate(grey, stack, list(ROWS)))
            print(f"{name:24s}", *(f"{known_mean([f[k] for f in found]):6.3f}" for k in ROWS))


def pairs(folder, every):
    a, b = folder.name.split("-")
    for second in sorted((folder / b).glob("*.png"))[::every]:
        paths = (folder / a / second.name, second)
        greys = [luminance(np.asarray(Image.open(path))) for path in paths]
        yield np.stack(greys).astype(np.float32) / np.float32(255)


def judged(fused, sources):
    grey = np.rint(fused.astype(np.float64) * 255) / 255  # as a picture file would hold it
    row = evaluate(grey, sources, [name for name in WHOLE if name != "fmi"])
    for name in TWO_SIDED:
        sides = metric(name).sides(grey, sources)
        row[f"2 {name}"] = float(np.sqrt(np.prod(np.clip(sides, 0, None))))
        row.setdefault(name, float(np.mean(sides)))  # FMI, the slow one, only once
    bright = sources[0] >= 0.9
    row["kept"] = fused[bright].sum() / sources[0][bright].sum() if bright.any() else np.nan
    empty = ~sources.any(axis=0)
    row["leak"] = fused[empty].mean() * 255 if empty.any() else 0.0
    return row


def quality(root, every, skip):
    names = [m.name for m in methods() if m.name not in skip]
    table = {}
    for folder in sorted(p for p in Path(root).iterdir() if p.is_dir()):
        stacks = list(pairs(folder, every))
        for name in names:
            rows = [judged(lookup(name)(s[:, None]).sum(0).clip(0, 1)[0], s) for s in stacks]
            table[folder.name, name] = {k: known_mean([r[k] for r in rows]) for k in rows[0]}
        print(f"{folder.name}: {len(stacks)} pairs", flush=True)
    for key in table[next(iter(table))]:
        print(f"\n{key}")
        for name in names:
            cells = [
                f"{table[folder, name][key]:9.3f}" for folder in dict.fromkeys(f for f, _ in table)
            ]
            print(f"{name:16s}", *cells)
    for title, keys in (("two-sided rank", TWO_SIDED_RANK), ("broad rank", BROAD_RANK)):
        mean = ranks(table, names, keys)
        print(f"\n{title} among {len(names)}")
        for name in sorted(names, key=mean.get):
            print(f"{name:16s} {mean[name]:5.2f}")


def known_mean(values):
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def ranks(table, names, keys):
    places = {name: [] for name in names}
    for folder in dict.fromkeys(f for f, _ in table):
        for key in keys:
            better = -1 if key == "q_cv" else 1
            order = sorted(names, key=lambda n, f=folder, k=key, b=better: -b * table[f, n][k])
            for place, name in enumerate(order, start=1):
                places[name].append(place)
    return {name: float(np.mean(p)) for name, p in places.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pairs")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--skip", nargs="*", default=[])
    parser.add_argument("--rows", nargs="*", default=[])
    options = parser.parse_args()
    if options.rows:
        rows(options.pairs, options.every, options.rows)
    elif options.pairs:
        quality(options.pairs, options.every, options.skip)
    else:
        speed()
