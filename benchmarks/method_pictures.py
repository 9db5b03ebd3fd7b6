"""Draw every fusion method on slices of three pairs, with metrics and time, for docs/methods.md.

    python benchmarks/method_pictures.py --sts DIR [--out docs/images/methods]

The first pair is the digital head (CT and T1). The others are of patients: CT and T1 of a thigh
and PET and T1 of a tumour of the buttock, each pair in one frame of reference. DIR holds STS_001
and STS_002 of the soft-tissue sarcoma collection (Vallières et al. 2015,
doi:10.7937/K9/TCIA.2015.7GO2GSKS, CC BY 3.0) as folders CT/image, PET/image and MR_T1/image.
One picture a method, the pairs side by side; the figures of the patients are printed as a table.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from fusion import cpu_ms
from PIL import Image

from napari_fusion import load, phantom, resample
from napari_fusion.fusion import lookup, methods
from napari_fusion.metrics import evaluate, two_sided
from napari_fusion.slab import CT_WINDOWS, PT_WINDOWS, default_window

SIDE = 200
"""Least height of a picture, in pixels: slices with fewer are shown twice as large."""

MOST_BYTES = 75_000

NAMES = ("q_abf", "n_abf")
SIDED = ("q_abf", "vif")


def head():
    ct = phantom.head("CT")
    sources = [ct, phantom.head("T1", ct.grid)]
    return slices(sources, [default_window(v.array, v.modality, v.unit) for v in sources], 0.5)


def patient(folder, kind, window, depth):
    """Give a slice of CT or PET and T1 on the MR's grid, `depth` of the way through it."""
    mr = load(folder / "MR_T1" / "image")
    other = resample(load(folder / kind / "image"), mr.grid)
    return slices([other, mr], [window, default_window(mr.array, mr.modality, mr.unit)], depth)


def hottest(folder):
    """Say how far through the MR the slice with the highest uptake lies."""
    mr = load(folder / "MR_T1" / "image")
    pet = resample(load(folder / "PET" / "image"), mr.grid)
    return np.unravel_index(np.nanargmax(pet.array), pet.array.shape)[0] / len(pet.array)


def slices(volumes, windows, depth):
    """Give one slice of each volume in [0, 1], (k, 1, h, w)."""
    index = int(depth * len(volumes[0].array))
    return np.stack([w(v.array[index])[None] for v, w in zip(volumes, windows, strict=True)])


def shown(plane):
    """Give 8-bit grey; pixels of small slices are repeated, so that single ones can be seen."""
    times = 2 if plane.shape[0] < SIDE else 1
    grey = np.rint(plane.clip(0, 1) * 255).astype(np.uint8)
    return np.kron(grey, np.ones((times, times), np.uint8))


def save(planes, path):
    """Write pictures side by side, centred, on black."""
    tiles = [shown(plane) for plane in planes]
    height = max(len(tile) for tile in tiles)
    padded = []
    for tile in tiles:
        above = (height - len(tile)) // 2
        padded.append(np.pad(tile, ((above, height - len(tile) - above), (4, 4))))
    Image.fromarray(np.hstack(padded)).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        print(f"{path.name} has {path.stat().st_size} bytes: too large for the page")


def row(name, stack, fused):
    """Give the figures of one pair: Q^AB/F, two-sided Q^AB/F and VIF, artefacts, CPU ms."""
    grey, sources = np.rint(fused.astype(float) * 255) / 255, stack[:, 0]
    numbers, both = evaluate(grey, sources, NAMES), two_sided(grey, sources, SIDED)
    ms = cpu_ms({name: lambda: lookup(name)(stack)}, 3)[name]
    values = [numbers["q_abf"], *(both[n] for n in SIDED), numbers["n_abf"]]
    return [*(f"{value:.3f}".lstrip("0") for value in values), f"{ms:.1f}"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sts", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images/methods"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    thigh, tumour = options.sts / "STS_001", options.sts / "STS_002"
    patients = [
        patient(thigh, "CT", CT_WINDOWS["whole"], 0.85),
        patient(tumour, "PET", PT_WINDOWS["suv 10"], hottest(tumour)),
    ]
    pairs = [head(), *patients]
    for name, stack in zip(("head", "ct-mr", "pet-mr"), pairs, strict=True):
        save(stack[:, 0], options.out / f"sources-{name}.png")
    for method in methods():
        fused = [method(stack).sum(axis=0).clip(0, 1)[0] for stack in pairs]
        save(fused, options.out / f"{method.name}.png")
        cells = [
            c for s, f in zip(patients, fused[1:], strict=True) for c in row(method.name, s, f)
        ]
        print(f"| `{method.name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
