"""The update of a flow that fits what was measured and stays smooth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_fusion.registration.filters import Floats

ROUNDS = 20
"""Conjugate-gradient steps; the next Gauss–Newton step goes on where they stopped."""

ENOUGH = 1e-4
"""Squared residual, as a share of its start, at which to stop."""


def laplacian(vectors: Floats) -> Floats:
    """Give how much each node differs from its neighbours, per channel: sums to nothing."""
    out = np.zeros_like(vectors)
    for axis in range(1, vectors.ndim):
        a, b = np.moveaxis(vectors, axis, 0), np.moveaxis(out, axis, 0)
        rise = a[1:] - a[:-1]
        b[:-1] -= rise
        b[1:] += rise
    return out


def solved(tensor: Floats, pull: Floats, tension: float, beat: Callable[[], None]) -> Floats:
    """Solve (T + tension · L) x = pull by conjugate gradients.

    Parameters
    ----------
    tensor
        (6, …) symmetric 3 × 3 matrices T: xx, xy, xz, yy, yz, zz.
    pull
        (3, …) right-hand side.
    tension
        Weight of the membrane's Laplacian L.
    beat
        Called often.
    """
    scale = np.float32(tension)
    ease: Floats = np.reciprocal(tensor[[0, 3, 5]] + 6 * scale)
    x, rest = np.zeros_like(pull), pull.copy()
    eased: Floats = ease * rest
    way = eased.copy()
    now = first = _dot(rest, eased)
    for _ in range(ROUNDS):
        if not now > ENOUGH * first:
            break
        beat()
        pushed = _times(tensor, way) + scale * laplacian(way)
        length = np.float32(now / _dot(way, pushed))
        x += length * way
        rest -= length * pushed
        eased = ease * rest
        before, now = now, _dot(rest, eased)
        way = eased + np.float32(now / before) * way
    return x


def _times(tensor: Floats, vectors: Floats) -> Floats:
    xx, xy, xz, yy, yz, zz = tensor
    x, y, z = vectors
    return np.stack([xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z])


def _dot(a: Floats, b: Floats) -> float:
    return float((a * b).sum(dtype=np.float64))
