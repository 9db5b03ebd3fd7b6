"""Pruning is real: fewer parameters, multiply-accumulates and bytes, and a network that works."""

import pytest
import torch

pytest.importorskip("torch_pruning", reason="the extra prune is not installed")

from napari_fusion.errors import ParameterError
from napari_fusion.nets import bands
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.data import load_samples
from napari_fusion.nets.model import SHARES, FusionNet, NetConfig, size
from napari_fusion.nets.prior import VOTES
from napari_fusion.nets.prune import CRITERIA, PruneOptions, cut, prune, sparsened, without_layer
from napari_fusion.nets.quantise import parity_db, quantise
from napari_fusion.nets.train import TrainData, TrainOptions

QUICK = TrainOptions(steps=2, count=2, side=64)


@pytest.fixture
def wide():
    torch.manual_seed(0)
    net = FusionNet(NetConfig(widths=(16, 16, 16), dilations=(1, 2, 1), context=(1,), levels=2))
    with torch.no_grad():
        for layer in net.layers:
            layer[1].weight.uniform_(0.2, 2)
        for _ in range(3):
            net.train()(torch.rand(2, 2, 32, 32), torch.randn(2, 2, VOTES, 16, 16))
    return Checkpoint.of(net)


@pytest.fixture
def data(folder):
    samples = load_samples(folder)
    return TrainData(samples, samples[:1])


def options(wide, share, **more):
    return PruneOptions(macs=share * size(wide.config)[1], round_to=4, tune=QUICK, **more)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_budget_is_met_and_counted_exactly(wide, data, criterion, tmp_path):
    asked = options(wide, 0.4)
    pruned = cut(wide, criterion, data, asked)
    parameters, macs = size(pruned.config)
    assert macs <= asked.macs < size(wide.config)[1]
    assert all(width % 4 == 0 and width > 0 for width in pruned.config.widths)
    assert parameters == sum(p.numel() for p in pruned.build().parameters())
    small, large = (c.save(tmp_path / f"{i}.safetensors") for i, c in enumerate((pruned, wide)))
    assert small.stat().st_size < 0.8 * large.stat().st_size


@pytest.mark.parametrize("criterion", CRITERIA)
def test_widths_asked_for_are_left_exactly(wide, data, criterion):
    pruned = cut(wide, criterion, data, options(wide, 1, widths=(4, 16, 9)))
    assert pruned.config.widths == (4, 16, 9)


@pytest.mark.parametrize("widths", [(4, 4), (4, 4, 17), (0, 4, 4)])
def test_widths_that_cannot_be_left_are_refused(wide, data, widths):
    with pytest.raises(ParameterError, match="one a layer"):
        cut(wide, "l2", data, options(wide, 1, widths=widths))


def test_gradients_flow_after_pruning(wide, data):
    net = cut(wide, "l2", data, options(wide, 0.4)).build()
    parts = bands.fused(net, torch.rand(2, 1, 32, 32))
    (parts[0].sum() + parts[1].square().sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_the_least_important_channels_go_first(wide, data, look):
    net = wide.build()
    with torch.no_grad():  # channels 0 to 7 of the first layer do nothing
        net.layers[0][1].weight[:8] = 1e-6
        net.layers[0][1].bias[:8] = 0
        net.layers[0][0].weight[:8] *= 1e-6
        net.layers[1][0].weight[:, :8] *= 1e-6
    idle = Checkpoint.of(net)
    pruned = cut(idle, "l2", data, options(idle, 0.75))
    assert pruned.config.widths == (8, 16, 16)
    sources = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(
        look(pruned.build(), sources)[0], look(net, sources)[0], atol=1e-4, rtol=1e-3
    )


def test_a_budget_nothing_meets_is_refused(wide, data):
    with pytest.raises(ParameterError, match="no choice of widths"):
        cut(wide, "random", data, options(wide, 1e-6))


def test_the_regulariser_makes_weights_smaller(wide, data):
    def norm(checkpoint):
        return float(checkpoint.tensors["layers.1.0.weight"].norm())

    plain = sparsened(wide, data, options(wide, 0.5, sparse_steps=0))
    assert norm(plain) == norm(wide)
    assert norm(sparsened(wide, data, options(wide, 0.5, sparse_steps=4))) != norm(wide)


def test_a_layer_taken_out_leaves_a_network_of_the_others(wide, look):
    shorter = without_layer(wide, 1)
    assert shorter.config.widths == (16, 16)
    assert shorter.config.dilations == (1, 1)
    assert shorter.config.context == ()
    assert look(shorter.build(), torch.rand(2, 1, 32, 32))[0].shape == (2, 1, SHARES, 16, 16)
    with pytest.raises(ParameterError, match="cannot be taken out"):
        without_layer(wide, 0)


def test_candidates_and_controls_are_compared_at_one_budget(wide, data, look):
    asked = options(wide, 0.4, criteria=("l2", "random"), sparse_steps=1, trial_steps=1)
    there = torch.get_rng_state()
    winner, rows = prune(wide, data, asked)
    assert torch.equal(torch.get_rng_state(), there)
    assert [row["criterion"] for row in rows] == ["l2", "random", "scratch"]
    assert all(row["macs"] <= asked.macs for row in rows)
    assert winner.card["pruned_by"] in ("l2", "random", "scratch")
    assert look(winner.build(), torch.rand(2, 1, 32, 32))[0].shape[2] == SHARES


def test_eight_bits_are_a_smaller_file_and_the_same_picture(wide, data, tmp_path):
    small = quantise(wide)
    assert small.tensors["layers.1.0.weight"].dtype == torch.int8
    assert parity_db(wide, small, data.train[:2]) > 50
    sizes = [c.save(tmp_path / f"{c.card.get('weights')}.safetensors") for c in (wide, small)]
    assert sizes[1].stat().st_size < 0.55 * sizes[0].stat().st_size
    again = quantise(small)
    assert all(torch.equal(again.tensors[n], t) for n, t in small.tensors.items())


def test_the_same_network_agrees_with_itself_without_end(wide, data):
    assert parity_db(wide, wide, data.train[:1]) == float("inf")
