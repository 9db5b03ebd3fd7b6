"""Pairs whose anatomy no threshold was chosen on: other digital people, other real volumes.

A digital person is the digital head seen through a stretch and two smooth warps that never fold,
with lesions, contrasts, noise and voxel sizes of their own. A real volume that has no partner is
paired with an altered copy of itself: grey levels folded over (not monotone), shaded, noisy, on
another grid turned by a known amount, often cut; its truth is exact.
"""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from registration_cases import KINDS, Pair, brain, cropped, half, slab

from napari_fusion import Alignment, Grid, load, phantom, resample
from napari_fusion.phantom.scanner import degrade
from napari_fusion.registration.alignment import pose_matrix

REAL = {
    "rire": ("rire_001/training_001_mr_T1.mha", {}),
    "visible": ("visible_male_head/vm_head_mri.mha", {}),
    "anatomy": ("other_formats/someones_anatomy.nii.gz", {}),
    "pitch": ("other_formats/CT_pitch.nii.gz", {}),
    "flair": ("dicom_robustness/enhanced_mr_BRTUM003.zip", {}),
    "t2": ("dicom_robustness/enhanced_mr_BRTUM004.zip", {}),
    "leg1 MR": ("sts_petct_mr/STS_001.zip", {"series": "MR"}),
    "leg1 CT": ("sts_petct_mr/STS_001.zip", {"series": "CT"}),
    "leg1 PET": ("sts_petct_mr/STS_001.zip", {"series": "PET"}),
    "leg2 MR": ("sts_petct_mr/STS_002/MR_T1/image", {}),
    "leg2 CT": ("sts_petct_mr/STS_002/CT/image", {}),
}
COUSINS = (("leg1 CT", "leg1 PET"), ("flair", "t2"))
"""Real volumes of one patient in one frame of reference: identity is the published truth. The MR of
leg 1 shares the frame too, but there its femur lies visibly beside that of the CT."""


class Person:
    """One digital individual; the same seed, the same person."""

    def __init__(self, seed):
        rng = np.random.default_rng([seed, 77])
        self.seed = seed
        self.stretch = 1 / rng.uniform(0.88, 1.1, 3)
        self.centre = np.array([0.0, 0.0, 5.0])
        self.coarse = phantom.warp(rng.uniform(4, 6.5), 80, seed)
        self.fine = phantom.warp(rng.uniform(0.8, 1.8), 30, seed + 1)
        count = rng.integers(0, 4)
        self.lesions = rng.uniform((-45, -55, 0), (45, 50, 55), (count, 3))
        self.radii = rng.uniform(4, 14, count)

    def pose(self, points):
        """Map this person's LPS points to the digital head's."""
        return self.fine(self.coarse((points - self.centre) * self.stretch + self.centre))

    def scan(self, kind, seed):
        """Show the person as one scanner would, on a grid, with a contrast and noise of its own."""
        rng = np.random.default_rng([self.seed, seed, *kind.encode()])
        wanted = phantom.default_grid(kind)
        spacing = wanted.spacing * rng.uniform(1.2, 1.7)
        grid = wanted.with_spacing(spacing)
        affine = np.array(grid.affine)
        affine[:3, 3] += rng.uniform(-6, 6, 3)
        tilt = pose_matrix(np.radians(rng.uniform(-8, 8, 3)), (0, 0, 0), grid.centre)
        grid = Grid(grid.shape, tilt @ affine)
        shown = phantom.head(kind, grid, pose=self.pose, scanner=False)
        array = self._with_lesions(np.array(shown.array), grid, kind)
        if kind in ("T1", "T2"):
            top = 1000.0
            array = top * np.clip(array / top, 0, None) ** np.float32(rng.uniform(0.7, 1.4))
        array = degrade(array.astype(np.float32), grid, kind, seed)
        if kind in ("T1", "T2"):
            noise = rng.uniform(0, 30)
            array = np.abs(array + rng.normal(0, noise, array.shape)).astype(np.float32)
        return replace(shown, array=array)

    def _with_lesions(self, array, grid, kind):
        value = phantom.reading(phantom.Tissue.TUMOUR, kind)
        index = np.indices(grid.shape, np.float32).reshape(3, -1).T
        points = grid.index_to_lps(index)
        for middle, radius in zip(self.lesions, self.radii, strict=True):
            near = np.linalg.norm(points - middle, axis=1).reshape(grid.shape) < radius
            array[near] = value
        return array

    def brain(self):
        """Pick points of the brain, LPS mm."""
        return brain() / self.stretch


@cache
def scan(seed, kind):
    return Person(seed).scan(kind, seed)


