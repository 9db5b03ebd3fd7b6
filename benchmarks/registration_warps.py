"""Pairs with a known warp between them.

A moving volume is bent by a random cubic B-spline, nodes 40 mm apart, scaled to move the brain by
3.7 mm in the mean. Settings were chosen on warps 101 to 105; measure on others.
"""

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from registration_cases import Pair, real_pairs
from registration_people import Person

from napari_fusion import Alignment, Volume, phantom, resample

MEAN_MM, NODES_MM = 3.7, 40.0
HEADS = (("T1", "T1"), ("T2", "T2"), ("T1", "T2"), ("CT", "T1"))
REAL = ("FLAIR1-FLAIR2", "T1W1-T1W2", "FLAIR1-T1W", "FLAIR2-T1W", "FLAIR2-T2W")


@dataclass(frozen=True, eq=False)
class Bent:
    """A pair, its true linear start, and the warp on top of it."""

    fixed: Volume
    moving: Volume
    start: Alignment
    points: np.ndarray
    ends: np.ndarray
    warp: Alignment

    def errors(self, found):
        """Distances in mm, in the space from before the warp."""
        return np.linalg.norm(
            self.warp.map_points(found.map_points(self.points)) - self.ends, axis=1
        )


def spline(points, grid, seed, mean_mm=MEAN_MM):
    """Make a random B-spline warp that moves the points by this much in the mean."""
    low, high = points.min(axis=0) - 60, points.max(axis=0) + 60
    transform = sitk.BSplineTransform(3, 3)
    transform.SetTransformDomainOrigin(low.tolist())
    transform.SetTransformDomainPhysicalDimensions((high - low).tolist())
    mesh = np.maximum(np.round((high - low) / NODES_MM).astype(int), 3)
    transform.SetTransformDomainMeshSize(mesh.tolist())
    count = len(transform.GetParameters())
    transform.SetParameters(np.random.default_rng(seed).normal(0, 1, count).tolist())
    field = Alignment.from_sitk(transform, grid, grid).field
    scale = mean_mm / np.linalg.norm(field.at(points), axis=1).mean()
    return Alignment(grid, grid, np.eye(4), field=replace(field, vectors=field.vectors * scale))


def head_case(kinds, seed):
    points = phantom.foreground_points(3000, seed=9)
    fixed = phantom.head(kinds[0], seed=2 * seed + 50)
    warp = spline(points, fixed.grid, seed)
    moving = phantom.head(kinds[1], pose=warp.map_points, seed=2 * seed + 51)
    start = Alignment.identity(fixed.grid, moving.grid)
    return Bent(fixed, moving, start, points, points, warp)


def real_case(pair, seed, mean_mm=MEAN_MM):
    start = Alignment(pair.fixed.grid, pair.moving.grid, pair.truth)
    ends = start.map_points(pair.points)
    warp = spline(ends, pair.moving.grid, seed, mean_mm)
    moving = resample(pair.moving, pair.moving.grid, warp, interpolation="cubic")
    moving = replace(moving, array=np.maximum(moving.array, 0))
    return Bent(pair.fixed, moving, start, pair.points, ends, warp)


def person_case(kinds, seed):
    """Scan a digital person that no setting was chosen on twice, the second time bent."""
    who = Person(30 + seed)
    volumes = [who.scan(kind, n) for n, kind in enumerate(kinds)]
    return real_case(Pair(*volumes, np.eye(4), who.brain()), seed)


def warped_pairs(data):
    """Name the pairs, and how each is made for a seed."""
    made = {f"head {a}-{b}": lambda seed, k=(a, b): head_case(k, seed) for a, b in HEADS}
    for kinds in HEADS[:3]:
        made[f"person {'-'.join(kinds)}"] = lambda seed, k=kinds: person_case(k, seed)
    real = real_pairs(data) if data is not None else {}
    for name in REAL:
        if name in real:
            made[name] = lambda seed, p=real[name]: real_case(p, seed)
    return made
