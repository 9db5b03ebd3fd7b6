import numpy as np
import pytest

from napari_fusion.errors import ParameterError
from napari_fusion.metrics import evaluate, lookup, metrics, q_abf
from napari_fusion.volume import Grid, Volume

every = pytest.mark.parametrize("metric", metrics(), ids=lambda m: m.name)


@every
def test_every_metric_says_where_it_comes_from(metric):
    assert metric.title
    assert metric.paper
    assert metric.range[0] < metric.range[1]
    assert lookup(metric.name) is metric


@every
def test_values_lie_in_the_stated_range(metric, slices):
    value = metric(*slices)
    assert metric.range[0] - 1e-9 <= value <= metric.range[1] + 1e-9


@every
def test_the_order_of_sources_does_not_matter(metric, slices):
    fused, sources = slices
    assert metric(fused, sources) == pytest.approx(metric(fused, sources[::-1]), rel=1e-9)


@every
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_constant_pictures_raise_no_warning(metric, value):
    flat = np.full((32, 32), value)
    metric(flat, np.stack([flat, flat]))


def test_a_slab_is_the_mean_of_its_slices(slices):
    fused, sources = slices
    slab = np.stack([fused, sources[0]])
    pair = np.stack([np.stack([s, s]) for s in sources])
    first, second = evaluate(fused, sources), evaluate(sources[0], sources)
    for name, value in evaluate(slab, pair).items():
        assert value == pytest.approx((first[name] + second[name]) / 2)


def test_empty_slices_do_not_count(slices):
    fused, sources = slices
    padded = np.stack([fused, np.zeros_like(fused)])
    pair = np.stack([np.stack([s, np.zeros_like(s)]) for s in sources])
    names = ["q_abf", "ssim_foreground"]
    assert evaluate(padded, pair, names) == pytest.approx(evaluate(fused, sources, names))
    assert np.isnan(evaluate(padded[1], pair[:, 1], names)["q_abf"])


def test_wrong_shapes_and_names_are_refused(slices):
    fused, sources = slices
    with pytest.raises(ParameterError, match="same slice or slab"):
        evaluate(fused[1:], sources)
    with pytest.raises(ParameterError, match="same slice or slab"):
        evaluate(fused[None][:0], sources[:, None][:, :0])
    with pytest.raises(ParameterError, match=r"shapes .* and .*: give arrays of the same slice"):
        evaluate(fused, [sources[0], sources[1][1:]])
    with pytest.raises(ParameterError, match="there are no sources"):
        evaluate(fused, [])
    with pytest.raises(ParameterError, match="there is no metric 'qabf'"):
        evaluate(fused, sources, ["qabf"])
    for wrong, near in (("vvif", "vif"), ("SSIM2", "ssim"), ("Qabf", "q_abf")):
        with pytest.raises(ParameterError, match=f"did you mean '{near}'"):
            lookup(wrong)
    with pytest.raises(ParameterError, match="needs a fused slice"):
        lookup("q_abf")(fused[None], sources)


@every
def test_an_empty_slice_has_no_number(metric):
    nothing = np.zeros((32, 32))
    assert np.isnan(metric(nothing, np.stack([nothing, nothing])))


@pytest.mark.parametrize("values", [(-1000, 2000), (0, 255), (0, np.nan)])
def test_measured_values_are_refused(values):
    picture = np.linspace(*values, 256).reshape(16, 16)
    with pytest.raises(ParameterError, match="pictures in"):
        evaluate(picture, [picture, picture])


def test_volumes_are_refused():
    volume = Volume(np.zeros((2, 16, 16)), Grid.regular((2, 16, 16)))
    with pytest.raises(ParameterError, match="arrays, not volumes"):
        evaluate(volume, [volume, volume])


def test_a_function_called_by_hand_is_checked_too(slices):
    fused, sources = slices
    assert q_abf(fused, list(sources)) == evaluate(fused, sources, ["q_abf"])["q_abf"]
    with pytest.raises(ParameterError, match="rows, columns"):
        q_abf(fused[None], sources[:, None])
