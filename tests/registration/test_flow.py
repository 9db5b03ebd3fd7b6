import numpy as np
import pytest

from napari_fusion.grid import Grid
from napari_fusion.registration.cells import read
from napari_fusion.registration.flow import Flow


@pytest.mark.parametrize("spacing", [1.0, 2.0, 3.7])
@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (3.1, -2.4, 5.0)])
def test_a_flow_is_redrawn_as_it_is_read(spacing, shift):
    grid = Grid.regular((6, 7, 5), (4.0, 4.0, 4.0), centre=(10.0, -20.0, 30.0))
    velocity = np.random.default_rng(0).normal(size=(3, *grid.shape)).astype(np.float32)
    other = Grid.regular((9, 8, 11), [spacing] * 3, centre=np.add(grid.centre, shift))
    redrawn = Flow(grid, velocity).redrawn(other, lambda: None)
    places = grid.lps_to_index(other.index_to_lps(np.indices(other.shape).reshape(3, -1).T))
    expected = read(velocity, places.T.astype(np.float32), lambda: None).reshape(3, *other.shape)
    assert redrawn.velocity.dtype == np.float32
    assert np.allclose(redrawn.velocity, expected, atol=1e-4)
