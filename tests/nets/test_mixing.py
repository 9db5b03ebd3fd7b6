"""Weights of details and bases: between the sources' shares and their sum."""

import numpy as np
import pytest

from napari_fusion.nets.mixing import base_weights, detail_weights

RNG = np.random.default_rng(0)
SHARE = RNG.dirichlet(np.ones(3), 64).T.reshape(3, 8, 8)
ENERGY, LIFT = RNG.random((2, 3, 8, 8))


def details(gain):
    return detail_weights(SHARE, gain, ENERGY)


def bases(gain):
    return base_weights(SHARE, 0.5 + LIFT, gain, ENERGY)


@pytest.mark.parametrize("weights", [details, bases])
def test_without_a_gain_weights_sum_to_one(weights):
    np.testing.assert_allclose(weights(np.zeros_like(SHARE)).sum(0), 1)


def test_a_gain_leads_from_the_weight_towards_the_whole_source():
    alone = details(np.zeros_like(SHARE))
    np.testing.assert_allclose(details(np.full_like(SHARE, 0.25)), 0.75 * alone + 0.25)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_bases_never_exceed_white(k):
    base, share = RNG.random((k, 64)), RNG.dirichlet(np.ones(k), 64).T
    base[:, :4] = 1
    alone, added = (
        (base_weights(share, np.ones((k, 64)), np.full((k, 64), g), base) * base).sum(0)
        for g in (0, 0.999)
    )
    assert (added >= alone).all()
    assert added.mean() > alone.mean() + 0.05
    assert added.max() <= 1 + 1e-12


def test_the_brighter_base_counts_more():
    even = np.full((2, 1, 1), 0.5)
    base = np.array([0.9, 0.3])[:, None, None]
    bright, dark = base_weights(even, np.ones_like(even), np.zeros_like(even), base)
    assert bright > 0.7
    assert dark < 0.3
