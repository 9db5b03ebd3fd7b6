"""The loss: every term prefers a fusion that keeps both sources, and passes on gradients."""

import numpy as np
import pytest
import torch

from napari_fusion import metrics
from napari_fusion.nets import losses
from napari_fusion.nets.features import feature_information
from napari_fusion.nets.seeing import seen_contrast


@pytest.fixture
def sources(head):
    """Give two sources that show mostly the left and mostly the right side (2, 1, h, w)."""
    pair = torch.stack([torch.from_numpy(head(seed=s))[None] for s in (1, 2)])
    pair[0, ..., 52:] *= 0.15
    pair[1, ..., :44] *= 0.15
    return pair


@pytest.fixture
def large(head):
    """Give two sources of 256 × 256, one textured, one smooth."""
    blurred = torch.nn.functional.avg_pool2d(torch.from_numpy(head(256, seed=3))[None], 9, 1, 4)
    return torch.stack([torch.from_numpy(head(256, seed=1))[None], blurred])


def test_equal_sources_fused_to_themselves_cost_next_to_nothing(head):
    one = torch.from_numpy(head(seed=1))[None]
    values = losses.terms(one, torch.stack([one, one]))
    assert float(values.pop("differences")) == 2
    for name, value in values.items():
        assert float(value) < 0.05, name


@pytest.mark.parametrize(
    "term", ["edges_both", "structure_both", "information_both", "features_both", "differences"]
)
def test_copying_one_source_costs_more_than_mixing_both(sources, term):
    mixed, copied = sources.amax(0), sources[0]
    assert losses.terms(mixed, sources)[term] < losses.terms(copied, sources)[term]


def test_the_terms_are_the_metrics_they_stand_for(large):
    fused = (0.7 * large.amax(0) + 0.3 * large.mean(0)) * (large > 0).any(0)
    values = {name: 1 - float(v) for name, v in losses.terms(fused, large).items()}
    plain, stack = fused[0].numpy(), large[:, 0].numpy()
    found = metrics.evaluate(
        plain, stack, ["q_abf", "q_w", "correlation", "scd", "ssim_foreground"]
    )
    two = metrics.two_sided(plain, stack, ("q_abf", "vif", "ssim_foreground"))
    assert values["edges"] == pytest.approx(found["q_abf"], abs=0.05)
    assert values["edges_both"] == pytest.approx(two["q_abf"], abs=0.05)
    assert values["saliency"] == pytest.approx(found["q_w"], abs=0.01)
    assert values["correlation"] == pytest.approx(found["correlation"], abs=1e-3)
    assert values["differences"] + 1 == pytest.approx(found["scd"], abs=1e-3)
    assert values["structure"] == pytest.approx(found["ssim_foreground"], abs=0.01)
    assert values["information_both"] == pytest.approx(two["vif"], abs=0.02)


def test_feature_information_is_the_metric_where_sources_have_structure(large):
    """Background counts 1 in the metric and not at all in the term."""
    fused = large.amax(0)
    ours = feature_information(fused, large)[:, 0].numpy()
    theirs = np.array(metrics.lookup("fmi").sides(fused[0].numpy(), large[:, 0].numpy()))
    share = 1 - float((large == 0).all(0).float().mean())
    np.testing.assert_allclose(1 - share + share * ours, theirs, atol=0.08)


def test_more_information_is_shared_with_what_is_more_alike(large):
    blurred = torch.nn.functional.avg_pool2d(large[0], 3, stride=1, padding=1)
    alike = feature_information(large[0], large)[0]
    assert alike > feature_information(blurred, large)[0] > feature_information(large[1], large)[0]


def test_seen_contrast_ranks_as_the_metric(large):
    pictures = (large.amax(0), large.mean(0), large[1])
    ours = [float(seen_contrast(p, large)) for p in pictures]
    theirs = [metrics.lookup("q_cb")(p[0].numpy(), large[:, 0].numpy()) for p in pictures]
    assert np.argsort(ours).tolist() == np.argsort(theirs).tolist()


def test_a_halo_and_a_lost_bright_structure_cost(sources):
    fused = sources.amax(0)
    assert losses.terms(fused + 0.1, sources)["halo"] > losses.terms(fused, sources)["halo"]
    dimmed = fused * 0.5
    assert losses.terms(dimmed, sources)["brightest"] > losses.terms(fused, sources)["brightest"]


@pytest.mark.parametrize("sign", [1, -1], ids=["bright", "dark"])
def test_a_lesion_that_one_source_shows_costs_what_is_lost_of_it(sign):
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    lesion = sign * 0.3 * (torch.hypot(rows - 48, columns - 48) < 4).float()
    even, other = torch.full((1, 96, 96), 0.5), torch.full((1, 96, 96), 0.4)
    shown = torch.stack([even + lesion, other])
    lost = [
        float(losses.terms(even + share * lesion, shown)["alone"]) for share in (1, 0.5, 0, -0.5)
    ]
    np.testing.assert_allclose(lost, [0, 0.5, 1, 1.5], atol=0.01)


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
