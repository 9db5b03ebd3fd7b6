import importlib
import tracemalloc
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import binary_erosion

from napari_fusion import GeometryError, Grid, ParameterError, QuantityError, Volume
from napari_fusion.errors import Cancelled
from napari_fusion.fusion import change
from napari_fusion.fusion.matching import matched

module = importlib.import_module("napari_fusion.fusion.change")  # the name is its function

by_voxel = partial(change, scale_mm=0)
GRID = Grid.regular((8, 24, 24), spacing=(3.0, 1.0, 1.0))


def volume(array, **changes):
    return Volume(np.asarray(array, np.float32), GRID, **{"modality": "MR", **changes})


def ball(centre, radius):
    z, y, x = np.indices(GRID.shape)
    distance = np.sqrt((3 * (z - centre[0])) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2)
    return 100.0 * (distance <= radius)


def test_without_uncertainty_it_is_the_difference():
    rng = np.random.default_rng(0)
    before, after = rng.random((2, *GRID.shape)).astype(np.float32)
    found = by_voxel(volume(before), volume(after), 0, sigmas=0, match=False)
    assert_allclose(found.array, after - before, atol=1e-6)


def test_a_shift_within_the_uncertainty_is_no_change():
    before, after = volume(ball((4, 12, 12), 6)), volume(ball((4, 12, 14), 6))
    assert np.abs(by_voxel(before, after, 1.0).array).max() > 50
    assert_array_equal(by_voxel(before, after, 2.0).array, 0)


def test_growth_and_shrinkage_beyond_the_uncertainty_have_their_sign():
    small, large = volume(ball((4, 12, 12), 4)), volume(ball((4, 12, 12), 8))
    grown, shrunk = by_voxel(small, large, 2.0).array, by_voxel(large, small, 2.0).array
    assert grown[4, 12, 19] == 100
    assert grown[4, 12, 12] == grown[4, 12, 22] == 0
    assert grown.min() == 0
    assert_array_equal(shrunk, -grown)
    assert_array_equal(by_voxel(small, volume(ball((4, 12, 12), 5)), 2.0).array, 0)


def test_a_new_lesion_smaller_than_the_uncertainty_is_seen():
    nothing, spot = volume(np.zeros(GRID.shape)), volume(ball((4, 12, 12), 1))
    assert by_voxel(nothing, spot, 3.0).array[4, 12, 12] == 100
    assert by_voxel(spot, nothing, 3.0).array[4, 12, 12] == -100


def test_half_a_voxel_reaches_half_way():
    ramp = np.broadcast_to(np.arange(24.0), GRID.shape)
    moved = by_voxel(volume(ramp), volume(ramp + 1), 0.5, match=False).array
    assert_allclose(moved[:, :, 1:-1], 0.5, atol=1e-5)


def test_what_is_not_known_stays_unknown_and_spreads_no_further():
    before, after = np.zeros(GRID.shape), np.zeros(GRID.shape)
    before[4, 12, 12] = np.nan
    result = by_voxel(volume(before), volume(after), 2.0).array
    assert np.isnan(result[4, 12, 12])
    assert np.isfinite(result).sum() == result.size - 1


def tissue(noise, seed):
    rng = np.random.default_rng(seed)
    return 200 + ball((4, 12, 12), 6) + noise * rng.standard_normal(GRID.shape)


def test_noise_is_no_change_and_a_lesion_in_it_is_one():
    before, after = volume(tissue(5, 0)), volume(tissue(5, 1) + 0.6 * ball((4, 5, 5), 2))
    assert (by_voxel(before, after, 0.5, sigmas=0).array != 0).mean() > 0.2
    found = by_voxel(before, after, 0.5, sigmas=3)
    assert found.history[-1].parameters["noise"] == pytest.approx(5 * np.sqrt(2), rel=0.15)
    assert found.array[4, 5, 5] > 20
    assert (found.array[ball((4, 5, 5), 4) == 0] != 0).mean() < 0.005


