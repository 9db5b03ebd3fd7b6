"""Small pictures every law can be tried on: smooth shapes, texture, and an empty background."""

import numpy as np
import pytest


def head(n=3, h=48, w=40, seed=0):
    """Give a slab (n, h, w) of a textured ellipse with structure of its own, empty outside."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(np.arange(n), np.linspace(-1, 1, h), np.linspace(-1, 1, w), indexing="ij")
    angle, cy, cx = rng.uniform(-1, 1, 3)
    slab = 0.5 + 0.2 * np.sin(7 * x * np.cos(angle) + 7 * y * np.sin(angle) + 0.3 * z + seed)
    slab += 0.3 * (np.hypot(x - cx / 3, y - cy / 3) < 0.3) + 0.02 * rng.standard_normal(slab.shape)
    return (slab.clip(0.01, 1) * (x**2 + (y / 1.1) ** 2 < 0.8)).astype(np.float32)


@pytest.fixture(params=[2, 3, 5], ids="k={}".format)
def stack(request):
    """Give k different sources (k, n, h, w) with one empty background."""
    return np.stack([head(seed=seed) for seed in range(request.param)])


@pytest.fixture
def pair():
    """Give two different sources (2, n, h, w)."""
    return np.stack([head(seed=1), head(seed=2)])