def person_pair(kinds, seed):
    fixed, moving = (scan(seed, kind) for kind in kinds)
    return Pair(fixed, moving, np.eye(4), Person(seed).brain())


@cache
def perfusion_pair(seed):
    """T1 and a perfusion map (3×3×6 mm, grey matter bright, little else, noisy) of one person."""
    who = Person(seed)
    rng = np.random.default_rng([seed, 5])
    middle = rng.uniform(-5, 5, 3) + np.array([0.0, 0.0, 10.0])
    grid = Grid.regular((24, 64, 64), (6.0, 3.0, 3.0), centre=middle)
    shown = phantom.head("SPECT", grid, pose=who.pose, scanner=False)
    tissue = phantom.tissues(grid, pose=who.pose).array
    inside = (tissue >= phantom.Tissue.GREY) & (tissue <= phantom.Tissue.BRAINSTEM)
    signal = np.where(inside, shown.array, 0)
    array = signal + rng.normal(0, 14, signal.shape)
    moving = replace(shown, array=array.astype(np.float32), modality="MR", unit="1")
    return Pair(scan(seed, "T1"), moving, np.eye(4), who.brain())


def perfusion_of(t1, inside, seed=0):
    """Make a perfusion map of a real T1: grey matter bright, 3×3×6 mm, noisy, nothing but brain.

    Grey matter is the middle of three classes of grey level within the mask `inside` (T1's grid).
    """
    from scipy.ndimage import gaussian_filter

    mask = inside.array > 0
    values = t1.array[mask]
    middle = np.array([np.percentile(values, q) for q in (10, 45, 85)], float)
    for _ in range(20):  # k-means of three grey levels
        kind = np.abs(values[:, None] - middle).argmin(axis=1)
        middle = np.array([values[kind == k].mean() for k in range(3)])
    flow = np.zeros(t1.grid.shape, np.float32)
    flow[mask] = np.array([4.0, 60.0, 22.0])[kind]
    flow = gaussian_filter(flow, np.array([2.0, 1.3, 1.3]) / t1.grid.spacing)
    grid = t1.grid.with_spacing((6.0, 3.0, 3.0))
    seen = resample(replace(t1, array=flow), grid, Alignment.identity(grid, t1.grid), fill=0)
    noise = np.random.default_rng(seed).normal(0, 9, grid.shape)
    return replace(seen, array=(seen.array + noise).astype(np.float32), frame_uid=None)


def stand_ins(data: Path):
    """Pair a real T1 with a perfusion map and with part of another contrast made of it."""
    folder = data / "ms_longitudinal" / "patient01"
    if not folder.is_dir():
        return {}
    t1, mask = load(folder / "study1_T1W.nii.gz"), load(folder / "brainmask.nii.gz")
    to_flair, to_t1 = (
        Alignment.load(folder / f"study1_{name}.txt")
        for name in ("FLAIR_to_common_space", "T1W_intrastudy_to_FLAIR")
    )
    to_common = np.linalg.inv(to_t1.matrix @ to_flair.matrix)
    to_common[3] = 0, 0, 0, 1
    alignment = Alignment(t1.grid, mask.grid, to_common)
    inside = resample(mask, t1.grid, alignment, interpolation="nearest", fill=0)
    points = t1.grid.index_to_lps(np.argwhere(inside.array > 0)[::200])
    return {
        "T1-perfusion": Pair(t1, perfusion_of(t1, inside), np.eye(4), points),
        "T1-part": Pair(t1, altered(t1, 7, cut=True), np.eye(4), points),
    }


def altered(volume, seed, cut):
    """Copy a volume with other contrast, shading, noise and grid; the truth is the identity."""
    rng = np.random.default_rng([seed, 99])
    turn = pose_matrix(np.radians(rng.uniform(-9, 9, 3)), rng.uniform(-3, 3, 3), volume.grid.centre)
    spacing = np.maximum(volume.grid.spacing, 1.5) * rng.uniform(0.9, 1.3, 3)
    wanted = Grid(volume.grid.shape, turn @ volume.grid.affine).with_spacing(spacing)
    moved = resample(volume, wanted, Alignment.identity(wanted, volume.grid), fill=np.nan)
    low, high = np.nanpercentile(moved.array, [2, 99.5])
    share = np.clip((moved.array - low) / (high - low), 0, 1)
    knots = np.array([0.0, *rng.uniform(0.2, 1, 5)])
    knots[3] = knots[2] * rng.uniform(0.2, 0.6)  # never monotone
    values = np.interp(share, np.linspace(0, 1, 6), knots)
    ramps = [np.linspace(-1, 1, n) * rng.uniform(-0.25, 0.25) for n in values.shape]
    values = values * np.exp(ramps[0][:, None, None] + ramps[1][None, :, None] + ramps[2])
    noisy = np.hypot(values + rng.normal(0, 0.04, values.shape), rng.normal(0, 0.04, values.shape))
    other = replace(
        moved, array=(noisy * 1000).astype(np.float32), modality="MR", unit="1", frame_uid=None
    )
    if not cut:
        return other
    axis = rng.integers(0, 3)
    low, high = np.zeros(3), np.ones(3)
    low[axis], high[axis] = rng.choice([[0, 0.6], [0.4, 1], [0.2, 0.8]])
    return cropped(other, low, high)


