import numpy as np
import pytest


@pytest.fixture(scope="session")
def slices():
    """Give two structured sources (2, 184, 180) and their maximum, in whole grey levels."""
    y, x = np.meshgrid(np.linspace(-1, 1, 184), np.linspace(-1, 1, 180), indexing="ij")
    head = np.hypot(x, y) < 0.9
    grain = np.sin(171 * x + 3 * np.sin(53 * y)) * np.sin(149 * y + 2 * np.sin(61 * x))
    a = head * (0.4 + 0.3 * np.sin(9 * x) + 0.05 * grain)
    b = head * (np.hypot(x - 0.2, y) < 0.4) * (0.6 + 0.2 * np.cos(11 * y))
    sources = np.rint(np.stack([a, b]).clip(0, 1) * 255) / 255
    return np.rint(255 * (0.6 * sources.max(axis=0) + 0.4 * sources.mean(axis=0))) / 255, sources
