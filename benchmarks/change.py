"""Which lesions `change` sees, and what it costs.

    python benchmarks/change.py [--uncertainty 0.5] [--scale 1]
        bright balls of known size and contrast in even tissue of the head: the share of the
        lesions' voxels that are called changed, and of how many lesions any voxel is
    python benchmarks/change.py --cost [--slices 300]
        CPU and peak memory of two volumes of 512 x 512 in voxels of 0.4 mm, with one uncertainty
        and with one a voxel, from half to one and a half of it, and to eight times

A row of the first is a diameter, a column a contrast; its two dates differ in noise and shading,
and voxels are 1.5 mm.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from fusion_volumes import status
from scipy import ndimage

from napari_fusion import Grid, phantom
from napari_fusion.fusion import change

SPACING = 1.5
DIAMETERS = (3, 4.5, 6, 9, 15)
CONTRASTS = (0.05, 0.1, 0.2, 0.4)


def places(array, tissue, count=12, apart=30):
    """Give centres (count, 3) in even tissue, `apart` mm from each other."""
    soft = ndimage.gaussian_filter(array, 2)
    even = ndimage.binary_erosion((soft > 0.8 * tissue) & (soft < 1.15 * tissue), iterations=4)
    chosen = []
    for place in np.random.default_rng(0).permutation(np.argwhere(even)):
        if all(np.linalg.norm(place - other) * SPACING > apart for other in chosen):
            chosen.append(place)
    return chosen[:count]


def seen(before, after, centres, brightness, diameter, options):
    """Give the share of voxels seen of every lesion."""
    index = np.indices(after.array.shape)
    radii = [
        SPACING * np.sqrt(((index - c[:, None, None, None]) ** 2).sum(axis=0)) for c in centres
    ]
    lesions = sum(np.clip((diameter / 2 - r) / SPACING + 0.5, 0, 1) for r in radii)
    drawn = replace(after, array=(after.array + brightness * lesions).astype(np.float32))
    found = np.nan_to_num(change(before, drawn, **options).array) > 0
    return [float(found[r <= diameter / 2].mean()) for r in radii]


def cost(slices, options, side=512):
    grid = Grid.regular((slices, side, side), (0.6, 0.4, 0.4))
    head = phantom.head("T1", Grid.regular((60, 64, 64), (3.0, 3.2, 3.2), centre=(0, -8, 20)))
    stretched = np.linspace(0, 59, slices).astype(int)
    array = np.stack([cv2.resize(head.array[i], (side, side)) for i in stretched])
    noise = 0.03 * np.percentile(array, 90)
    dates = []
    for seed in (1, 2):
        grain = np.random.default_rng(seed).standard_normal(grid.shape, np.float32)
        dates.append(replace(head, array=array + np.float32(noise) * grain, grid=grid))
    length = options["uncertainty_mm"]
    asked = {"one": length}
    for most in (1.5, 8):
        differing = np.linspace(0.5 * length, most * length, side, dtype=np.float32)
        asked[f"one a voxel, to {most * length:g} mm"] = np.broadcast_to(differing, grid.shape)
    for name, uncertainty in asked.items():
        Path("/proc/self/clear_refs").write_text("5")
        before, start = status("VmRSS"), time.process_time()
        change(*dates, **{**options, "uncertainty_mm": uncertainty})
        spent, peak = time.process_time() - start, status("VmHWM") - before
        print(f"uncertainty {name}: {spent:5.1f} s of CPU, {peak:6.0f} MB beyond both", flush=True)


def main(options):
    grid = Grid.regular((90, 140, 120), (SPACING,) * 3, centre=(0, -8, 20))
    before, after = (phantom.head("T1", grid, seed=seed) for seed in (1, 2))
    counts, edges = np.histogram(before.array[before.array > np.percentile(before.array, 60)], 80)
    tissue = edges[counts.argmax()]
    near = np.abs(before.array / tissue - 1) < 0.1
    noise = (before.array - after.array)[near].std() / np.sqrt(2)
    print(f"noise: {noise / tissue:.3f} of the tissue's brightness")
    centres = places(before.array, tissue)
    for diameter in DIAMETERS:
        cells = []
        for contrast in CONTRASTS:
            shares = seen(before, after, centres, contrast * tissue, diameter, options)
            cells.append(f"{np.mean(shares):5.0%} {np.count_nonzero(shares):2d}/{len(shares)}")
        print(f"{diameter:4} mm ", "  ".join(cells), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--uncertainty", type=float, default=0.5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--slices", type=int, default=300)
    given = parser.parse_args()
    asked = {"uncertainty_mm": given.uncertainty, "scale_mm": given.scale}
    if given.cost:
        cost(given.slices, asked)
    else:
        main(asked)