@cache
def volumes(data: Path):
    """Load the real volumes, each in a frame of its own."""
    found = {}
    for name, (file, how) in REAL.items():
        if (data / file).exists():
            found[name] = replace(_opened(data / file, how), frame_uid=None)
    return found


def _opened(path, how):
    if not how:
        return load(path)
    from napari_fusion import io

    wanted = {"MR": "MR", "CT": "CT", "PET": "PT"}[how["series"]]
    series = [s for s in io.scan(path) if s.modality == wanted]
    return load(path, series=series[0].uid)


def within(volume):
    """Pick points of the anatomy itself: brighter than a third of its brightest."""
    values = np.nan_to_num(volume.array)
    bar = np.percentile(values, 99) * 0.3 if volume.unit != "HU" else -200
    spots = np.argwhere(values > bar)
    return volume.grid.index_to_lps(spots[:: max(1, len(spots) // 2000)])


def real_people(data: Path, seed):
    """Name two altered copies of each real volume, one of them cut, and pairs of cousins."""
    known = volumes(data)
    pairs = {}
    for n, (name, volume) in enumerate(known.items()):
        if name == "leg1 PET":
            continue  # its altered copy holds a tumour and nothing else
        for cut in (False, True):
            words = f"real {name} {'cut' if cut else 'altered'}"
            pairs[words] = partial(_altered_pair, volume, seed + 2 * n + cut, cut)
    for a, b in COUSINS:
        if a in known and b in known:
            points = within(known[a])
            pairs[f"real {a} / {b}"] = partial(Pair, known[a], known[b], np.eye(4), points)
    return pairs


def _altered_pair(volume, seed, cut):
    return Pair(volume, altered(volume, seed, cut), np.eye(4), within(volume))


def digital_people(seeds):
    """Name three whole pairs of modalities a person, a slab, a half and a perfusion map."""
    pairs = {}
    for n, seed in enumerate(seeds):
        kinds = [KINDS[(n + 2 * k) % len(KINDS)] for k in range(3)]
        named = {f"person {seed} {a}-{b}": partial(person_pair, (a, b), seed) for a, b in kinds}
        whole = list(named.items())
        pairs |= named
        pairs[f"{whole[0][0]} slab"] = partial(_cut, slab, whole[0][1])
        pairs[f"{whole[1][0]} half"] = partial(_cut, half, whole[1][1])
        pairs[f"person {seed} T1-perfusion"] = partial(perfusion_pair, seed)
    return pairs


def _cut(way, made):
    return way(made())


def unrelated(data: Path | None, seeds):
    """Name pairs of different people: digital with digital, real with real, digital with real."""
    known = dict(volumes(data)) if data is not None else {}
    pairs = {}
    for n, (a, b) in enumerate(zip(seeds, [*seeds[1:], seeds[0]], strict=True)):
        one, two = KINDS[n % len(KINDS)]
        pairs[f"person {a} {one} / person {b} {two}"] = partial(_two, (a, one), (b, two))
    heads = [name for name in known if not name.startswith("leg")]
    for n, name in enumerate(heads):
        kind, seed = KINDS[n % len(KINDS)][0], seeds[n % len(seeds)]
        pairs[f"real {name} / person {seed}"] = partial(_two, known[name], (seed, kind))
        others = [b for b in heads[n + 1 :] if {name, b} != {"flair", "t2"}]
        pairs |= {f"real {name} / {b}": partial(_two, known[name], known[b]) for b in others}
    for a in ("leg1 MR", "leg1 CT"):
        for b in ("leg2 MR", "leg2 CT"):
            if a in known and b in known:
                pairs[f"real {a} / {b}"] = partial(_two, known[a], known[b])
    return pairs


def _two(*whom):
    """Give volumes as they are, and scan people named by number and kind."""
    return [scan(*who) if isinstance(who, tuple) else who for who in whom]