def test_without_its_finest_detail_a_faint_lesion_stands_out_and_noise_does_not():
    lesion = ball((4, 6, 6), 4) > 0
    before, after = volume(tissue(8, 0)), volume(tissue(8, 1) + 25 * lesion)
    plain = by_voxel(before, after, 0.2, sigmas=3).array != 0
    found = change(before, after, 0.2).array != 0
    assert found[lesion].mean() > 2 * plain[lesion].mean() > 0
    away = ball((4, 6, 6), 7) == 0
    assert found[away].mean() < plain[away].mean()


def test_what_is_smoothed_leaves_gaps_out():
    before = np.full(GRID.shape, 50.0)
    before[:, :8] = np.nan
    found = change(volume(before, modality="CT"), volume(before + 7, modality="CT"), 0, sigmas=0)
    assert np.isnan(found.array[:, :8]).all()
    assert_allclose(found.array[:, 8:], 7, atol=1e-4)


def test_gain_and_shading_of_a_scanner_are_no_change():
    shading = 1.3 * np.exp(0.003 * np.indices(GRID.shape)[2])
    later = shading * (tissue(2, 1) + 0.6 * ball((4, 5, 5), 2))
    plain = change(volume(tissue(2, 0)), volume(later), 0.5, match=False)
    assert (plain.array != 0).mean() > 0.3
    found = change(volume(tissue(2, 0)), volume(later), 0.5)
    assert found.array[4, 5, 5] > 20
    assert (found.array[ball((4, 5, 5), 4) == 0] != 0).mean() < 0.02


@pytest.fixture(scope="module")
def shaded():
    """Give tissue around which there is air, and it as a coil on top of it sees it later."""
    shape, rng = (40, 48, 48), np.random.default_rng(0)
    z, y, x = (3.0 * n for n in np.indices(shape))
    body = (np.hypot(y - 70, x - 70) < 60) & (z > 12)
    before = np.where(body, 100 + 20 * np.sin(z / 9) * np.cos(y / 7), 1).astype(np.float32)
    noise = rng.normal(0, 3, (2, *shape)).astype(np.float32)
    coil = 1.6 / (1 + ((z - 160) ** 2 + (y - 40) ** 2 + (x - 70) ** 2) / 120**2)
    return body, before + noise[0], before + noise[1], coil.astype(np.float32)


def test_shading_is_no_change_to_the_end_of_the_body(shaded):
    body, before, after, coil = shaded
    even = matched(before, after * coil, np.full(3, 3.0)) / after
    for end in (body, body & (np.indices(body.shape)[0] > 36), body & ~binary_erosion(body)):
        assert np.abs(even[end] - 1).max() < 0.04
        assert np.abs(even[end].mean() - 1) < 0.01
    field = even / coil
    assert field.min() > 0.99 * field[body].min()
    assert field.max() < 1.01 * field[body].max()


@pytest.mark.parametrize("centre", [(60, 70, 70), (105, 70, 30)])
def test_a_large_lesion_is_not_taken_for_shading(shaded, centre):
    body, before, after, coil = shaded
    places = 3.0 * np.indices(body.shape)
    lesion = body & (sum((p - c) ** 2 for p, c in zip(places, centre, strict=True)) < 30**2)
    found = matched(before, after * coil * np.where(lesion, np.float32(1.3), 1), np.full(3, 3.0))
    assert np.median(found[lesion] / after[lesion]) > 1.29


def test_a_body_of_few_voxels_tells_a_gain_alone():
    before = tissue(2, 0).astype(np.float32)
    even = matched(before, before * np.float32(1.7), GRID.spacing)
    assert_allclose(even, before, rtol=1e-3)


def test_values_with_a_unit_are_taken_as_they_are():
    hounsfield = {"modality": "CT", "unit": "HU"}
    found = change(volume(tissue(0, 0), **hounsfield), volume(tissue(0, 0) + 9, **hounsfield), 0)
    assert_allclose(found.array, 9, atol=1e-4)


