import numpy as np
import pytest

from napari_fusion.metrics import evaluate, lookup, metrics, two_sided


def test_copying_one_source_is_worth_less_than_serving_both(slices):
    fused, sources = slices
    copy, both = two_sided(sources[0], sources), two_sided(fused, sources)
    assert both["q_abf"] > copy["q_abf"]
    assert both["vif"] > 3 * copy["vif"]
    assert (
        evaluate(sources[0], sources, ["mutual_information"])["mutual_information"]
        > (evaluate(fused, sources, ["mutual_information"])["mutual_information"])
    )


def test_it_is_the_geometric_mean_of_the_sides(slices):
    fused, sources = slices
    sides = lookup("vif").sides(fused, sources)
    assert two_sided(fused, sources, ["vif"])["vif"] == pytest.approx(np.sqrt(sides[0] * sides[1]))


def test_contrast_alone_raises_what_says_so(slices):
    """The column "gamed by contrast" is true: stretching a fusion raises those metrics."""
    fused, sources = slices
    stretched = (1.2 * fused).clip(0, 1)
    for name in ("standard_deviation", "spatial_frequency", "average_gradient"):
        assert "contrast" in lookup(name).gamed_by
        assert lookup(name).direction == "neither"
        assert lookup(name)(stretched, sources) > lookup(name)(fused, sources)


@pytest.mark.parametrize("judge", metrics(), ids=lambda m: m.name)
def test_noise_and_contrast_raise_nothing_that_does_not_say_so(judge, slices):
    fused, sources = slices
    dim = sources.mean(axis=0)
    noise = 0.03 * np.random.default_rng(0).standard_normal(fused.shape)
    for word, before, after in (("noise", fused, fused + noise), ("contrast", dim, 1.1 * dim)):
        if word not in judge.gamed_by:
            grey = np.rint(255 * after.clip(0, 1)) / 255
            was, now = judge(before, sources), judge(grey, sources)
            better = was - now if judge.direction == "lower" else now - was
            assert better <= 0.02 * abs(was)
