"""The loss: every term prefers a fusion that keeps both sources, and passes on gradients."""

import pytest
import torch

from napari_fusion import metrics
from napari_fusion.nets import losses


@pytest.fixture
def sources(head):
    """Give two sources that show mostly the left and mostly the right side (2, 1, h, w)."""
    pair = torch.stack([torch.from_numpy(head(seed=s))[None] for s in (1, 2)])
    pair[0, ..., 52:] *= 0.15
    pair[1, ..., :44] *= 0.15
    return pair


def test_equal_sources_fused_to_themselves_cost_next_to_nothing(head):
    one = torch.from_numpy(head(seed=1))[None]
    values = losses.terms(one, torch.stack([one, one]))
    for name, value in values.items():
        assert float(value) < 0.03, name


@pytest.mark.parametrize(
    "term", ["edges_both", "structure_both", "information_both", "features_both"]
)
def test_copying_one_source_costs_more_than_mixing_both(sources, term):
    mixed, copied = sources.amax(0), sources[0]
    assert losses.terms(mixed, sources)[term] < losses.terms(copied, sources)[term]


def test_the_terms_are_the_metrics_they_stand_for(sources):
    fused = sources.mean(0)
    values = losses.terms(fused, sources)
    plain, stack = fused[0].numpy(), sources[:, 0].numpy()
    two = metrics.two_sided(plain, stack, ("vif", "ssim_foreground"))
    assert 1 - float(values["edges"]) == pytest.approx(
        metrics.evaluate(plain, stack, ["q_abf"])["q_abf"], abs=0.05
    )
    assert 1 - float(values["structure_both"]) == pytest.approx(two["ssim_foreground"], abs=0.02)
    assert 1 - float(values["information_both"]) == pytest.approx(two["vif"], abs=0.02)


def test_a_halo_and_a_lost_bright_structure_cost(sources):
    fused = sources.amax(0)
    assert losses.terms(fused + 0.1, sources)["halo"] > losses.terms(fused, sources)["halo"]
    dimmed = fused * 0.5
    assert losses.terms(dimmed, sources)["brightest"] > losses.terms(fused, sources)["brightest"]


def test_gradients_are_finite_even_where_everything_is_flat():
    parts = torch.zeros(2, 1, 64, 64, requires_grad=True)
    sources = torch.zeros(2, 1, 64, 64)
    losses.loss(parts, sources).backward()
    assert torch.isfinite(parts.grad).all()
    assert set(losses.terms(parts.sum(0), sources)) == set(losses.WEIGHTS)


def test_weights_choose_the_terms(sources):
    fused = sources.amax(0)
    alone = losses.loss(sources / 2, sources, {"edges": 2.0})
    assert float(alone) == pytest.approx(2 * float(losses.terms(sources.mean(0), sources)["edges"]))
    assert losses.loss(fused[None], sources, {}) == 0
