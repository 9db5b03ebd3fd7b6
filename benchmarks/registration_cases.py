"""Pairs of volumes whose alignment is known, and ways to spoil them."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from napari_fusion import Alignment, Grid, load, phantom
from napari_fusion.registration.alignment import pose_matrix

KINDS = (
    ("CT", "T1"), ("CT", "T2"), ("T1", "T2"), ("T1", "PET"), ("CT", "PET"), ("T1", "SPECT"),
)  # fmt: skip


class Pair:
    """A fixed and a moving volume, the truth between them, and where errors are measured."""

    def __init__(self, fixed, moving, truth, points):
        self.fixed, self.moving, self.truth, self.points = fixed, moving, truth, points

    def error(self, matrix):
        """Mean target error in mm."""
        gap = (matrix - self.truth)[:3]
        return float(np.linalg.norm(self.points @ gap[:, :3].T + gap[:, 3], axis=1).mean())

    def errors(self, alignment):
        """Distances in mm between where an alignment and the truth send each point."""
        there = self.points @ self.truth[:3, :3].T + self.truth[:3, 3]
        return np.linalg.norm(alignment.map_points(self.points) - there, axis=1)

    def with_moving(self, moving):
        """Show the same anatomy in another moving volume of the same frame."""
        return Pair(self.fixed, moving, self.truth, self.points)

    def thrown(self, seed, mm=50.0, degrees=30.0):
        """Move the moving volume by a random pose: up to `mm` and `degrees` about each axis."""
        if seed == 0:
            return self
        rng = np.random.default_rng(1000 + seed)
        angles, shift = rng.uniform(-1, 1, (2, 3))
        push = pose_matrix(np.radians(degrees * angles), mm * shift, self.moving.grid.centre)
        grid = Grid(self.moving.grid.shape, push @ self.moving.grid.affine)
        thrown = replace(self.moving, grid=grid, frame_uid=None)
        return Pair(self.fixed, thrown, push @ self.truth, self.points)


def cropped(volume, low, high):
    """Keep the voxels between two shares of each axis."""
    cut = tuple(
        slice(int(a * n), int(b * n)) for a, b, n in zip(low, high, volume.grid.shape, strict=True)
    )
    affine = np.array(volume.grid.affine)
    affine[:3, 3] = volume.grid.index_to_lps([c.start for c in cut])
    array = volume.array[cut]
    return replace(volume, array=array, grid=Grid(array.shape, affine))


def mirrored(volume):
    """Swap left and right in the voxels, not in the header."""
    axis = int(np.argmax(np.abs(volume.grid.direction[0])))
    return replace(volume, array=np.flip(volume.array, axis).copy())


@cache
def head(kind, seed):
    return phantom.head(kind, seed=seed)


def brain():
    rng = np.random.default_rng(5)
    way = rng.normal(size=(2000, 3))
    way /= np.linalg.norm(way, axis=1)[:, None]
    return way * rng.random((2000, 1)) ** (1 / 3) * [60, 75, 60] + [0, -5, 8]


def phantom_pair(kinds, seed=20):
    fixed, moving = head(kinds[0], seed), head(kinds[1], seed + 1)
    return Pair(fixed, moving, np.eye(4), brain())


def slab(pair):
    """Show a third of the head in the moving volume."""
    return pair.with_moving(cropped(pair.moving, (0.42, 0, 0), (0.75, 1, 1)))


def half(pair):
    """Show the left of the head only, in the moving volume."""
    return pair.with_moving(cropped(pair.moving, (0, 0, 0.4), (1, 1, 1)))


def vertebrae(seed, *, pelvis):
    """Show a trunk in CT, and five of its vertebrae in T1, which look like any other five."""
    rng = np.random.default_rng([seed, 32])
    long, short = (Grid.regular((n, 80, 110), (3, 3, 3)) for n in (130, 54))
    fixed = phantom.trunk("CT", long, pelvis=pelvis, seed=seed)
    moving = phantom.trunk("T1", short, pelvis=pelvis, seed=seed + 1)
    points = rng.uniform(-1, 1, (500, 3)) * [70, 60, 60]
    return Pair(fixed, moving, np.eye(4), points)


def real_pairs(data: Path):
    """Brain MR of one patient: T1 and T2 to FLAIR at two dates, FLAIR and T1 between them."""
    folder = data / "ms_longitudinal" / "patient01"
    if not folder.is_dir():
        return {}
    matrix = {path.stem: Alignment.load(path).matrix for path in folder.glob("*.txt")}
    mask = load(folder / "brainmask.nii.gz")
    spots = np.argwhere(mask.array > 0)
    common = mask.grid.index_to_lps(spots[:: max(1, len(spots) // 2000)])

    def flair(date):
        return load(folder / f"study{date}_FLAIR.nii.gz")

    def in_flair(date):
        to_flair = matrix[f"study{date}_FLAIR_to_common_space"]
        return common @ to_flair[:3, :3].T + to_flair[:3, 3]

    pairs = {}
    for date in (1, 2):
        for kind in ("T1W", "T2W"):
            truth = matrix[f"study{date}_{kind}_intrastudy_to_FLAIR"]
            moving = load(folder / f"study{date}_{kind}.nii.gz")
            pairs[f"FLAIR{date}-{kind}"] = Pair(flair(date), moving, truth, in_flair(date))
    one, two = (matrix[f"study{date}_FLAIR_to_common_space"] for date in (1, 2))
    between = two @ np.linalg.inv(one)
    pairs["FLAIR1-FLAIR2"] = Pair(flair(1), flair(2), between, in_flair(1))
    first, second = (pairs[f"FLAIR{date}-T1W"] for date in (1, 2))
    truth = second.truth @ between @ np.linalg.inv(first.truth)
    truth[3] = 0, 0, 0, 1
    points = in_flair(1) @ first.truth[:3, :3].T + first.truth[:3, 3]
    pairs["T1W1-T1W2"] = Pair(first.moving, second.moving, truth, points)
    return pairs


def strangers(data: Path):
    """Volumes of different people, which no alignment makes one."""
    files = {
        "ms": "ms_longitudinal/patient01/study1_T1W.nii.gz",
        "ms2": "ms_longitudinal/patient01/study2_FLAIR.nii.gz",
        "rire": "rire_001/training_001_mr_T1.mha",
        "anatomy": "other_formats/someones_anatomy.nii.gz",
        "visible": "visible_male_head/vm_head_mri.mha",
        "pitch": "other_formats/CT_pitch.nii.gz",
        "sarcoma": "sts_petct_mr/STS_002/MR_T1/image",
    }
    volumes = {name: load(data / file) for name, file in files.items() if (data / file).exists()}
    volumes |= {f"phantom {kind}": head(kind, 20) for kind in ("CT", "T1", "PET")}
    names = sorted(volumes)
    family = ({"ms", "ms2"}, {"phantom CT", "phantom T1", "phantom PET"})
    return {
        f"{a} / {b}": (volumes[a], volumes[b])
        for i, a in enumerate(names)
        for b in names[i + 1 :]
        if not any({a, b} <= kin for kin in family)
    }
