import numpy as np
import pytest

from napari_fusion.registration.forces import PLANES, forces


@pytest.mark.parametrize("planes", [3, PLANES, PLANES + 1, 3 * PLANES + 2])
def test_forces_are_the_sums_of_slopes_of_the_mean(planes):
    random = np.random.default_rng(0)
    still, moved = random.random((2, 5, planes, 6, 7), np.float32)
    weight = random.random((planes, 6, 7), np.float32)
    x, y, z = (np.gradient((still + moved) / 2, axis=axis) for axis in (1, 2, 3))
    pull, tensor = forces(still, moved, weight, lambda: None)
    gap = (still - moved) * weight
    for n, slope in enumerate((x, y, z)):
        assert np.allclose(pull[n], (slope * gap).sum(axis=0), atol=1e-5)
    pairs = (x, x), (x, y), (x, z), (y, y), (y, z), (z, z)
    for n, (a, b) in enumerate(pairs):
        assert np.allclose(tensor[n], (a * b).sum(axis=0) * weight, atol=1e-5)
