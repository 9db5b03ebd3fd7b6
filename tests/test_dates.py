"""What changed between two dates, from volumes on their own grids."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_fusion import (
    GeometryError,
    Grid,
    ParameterError,
    QuantityError,
    Volume,
    change,
    phantom,
    resample,
    to_suv,
)
from napari_fusion.recipe import changed
from napari_fusion.registration import Alignment, Quality

GRID = Grid.regular((10, 20, 20), (2.0, 1.0, 1.0))
FORM = tuple(tuple(row) for row in np.diag([0.01, 0, 0, 0.04]).tolist())


def scan(grid):
    p = grid.index_to_lps(np.stack(np.indices(grid.shape), -1))
    array = 100 * np.exp(-((p / 5) ** 2).sum(-1))
    return Volume(array.astype(np.float32), grid, modality="CT", unit="HU")


def aligned(other, **quality):
    sure = Quality(verdict="PASS", sentence="PASS.", **quality)
    return Alignment.identity(GRID, other, sure)


def test_outside_the_followup_nothing_is_known():
    short = Grid.regular((5, 20, 20), (2.0, 1.0, 1.0), centre=(0, 0, -5))
    found = changed(scan(GRID), scan(short), aligned(short), uncertainty_mm=0.5)
    assert np.isfinite(found.array[:5]).all()
    assert np.isnan(found.array[6:]).all()


def test_every_voxel_has_the_uncertainty_that_was_measured_there():
    before, after = scan(GRID), replace(scan(GRID), array=scan(GRID).array * 1.5)
    found = changed(before, after, aligned(GRID, uncertainty_mm=0.4, uncertainty_form=FORM))
    points = GRID.index_to_lps(np.stack(np.indices(GRID.shape), -1))
    off_mm = np.sqrt(0.01 * points[..., 0] ** 2 + 0.04)
    expected = change(before, resample(after, GRID), off_mm)
    assert_array_equal(found.array, expected.array)
    assert found.history[-1].parameters["uncertainty_mm"] == pytest.approx([0.206, 0.971], abs=1e-3)


def test_one_number_serves_where_no_map_was_measured():
    found = changed(scan(GRID), scan(GRID), aligned(GRID, uncertainty_mm=0.4))
    assert found.history[-1].parameters["uncertainty_mm"] == [pytest.approx(0.4)]
    with pytest.raises(QuantityError, match="nobody knows"):
        changed(scan(GRID), scan(GRID), Alignment.identity(GRID, GRID))


def test_it_is_drawn_on_the_grid_that_is_asked_for():
    fine = GRID.with_spacing([2.0, 2.0, 2.0])
    found = changed(scan(GRID), scan(GRID), aligned(GRID), grid=fine, uncertainty_mm=1)
    assert found.grid.matches(fine)
    with pytest.raises(GeometryError, match="one a voxel"):
        change(scan(GRID), scan(GRID), np.ones(3))


def test_another_contrast_is_doubted_and_the_same_one_is_not():
    grid = phantom.default_grid("T1", 4.0)
    before, after, other = (
        phantom.head(kind, grid, date=date) for kind, date in (("T1", 0), ("T1", 1), ("T2", 1))
    )
    assert change(before, after, 1.0).history[-1].warnings == ()
    (doubt,) = change(before, other, 1.0).history[-1].warnings
    assert doubt.startswith("the dates correlate by 0.")


def test_activity_of_two_dates_is_doubted_and_suv_is_not():
    pet = phantom.head("PET", phantom.default_grid("PET", 8.0))
    (told,) = change(pet, pet, 0.5).history[-1].warnings
    assert "another dose, weight or delay" in told
    assert change(to_suv(pet), to_suv(pet), 0.5).history[-1].warnings == ()


def test_dates_of_two_patients_are_doubted():
    before, after = (replace(scan(GRID), patient=who) for who in ("one", "other"))
    (doubt,) = changed(before, after, aligned(GRID), uncertainty_mm=1).history[-1].warnings
    assert doubt == "the dates are known to show different patients"
    for same in (before, replace(after, patient=None)):
        assert change(before, same, 1.0).history[-1].warnings == ()


def test_an_alignment_of_other_volumes_is_refused():
    other = Grid.regular((5, 20, 20), (2.0, 1.0, 1.0))
    for alignment in (aligned(other), aligned(other).inverse()):
        with pytest.raises(ParameterError, match="not those of the baseline and the follow-up"):
            changed(scan(GRID), scan(GRID), alignment, uncertainty_mm=1)
    before, after = scan(GRID), replace(scan(GRID), array=scan(GRID).array * 2)
    own = replace(aligned(GRID), judged_on=(before.fingerprints, after.fingerprints))
    changed(before, after, own, uncertainty_mm=1)
    with pytest.raises(ParameterError, match="other voxels than the follow-up's"):
        changed(before, before, own, uncertainty_mm=1)


@pytest.mark.parametrize("alignment", [None, np.eye(4)])
def test_what_is_no_alignment_is_said_to_be_none(alignment):
    with pytest.raises(ParameterError, match="the alignment"):
        changed(scan(GRID), scan(GRID), alignment, uncertainty_mm=1)
