"""Which lesions `change` sees: bright balls of known size and contrast in even tissue of the head.

    python benchmarks/change.py [--uncertainty 0.5] [--scale 1]

A row a diameter, a column a contrast: the share of the lesions' voxels that are called changed, and
of how many lesions any voxel is. The two dates differ in noise and shading; voxels are 1.5 mm.
"""

import argparse
from dataclasses import replace

import numpy as np
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
    given = parser.parse_args()
    main({"uncertainty_mm": given.uncertainty, "scale_mm": given.scale})
