"""The laws of a method, for every name in the registry."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_fusion.fusion import methods, shares

every = pytest.mark.parametrize("method", methods(), ids=lambda m: m.name)


def fused(parts):
    return parts.sum(axis=0).clip(0, 1)


@every
def test_keeps_shape_and_type_and_is_finite(method, stack):
    parts = method(stack)
    assert parts.shape == stack.shape
    assert parts.dtype == np.float32
    assert np.isfinite(parts).all()


@every
def test_leaves_its_sources_alone(method, stack):
    before = stack.copy()
    stack.setflags(write=False)
    parts = method(stack)
    assert_array_equal(stack, before)
    assert not np.shares_memory(parts, stack)


@every
def test_same_input_same_output(method, pair):
    assert_array_equal(method(pair), method(pair.copy()))


@every
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_equal_sources_give_that_source_in_equal_parts(method, pair, k):
    parts = method(np.stack([pair[0]] * k))
    assert_allclose(fused(parts), pair[0], atol=1e-5)
    for part in parts[1:]:
        assert_allclose(part, parts[0], atol=1e-6)
    assert_allclose(shares(parts), 1 / k, atol=1e-6)


@every
def test_swapping_sources_swaps_parts(method, stack):
    assert_allclose(method(stack[::-1].copy()), method(stack)[::-1], atol=1e-5)


@every
def test_an_empty_source_gives_nothing_and_dims_nobody(method, stack):
    with_empty = np.concatenate([stack, np.zeros_like(stack[:1])])
    parts = method(with_empty)
    assert (parts[-1] == 0).all()
    assert_allclose(parts[:-1], method(stack), atol=1e-5)
    alone = method(np.stack([stack[0], np.zeros_like(stack[0])]))
    assert_allclose(fused(alone), stack[0], atol=1e-5)
    assert_array_equal(shares(alone)[0], 1)


@every
def test_slices_are_independent(method, stack):
    whole = method(stack)
    for i in range(stack.shape[1]):
        assert_array_equal(method(stack[:, i : i + 1].copy())[:, 0], whole[:, i])


@every
def test_empty_background_stays_exactly_empty(method, stack):
    parts = method(stack)
    assert (parts[:, ~stack.any(axis=0)] == 0).all()
    assert (method(np.zeros_like(stack)) == 0).all()


@every
def test_shares_sum_to_one(method, stack):
    given_shares = shares(method(stack))
    assert given_shares.min() >= 0
    assert given_shares.max() <= 1
    assert_allclose(given_shares.sum(axis=0), 1, atol=1e-6)


@every
def test_constant_sources_give_something_between_them(method):
    stack = np.stack([np.full((2, 33, 20), v, np.float32) for v in (0.2, 0.6)])
    assert fused(method(stack)).min() >= 0.2 - 1e-5
    assert fused(method(stack)).max() <= 0.6 + 1e-5


@every
@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (37, 1), (2, 2), (17, 31), (64, 63)])
def test_any_size_of_slice_will_do(method, shape):
    stack = np.random.default_rng(3).uniform(0.2, 0.8, (2, 1, *shape)).astype(np.float32)
    parts = method(stack)
    assert np.isfinite(parts).all()
    low, high = stack.min(axis=0), stack.max(axis=0)
    assert fused(parts).min() > low.min() - 0.4  # overshoot of details, never a seam of nonsense
    assert fused(parts).max() < high.max() + 0.4
    assert_allclose(fused(method(np.stack([stack[0]] * 2))), stack[0], atol=1e-5)


@every
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_laws_hold_for_anything_in_range(method, data):
    k, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 2))
    shape = (k, n, data.draw(st.integers(1, 24)), data.draw(st.integers(1, 24)))
    values = st.floats(0, 1, width=32)
    stack = data.draw(arrays.arrays(np.float32, shape, elements=values, fill=values))
    parts = method(stack)
    assert parts.shape == shape
    assert np.isfinite(parts).all()
    assert_allclose(shares(parts).sum(axis=0), 1, atol=1e-6)
    assert (parts[:, ~stack.any(axis=0)] == 0).all()
    for part, source in zip(parts, stack, strict=True):
        empty = ~source.any(axis=(1, 2))
        assert (part[empty] == 0).all()
