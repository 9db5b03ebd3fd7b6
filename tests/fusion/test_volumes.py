import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_fusion import Cancelled, GeometryError, Grid, ParameterError, Step, Volume, Window
from napari_fusion.fusion import (
    attribution,
    fuse,
    fuse_slice,
    fuse_slice_with_shares,
    fuse_with_shares,
    job,
    lookup,
    shares,
)

GRID = Grid.regular((6, 20, 24), spacing=(3.0, 1.0, 1.0))
UNIT = [Window(lower=0, upper=1)] * 2


def volume(seed, grid=GRID, **changes):
    array = np.random.default_rng(seed).random(grid.shape).astype(np.float32)
    return Volume(array, grid, **{"modality": "MR", "name": f"source {seed}", **changes})


@pytest.fixture
def pair():
    return [volume(1), volume(2)]


def test_fuse_is_the_sum_of_the_parts_of_the_method(pair):
    parts = lookup("laplacian")(np.stack([v.array for v in pair]), levels=2)
    fused = fuse(pair, windows=UNIT, levels=2)
    assert_array_equal(fused.array, parts.sum(axis=0).clip(0, 1))
    assert (fused.modality, fused.unit, fused.grid) == ("FUSED", "1", GRID)
    assert fused.array.dtype == np.float32


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_plane(pair, axis):
    fused = fuse(pair, windows=UNIT, axis=axis)
    turned = np.moveaxis(np.stack([v.array for v in pair]), axis + 1, 1).copy()
    expected = lookup("laplacian")(turned).sum(axis=0).clip(0, 1)
    assert_array_equal(np.moveaxis(fused.array, axis, 0), expected)


def test_the_coarsest_axis_is_across_slices_by_default():
    grid = Grid.regular((8, 9, 5), spacing=(1.0, 1.0, 4.0))
    pair = [volume(1, grid), volume(2, grid)]
    assert_array_equal(fuse(pair, windows=UNIT).array, fuse(pair, windows=UNIT, axis=2).array)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_slabs_and_threads_do_not_change_the_result(pair, workers, monkeypatch):
    whole = fuse_with_shares(pair, windows=UNIT)
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    monkeypatch.setattr(job, "WORKERS", workers)
    cut = fuse_with_shares(pair, windows=UNIT)
    assert_array_equal(cut[0].array, whole[0].array)
    assert_array_equal(cut[1][0].array, whole[1][0].array)


def test_shares_come_with_the_fusion_or_alone(pair):
    fused, given = fuse_with_shares(pair, "average", windows=UNIT)
    assert_array_equal(fused.array, fuse(pair, "average", windows=UNIT).array)
    alone = attribution(pair, "average", windows=UNIT)
    for a, b in zip(given, alone, strict=True):
        assert_array_equal(a.array, b.array)
    assert_allclose(sum(v.array for v in given), 1, atol=1e-6)
    assert [v.name for v in given] == ["share of source 1", "share of source 2"]
    assert_allclose(given[0].array, pair[0].array / (pair[0].array + pair[1].array), rtol=1e-5)


def test_shares_of_nothing_belong_to_whoever_gave_something():
    parts = np.zeros((3, 2, 2, 2), np.float32)
    parts[0, 0, 0, 0], parts[1, 0, 0, 1] = -0.5, 0.5
    given = shares(parts)
    assert_array_equal(given[:, 0, 0, 0], [1, 0, 0])
    assert_array_equal(given[:, 0, 1, 1], [0.5, 0.5, 0])
    assert_allclose(given[:, 1, 0, 0], 1 / 3)


def test_windows_follow_the_modality_and_are_recorded():
    hu = np.linspace(-150, 1200, 12).reshape(1, 3, 4).astype(np.float32)
    ct = Volume(hu, Grid.regular((1, 3, 4)), modality="CT", unit="HU")
    fused = fuse([ct])
    assert_allclose(fused.array, np.linspace(0, 1, 12).reshape(1, 3, 4), atol=1e-6)
    assert fused.history[-1].parameters["windows"] == [[-150.0, 1200.0]]


