"""The network and its pyramid: shapes, symmetry, equal sources, no batch at inference."""

from typing import get_args

import numpy as np
import pytest
import torch

from napari_fusion import pyramid
from napari_fusion.errors import ParameterError
from napari_fusion.nets import bands
from napari_fusion.nets.model import (
    BRIGHT,
    GAINS,
    SALIENT,
    SEEN,
    SHARES,
    Block,
    FusionNet,
    NetConfig,
    size,
)
from napari_fusion.nets.prior import VOTES


@pytest.mark.parametrize("block", get_args(Block))
def test_shares_sum_to_one_at_half_resolution(tiny, block, look):
    net = FusionNet(tiny.config.model_copy(update={"block": block})).eval()
    torch.nn.init.normal_(net.head.weight)
    share, lift, gain = look(net, torch.rand(3, 2, 32, 40))
    assert share.shape == (3, 2, SHARES, 16, 20)
    assert lift.shape == (3, 2, 1, 16, 20)
    assert gain.shape == (3, 2, GAINS, 16, 20)
    torch.testing.assert_close(share.sum(0), torch.ones_like(share[0]))
    assert (lift > 0).all()
    assert ((gain >= 0) & (gain < 1)).all()


def test_a_new_network_is_the_prior(look):
    sources = torch.rand(2, 1, 32, 32)
    share, lift, gain = look(FusionNet(NetConfig()).eval(), sources)
    saliency, *_, bright = bands.votes(sources, 4)[0].unbind(2)
    verdict = torch.softmax(SALIENT * saliency + BRIGHT * bright, 0)
    torch.testing.assert_close(share, verdict[:, :, None].expand_as(share))
    assert (lift == 1).all()
    assert gain.max() < 0.12


def test_swapping_sources_swaps_what_is_said(tiny, look):
    net = tiny.build()
    sources = torch.rand(3, 1, 32, 32)
    order = [2, 0, 1]
    for swapped, straight in zip(look(net, sources[order]), look(net, sources), strict=True):
        torch.testing.assert_close(swapped, straight[order])


def test_equal_sources_share_equally_and_gain_nothing(tiny, look):
    share, _, gain = look(tiny.build(), torch.rand(1, 1, 32, 32).repeat(3, 1, 1, 1))
    torch.testing.assert_close(share, torch.full_like(share, 1 / 3))
    assert gain.abs().max() < 1e-9


def test_different_sources_do_gain(tiny, look):
    assert look(tiny.build(), torch.rand(2, 1, 32, 32)).gain.max() > 1e-4


def test_nothing_is_seen_beyond_the_halo(tiny):
    net = tiny.build()
    sources, votes = torch.rand(2, 1, 64, 64), torch.randn(2, 1, VOTES, 32, 32)
    changed = sources.clone()
    changed[:, :, 32:34, 32:34] = 1 - changed[:, :, 32:34, 32:34]
    with torch.inference_mode():
        moved = (net(changed, votes)[0] != net(sources, votes)[0]).any(0)[0].any(0).nonzero()
    reach = tiny.config.halo // 2
    assert moved.min() == 16 - reach
    assert moved.max() == 16 + reach


def test_the_default_is_within_fifty_thousand_parameters():
    assert size(NetConfig())[0] < 50_000


def test_size_counts_the_context_once_and_the_rest_for_both_sources():
    config = NetConfig(widths=(8,), dilations=(1,), context=(0,), levels=1)
    parameters, macs = size(config)
    pixels = 128 * 128
    said = SHARES + 1 + 2 * GAINS
    assert macs == pixels * (2 * (SEEN * 8 * 9 + 8 * said + SEEN * said) + 8 * 8)
    assert parameters == SEEN * 8 * 9 + 2 * 8 + (8 * 8 + 8) + (8 * said + said) + SEEN * said


@pytest.mark.parametrize(
    "wrong",
    [
        {"dilations": (1,)},
        {"widths": (0,) * 6},
        {"dilations": (0,) * 6},
        {"context": (9,)},
        {"levels": 0},
        {"block": "magic"},
        {"colour": 1},
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused(wrong):
    with pytest.raises(ParameterError):
        NetConfig(**wrong)


@pytest.mark.parametrize("shape", [(64, 48), (33, 20), (17, 31)])
def test_the_pyramid_of_training_is_the_one_of_fusion(shape):
    plane = np.random.default_rng(0).random(shape, np.float32)
    theirs, ours = pyramid.split(plane, 3), bands.split(torch.from_numpy(plane)[None], 3)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(a, b[0], atol=1e-6)
    np.testing.assert_allclose(bands.merge(ours)[0], plane, atol=1e-6)


def test_equal_sources_are_their_own_fusion(tiny):
    sources = torch.rand(1, 1, 32, 32).repeat(2, 1, 1, 1)
    with torch.inference_mode():
        parts = bands.fused(tiny.build(), sources)
    torch.testing.assert_close(parts.sum(0), sources[0], atol=1e-5, rtol=0)
