"""The digital trunk: a row of vertebrae that all look alike, to show what a match cannot tell."""

from __future__ import annotations

import numpy as np

from napari_fusion.grid import Grid
from napari_fusion.phantom.scanner import degrade
from napari_fusion.phantom.tissue import MEANING, Tissue, reading
from napari_fusion.volume import Step, Volume

VERTEBRA_MM, BODY_MM = 32.0, 24.0
"""From one vertebra to the next, and how much of it is bone: the rest is disc."""


def trunk(kind: str, grid: Grid, *, pelvis: bool = False, seed: int = 0) -> Volume:
    """Render the trunk as one scanner would show it.

    Parameters
    ----------
    kind
        "CT" (HU), "T1" or "T2" (MR).
    grid
        Where to render, LPS mm: the trunk runs along S without end.
    pelvis
        Whether bone that is no vertebra lies at the origin, so that each has a place of its own.
    seed
        Chooses noise and bias field.

    Returns
    -------
    Volume
        float32 voxels.
    """
    x, y, z = grid.index_to_lps(np.indices(grid.shape, np.float32).reshape(3, -1).T).T
    column = np.hypot(x, y - 40) < 24
    painted = [
        (Tissue.FAT, (x / 150) ** 2 + (y / 100) ** 2 < 1),
        (Tissue.MUSCLE, (x / 130) ** 2 + (y / 82) ** 2 < 1),
        (Tissue.FAT, np.hypot((x + 65) / 45, (y + 15) / 45) < 1),
        (Tissue.GLAND, np.hypot((x + 65) / 40, (y + 15) / 40) < 1),
        (Tissue.CARTILAGE, column),
        (Tissue.MARROW, column & (np.mod(z, VERTEBRA_MM) < BODY_MM)),
        (Tissue.BLOOD, np.hypot(x + 40, y) < 12),
    ]
    if pelvis:
        bone = (x / 110) ** 2 + ((y - 30) / 40) ** 2 + ((z + 20) / 30) ** 2 < 1
        painted.append((Tissue.BONE, bone))
    array = np.full(len(x), reading(Tissue.AIR, kind), np.float32)
    for tissue, where in painted:
        array[where] = reading(tissue, kind)
    array = degrade(array.reshape(grid.shape), grid, kind, seed)
    step = Step("phantom", {"kind": kind, "pelvis": pelvis, "seed": seed})
    return Volume(array, grid, *MEANING[kind], history=(step,), name=f"trunk {kind}")
