"""Slices no network was trained on: constant, tiny, odd, huge, with gaps; the laws hold."""

import tracemalloc

import numpy as np
import pytest

from napari_fusion.errors import GeometryError, ParameterError
from napari_fusion.fusion import fuse, learned, networks
from napari_fusion.grid import Grid
from napari_fusion.nets.ready import prepared
from napari_fusion.volume import Volume


@pytest.fixture
def net(tiny):
    return prepared(tiny)


def random(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def volume(array, modality="MR"):
    grid = Grid.regular(array.shape, (3.0, 1.0, 1.0))
    return Volume(array, grid, modality=modality, unit="1")


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (2, 1), (1, 40), (3, 3), (5, 2), (17, 31), (65, 1)]
)
@pytest.mark.parametrize("k", [2, 3])
def test_any_size_fuses_and_equal_sources_give_themselves(net, shape, k):
    parts = learned.by_network(random(k, 1, *shape), net)
    assert parts.shape == (k, 1, *shape)
    assert np.isfinite(parts).all()
    one = random(1, 1, *shape).repeat(k, axis=0)
    np.testing.assert_allclose(learned.by_network(one, net).sum(axis=0), one[0], atol=1e-5)


@pytest.mark.parametrize("values", [(0, 0), (0, 1), (1, 1), (0.5, 0.5), (0.2, 0.9)])
def test_constants_stay_between_themselves(net, values):
    stack = np.array(values, np.float32)[:, None, None, None] * np.ones((1, 1, 33, 40), np.float32)
    fused = learned.by_network(stack, net).sum(axis=0)
    assert fused.min() >= min(v for v in values if v or not any(values)) - 1e-5
    assert fused.max() <= max(values) + 1e-5


def test_an_empty_corner_stays_exactly_empty(net):
    stack = random(2, 1, 64, 64)
    stack[:, :, :20, :30] = 0
    assert (learned.by_network(stack, net)[:, :, :20, :30] == 0).all()


def test_an_empty_source_gives_nothing_and_changes_nothing(net):
    stack = random(3, 1, 40, 40)
    stack[1] = 0
    parts = learned.by_network(stack, net)
    assert (parts[1] == 0).all()
    np.testing.assert_array_equal(parts[[0, 2]], learned.by_network(stack[[0, 2]], net))


def test_voxels_that_are_not_finite_do_not_spread():
    arrays = [random(3, 40, 48, seed=s) * 100 + 1 for s in (0, 1)]
    arrays[0][1, 10:14, 10:14] = np.nan
    made = fuse([volume(array) for array in arrays], "cnn")
    assert np.isfinite(made.array).all()


def test_sources_of_other_shapes_are_refused():
    with pytest.raises(GeometryError):
        fuse([volume(random(3, 40, 48)), volume(random(3, 40, 50))], "cnn")
    with pytest.raises(ParameterError, match="float32 slices"):
        networks.compare(random(40, 48), "pruned", "dense")


@pytest.mark.slow
def test_a_slice_of_8192_squared_is_fused_in_bounded_memory(net):
    """Beside the slice and its parts, six bytes for each of theirs at most."""
    small = random(2, 1, 512, 512)
    stack = np.tile(small, (1, 1, 16, 16))
    tracemalloc.start()
    parts = learned.by_network(stack, net)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(parts).all()
    assert peak - parts.nbytes < 6 * stack.nbytes
