"""Pairs in one frame of reference: it may be right, of someone else, mirrored, or out of date.

Each name begins with what is so: "right" (the scanner's geometry holds), "moved" (the patient
moved by 3 to 8 mm and the frame was kept), "bent" (by 2 to 7 mm in the mean), "mirrored", "noise"
and "strangers" (two people who were given one frame, some of them laid onto each other first).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from pathlib import Path

import numpy as np
from registration_cases import KINDS, Pair, mirrored
from registration_people import digital_people, person_pair, real_people, scan, unrelated
from registration_warps import Bent
from registration_warps import real_case as warped
from scipy.ndimage import gaussian_filter

from napari_fusion import Grid, align
from napari_fusion.registration.alignment import pose_matrix

FRAME = "1.2.3"

Made = Callable[[], tuple[Pair | Bent, bool]]
"""Makes a pair, and says whether anything is right of it."""


def shared_frames(data: Path | None, first: int, count: int) -> dict[str, Made]:
    """Name pairs of digital people `first` and on, and of real volumes."""
    seeds = list(range(first, first + count))
    one = digital_people(seeds) | (real_people(data, 100 * first) if data else {})
    cases: dict[str, Made] = {}
    for n, (name, pair) in enumerate(one.items()):
        cases[f"right {name}"] = partial(_right, pair)
        if n % 2 or name.startswith("real"):
            cases[f"moved {name}"] = partial(_moved, pair, first + n)
        if n % 4 == 0:
            cases[f"mirrored {name}"] = partial(_mirrored, pair)
        if n % 12 == 0:
            cases[f"noise {name}"] = partial(_noise, pair, first + n, 0.0)
            cases[f"noise, smooth, {name}"] = partial(_noise, pair, first + n, 3.0)
    for seed, kinds in product(seeds, KINDS[:3]):
        cases[f"bent {seed} {'-'.join(kinds)}"] = partial(_bent, seed, kinds)
    for n, (a, b) in enumerate(combinations(seeds, 2)):
        kinds = KINDS[n % len(KINDS)]
        name = f"strangers {a} {kinds[0]} / {b} {kinds[1]}"
        cases[name] = partial(_strangers, partial(_two, (a, kinds[0]), (b, kinds[1])))
        cases[f"{name}, laid on"] = partial(_laid, partial(_two, (a, kinds[0]), (b, kinds[1])))
    for name, pair in unrelated(data, seeds).items():
        if "real" in name:
            cases[f"strangers {name}, laid on"] = partial(_laid, pair)
    return cases


def _two(*whom):
    return [scan(*who) for who in whom]


def _framed(pair: Pair) -> Pair:
    """Give both volumes one frame of reference."""
    fixed, moving = (replace(one, frame_uid=FRAME) for one in (pair.fixed, pair.moving))
    return Pair(fixed, moving, pair.truth, pair.points)


def _right(made) -> tuple[Pair, bool]:
    return _framed(made()), True


def _moved(made, seed) -> tuple[Pair, bool]:
    """Move the moving volume a little, as a patient who stirs between two scans."""
    pair, rng = made(), np.random.default_rng([seed, 38])
    shift, turn = rng.normal(size=(2, 3))
    shift *= rng.uniform(3, 8) / np.linalg.norm(shift)
    turn *= rng.uniform(0, 2) / np.linalg.norm(turn)
    push = pose_matrix(np.radians(turn), shift, pair.points.mean(axis=0))
    grid = Grid(pair.moving.grid.shape, push @ pair.moving.grid.affine)
    moving = replace(pair.moving, grid=grid)
    return _framed(Pair(pair.fixed, moving, push @ pair.truth, pair.points)), True


def _bent(seed, kinds) -> tuple[Bent, bool]:
    """Bend the moving volume, as a neck or a jaw that lies otherwise in the second scan."""
    mm = float(np.random.default_rng([seed, *"".join(kinds).encode()]).uniform(2, 7))
    case = warped(_framed(person_pair(kinds, seed)), seed, mm)
    return replace(case, moving=replace(case.moving, frame_uid=FRAME)), True


def _mirrored(made) -> tuple[Pair, bool]:
    pair = made()
    return _framed(pair.with_moving(mirrored(pair.moving))), False


def _noise(made, seed, voxels) -> tuple[Pair, bool]:
    """Show noise in place of the moving volume, white or smoothed over some voxels."""
    pair = made()
    noise = np.random.default_rng(seed).random(pair.moving.array.shape, np.float32)
    array = gaussian_filter(noise, voxels) if voxels else noise
    return _framed(pair.with_moving(replace(pair.moving, array=array))), False


def _strangers(made) -> tuple[Pair, bool]:
    fixed, moving = made()
    return _framed(Pair(fixed, moving, np.eye(4), np.zeros((1, 3)))), False


def _laid(made) -> tuple[Pair, bool]:
    """Lay a stranger where it fits best."""
    fixed, moving = made()
    found = align(fixed, moving)
    affine = np.linalg.inv(found.matrix) @ moving.grid.affine
    laid = replace(moving, grid=Grid(moving.grid.shape, affine))
    return _framed(Pair(fixed, laid, np.eye(4), np.zeros((1, 3)))), False