def test_history_tells_sources_and_request(pair):
    pair[0] = pair[0].with_step(Step("load", {"sha256": "abc"}, ("tilt corrected",)))
    fused = fuse(pair, "maximum", windows=UNIT)
    first, _, request = fused.history
    assert first.parameters["history"][0]["parameters"] == {"sha256": "abc"}
    assert request.name == "fuse"
    assert request.parameters["method"] == "maximum"
    assert request.parameters["axis"] == 0
    assert fused.warnings == ("tilt corrected", lookup("maximum").caution)
    assert fuse(pair, windows=UNIT).history[-1].parameters["params"] == {
        "levels": 4,
        "rule": "magnitude",
    }


@pytest.mark.parametrize("name", ["frame_uid", "patient"])
def test_what_the_sources_agree_on_is_kept(name):
    same = [volume(1, **{name: "x"}), volume(2, **{name: "x"})]
    differ = [volume(1, **{name: "x"}), volume(2, **{name: "y"})]
    assert getattr(fuse(same, windows=UNIT), name) == "x"
    assert getattr(fuse(differ, windows=UNIT), name) is None


def test_nan_is_empty_and_inf_harmless(pair):
    array = pair[0].array.copy()
    array[0, 3:9, 3:9] = np.nan
    array[1, 0, 0] = np.inf
    fused, given = fuse_with_shares([Volume(array, GRID), pair[1]], "average", windows=UNIT)
    assert np.isfinite(fused.array).all()
    assert_array_equal(given[0].array[0, 3:9, 3:9], 0)


def test_constant_sources_and_one_source(pair):
    flat = Volume(np.full(GRID.shape, 7, np.int16), GRID)
    assert np.isfinite(fuse([flat, flat]).array).all()
    assert_array_equal(fuse(pair[:1], windows=UNIT[:1]).array, pair[0].array)
    assert_array_equal(attribution(pair[:1], windows=UNIT[:1])[0].array, 1)


def test_different_grids_are_refused_with_both_described(pair):
    moved = Volume(pair[1].array, Grid.regular(GRID.shape, GRID.spacing, centre=(0, 0, 2)))
    with pytest.raises(GeometryError, match=r"source 1 has 6 × 20 × 24.*source 2 has.*2 mm apart"):
        fuse([pair[0], moved])
    small = volume(3, Grid.regular((5, 20, 24), spacing=(3.0, 1.0, 1.0)))
    with pytest.raises(GeometryError, match="shapes differ"):
        fuse([pair[0], small])


def test_nonsense_is_refused_in_words(pair):
    with pytest.raises(ParameterError, match="at least one source"):
        fuse([])
    with pytest.raises(ParameterError, match="2 sources and 1 windows"):
        fuse(pair, windows=UNIT[:1])
    with pytest.raises(ParameterError, match="axis is 0, 1 or 2"):
        fuse(pair, axis=3)
    with pytest.raises(ParameterError, match="did you mean 'levels'"):
        fuse(pair, windows=UNIT, level=3)


def test_progress_rises_to_one_in_the_callers_thread(pair, monkeypatch):
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    told = []
    fuse(pair, windows=UNIT, progress=lambda f, words: told.append((f, threading.get_ident())))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1], len(fractions)) == (0, 1, 7)
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_cancel_stops_and_is_passed_on(pair, monkeypatch):
    monkeypatch.setattr(job, "SLAB_BYTES", 1)

    def cancel(fraction, words):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fuse(pair, windows=UNIT, progress=cancel)
    assert threading.active_count() < 20


@pytest.mark.parametrize("method", ["laplacian", "auto", "dtcwt", "guided"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_a_slice_alone_is_the_slice_of_the_whole(pair, method, axis):
    fused, given = fuse_with_shares(pair, method, windows=UNIT, axis=axis)
    across = axis or 0
    for i in (0, 3, GRID.shape[across] - 1):
        alone, alone_given = fuse_slice_with_shares(pair, method, index=i, axis=axis, windows=UNIT)
        assert_array_equal(alone, fused.array.take(i, across))
        for share, whole in zip(alone_given, given, strict=True):
            assert_array_equal(share, whole.array.take(i, across))
        assert_array_equal(fuse_slice(pair, method, index=i, axis=axis, windows=UNIT), alone)


def test_a_slice_alone_has_the_windows_of_the_whole(pair):
    assert_array_equal(fuse_slice(pair, index=2, levels=2), fuse(pair, levels=2).array[2])


@pytest.mark.parametrize("index", [-1, 6])
def test_a_slice_that_is_not_there_is_refused(pair, index):
    with pytest.raises(ParameterError, match=f"no slice {index} along axis 0.*0 to 5"):
        fuse_slice(pair, index=index)
