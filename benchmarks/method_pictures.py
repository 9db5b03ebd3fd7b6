"""Draw every fusion method on a slice of two pairs, with metrics and time, for docs/methods.md.

    python benchmarks/method_pictures.py --pet DIR [--out docs/images/methods]

The first pair is the digital head (CT and T1). The second is a PET and a CT of one patient that
share a frame of reference: DIR holds CT/image and PET/image, as in the soft-tissue sarcoma
collection (Vallières et al. 2015, doi:10.7937/K9/TCIA.2015.7GO2GSKS, CC BY 3.0).
One picture a method, the pairs side by side; its figures are printed as rows of a table.
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
from napari_fusion.slab import CT_WINDOWS, Window, default_window

SIDE = 200
"""Least height of a picture, in pixels: slices with fewer are shown twice as large."""

MOST_BYTES = 60_000

NAMES = ("q_abf", "n_abf")
SIDED = ("q_abf", "vif")


def head():
    ct = phantom.head("CT")
    sources = [ct, phantom.head("T1", ct.grid)]
    return slices(sources, [default_window(v.array, v.modality, v.unit) for v in sources], 0.5)


def patient(folder):
    """Give CT and PET on the CT's grid with pixels of 1 mm, through the hottest slice."""
    ct, pet = load(folder / "CT" / "image"), load(folder / "PET" / "image")
    pet = resample(pet, ct.grid)
    hottest = np.unravel_index(np.nanargmax(pet.array), pet.array.shape)[0]
    windows = [CT_WINDOWS["whole"], Window(lower=0, upper=10)]
    return slices([ct, pet], windows, hottest / len(pet.array))


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
    ms = cpu_ms(lambda: lookup(name)(stack), 3)
    values = [numbers["q_abf"], *(both[n] for n in SIDED), numbers["n_abf"]]
    return [*(f"{value:.3f}".lstrip("0") for value in values), f"{ms:.1f}"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pet", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images/methods"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    pairs = [head(), patient(options.pet)]
    for name, stack in zip(("head", "patient"), pairs, strict=True):
        save(stack[:, 0], options.out / f"sources-{name}.png")
    for method in methods():
        fused = [method(stack).sum(axis=0).clip(0, 1)[0] for stack in pairs]
        save(fused, options.out / f"{method.name}.png")
        cells = [c for s, f in zip(pairs, fused, strict=True) for c in row(method.name, s, f)]
        print(f"| `{method.name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