def test_each_voxel_has_its_own_uncertainty():
    before, after = volume(ball((4, 12, 12), 6)), volume(ball((4, 12, 14), 6))
    off_mm = np.where(np.indices(GRID.shape)[2] < 12, 0.5, 2.5).astype(np.float32)
    found, near, far = (by_voxel(before, after, u).array for u in (off_mm, 0.5, 2.5))
    assert_array_equal(found[:, :, :12], near[:, :, :12])
    assert_array_equal(found[:, :, 12:], far[:, :, 12:])
    between = by_voxel(before, after, np.full(GRID.shape, 1.0)).array
    assert_array_equal(between, by_voxel(before, after, 1.0).array)


def test_slices_at_a_time_are_the_whole_to_the_bit(monkeypatch):
    rng = np.random.default_rng(3)
    before, after = rng.random((2, *GRID.shape)).astype(np.float32)
    before[2, 3:6, 4:9] = np.nan
    off_mm = np.linspace(0.2, 7.3, 24, dtype=np.float32) + np.zeros(GRID.shape, np.float32)
    for off in (0.0, 3.0, 7.5, off_mm):
        found = []
        for slices in (1, 3, 100):
            monkeypatch.setattr(module, "SLICES", slices)
            found.append(change(volume(before), volume(after), off, match=False).array)
        assert_array_equal(found[0], found[2])
        assert_array_equal(found[1], found[2])


def test_it_can_be_stopped_at_any_slice(monkeypatch):
    def stop(fraction, words):
        if fraction > 0.5:
            raise Cancelled

    monkeypatch.setattr(module, "SLICES", 2)
    with pytest.raises(Cancelled):
        change(volume(tissue(5, 0)), volume(tissue(5, 1)), 1, progress=stop)


def test_scans_of_no_known_modality_are_doubted_unless_somebody_decides():
    dates = [volume(tissue(5, seed), modality="OTHER") for seed in (0, 1)]
    assert any("what was scanned" in doubt for doubt in change(*dates, 1.0).warnings)
    assert not any("what was scanned" in d for d in change(*dates, 1.0, match=False).warnings)
    dates = [volume(tissue(5, seed)) for seed in (0, 1)]
    assert not any("what was scanned" in doubt for doubt in change(*dates, 1.0).warnings)


def test_history_and_meaning():
    result = by_voxel(volume(ball((4, 12, 12), 4)), volume(ball((4, 12, 12), 6)), 1.5)
    assert result.history[-1].parameters == {
        "uncertainty_mm": [1.5],
        "sigmas": 5.0,
        "scale_mm": 0.0,
        "noise": 0.0,
        "match": True,
    }
    assert (result.modality, result.unit) == ("MR", "1")


def test_what_cannot_be_compared_is_refused():
    mr = volume(np.zeros(GRID.shape))
    with pytest.raises(QuantityError, match="MR in 1, the follow-up CT in HU"):
        change(mr, volume(np.zeros(GRID.shape), modality="CT", unit="HU"), 1)
    with pytest.raises(GeometryError, match="resample"):
        change(mr, Volume(np.zeros((2, 2, 2)), Grid.regular((2, 2, 2)), "MR"), 1)
    with pytest.raises(ParameterError, match="0 mm or more"):
        change(mr, mr, -1)
    for name in ("sigmas", "scale_mm"):
        with pytest.raises(ParameterError, match=name):
            change(mr, mr, 1, **{name: -1})
    with pytest.raises(GeometryError, match="one a voxel"):
        change(mr, mr, np.ones(3))
    nothing = volume(np.full(GRID.shape, np.nan))
    assert np.isnan(change(nothing, nothing, 1).array).all()


def test_large_dates_take_no_more_than_eight_volumes():
    grid = Grid.regular((160, 128, 128))
    rng = np.random.default_rng(0)
    body = np.zeros(grid.shape, np.float32)
    body[5:155, 8:120, 8:120] = 1
    dates = [
        Volume(body + 0.05 * rng.standard_normal(grid.shape, np.float32), grid, modality="MR")
        for _ in range(2)
    ]
    tracemalloc.start()
    try:
        change(*dates, 0.5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * body.nbytes
