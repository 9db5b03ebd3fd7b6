import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from napari_fusion.registration import cells


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    channels=st.integers(1, 3),
    count=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_reading_is_trilinear_and_repeats_the_edges(shape, channels, count, seed):
    random = np.random.default_rng(seed)
    volumes = random.normal(size=(channels, *shape)).astype(np.float32)
    points = random.uniform(-2, 8, (3, count)).astype(np.float32)
    points[:, ::3] = np.round(points[:, ::3])  # on nodes and borders, too
    expected = [map_coordinates(v, points, order=1, mode="nearest") for v in volumes]
    assert np.allclose(cells.read(volumes, points, lambda: None), expected, atol=1e-5)


@pytest.mark.parametrize("run", [1, 7, 64])
def test_reading_does_not_depend_on_how_many_points_are_read_at_a_time(monkeypatch, run):
    random = np.random.default_rng(0)
    volumes = random.normal(size=(2, 5, 4, 3)).astype(np.float32)
    points = random.uniform(-1, 6, (3, 4, 5)).astype(np.float32)
    whole = cells.read(volumes, points, lambda: None)
    monkeypatch.setattr(cells, "RUN", run)
    assert whole.shape == (2, 4, 5)
    assert np.array_equal(cells.read(volumes, points, lambda: None), whole)
