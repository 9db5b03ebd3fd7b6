import numpy as np
import pytest


@pytest.fixture
def slices():
    """Give two structured sources (2, 64, 60) and their maximum, in whole grey levels."""
    rng = np.random.default_rng(4)
    y, x = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 60), indexing="ij")
    head = np.hypot(x, y) < 0.9
    a = head * (0.4 + 0.3 * np.sin(9 * x) + 0.05 * rng.standard_normal(x.shape))
    b = head * (np.hypot(x - 0.2, y) < 0.4) * (0.6 + 0.2 * np.cos(11 * y))
    sources = np.rint(np.stack([a, b]).clip(0, 1) * 255) / 255
    return sources.max(axis=0), sources
