"""Descriptors of local structure that look alike in any contrast (MIND-SSC)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.filters import Floats, filtered, gaussian, shifted

SIX = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])
"""Steps to the six neighbours of a voxel."""

PATCH = gaussian(0.55)
"""Weights of the patches that are compared; wider ones blur the place of an edge."""

PLANES = 2
"""Planes worked on at a time, so that they stay near the processor."""

FLOOR = 0.02
"""Patches that differ by less than this share of the body's mean are one tissue, with noise."""


def mind(values: Floats, floor: float, beat: Callable[[], None]) -> Floats:
    """Describe each voxel by how patches around it resemble each other.

    MIND with self-similarity context (Heinrich et al., MICCAI 2013): of the six neighbouring
    patches each two that are not opposite are compared; the 12 distances are divided by their
    mean, so that only structure is left, whatever its contrast.

    Parameters
    ----------
    values
        float32 voxels.
    floor
        Least mean distance to divide by; see `floor_of`.
    beat
        Called often.

    Returns
    -------
    (12, …) float32 in (0, 1].
    """
    found = np.empty((12, *values.shape), np.float32)
    for n, (apart, base) in enumerate(_distances(values, beat)):
        found[n] = shifted(apart, base)
    for start in range(0, len(values), PLANES):
        beat()
        some = found[:, start : start + PLANES]
        some -= some.min(axis=0)
        some /= -np.maximum(some.mean(axis=0), np.float32(max(floor, 1e-12)))
        np.exp(some, out=some)
    return found


def floor_of(values: Floats, body: NDArray[np.bool_], beat: Callable[[], None]) -> float:
    """Give the mean patch distance below which a voxel's surroundings hold no structure."""
    total, count = 0.0, 0
    for apart, _ in _distances(values, beat):
        total, count = total + float(apart[body].mean()), count + 1
    return FLOOR * total / count


def _distances(
    values: Floats, beat: Callable[[], None]
) -> Iterator[tuple[Floats, NDArray[np.intp]]]:
    """Give 12 patch distances as six volumes, each with the two steps it is read at."""
    for apart, bases in _EDGES.items():
        beat()
        difference = shifted(values, np.array(apart)) - values
        distance = filtered(difference * difference, PATCH)
        for base in bases:
            yield distance, base


def _edges() -> dict[tuple[int, ...], list[NDArray[np.intp]]]:
    """Pair the six neighbours that are not opposite, by the step from one to the other."""
    found: dict[tuple[int, ...], list[NDArray[np.intp]]] = {}
    for i in range(6):
        for j in range(i):
            step = SIX[j] - SIX[i]
            if (step**2).sum() != 2:
                continue
            back = tuple(int(n) for n in -step)
            if back in found:
                found[back].append(SIX[j])
            else:
                found.setdefault(tuple(int(n) for n in step), []).append(SIX[i])
    return found


_EDGES = _edges()
