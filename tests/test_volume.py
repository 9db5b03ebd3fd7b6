import json

import numpy as np
import pytest
from dask.array import from_array

from napari_fusion import GeometryError, Grid, ParameterError, Step, Volume
from napari_fusion.volume import told_apart

GRID = Grid.regular((2, 3, 4))


def test_a_volume_is_frozen_without_copying():
    array = np.zeros(GRID.shape, np.float32)
    volume = Volume(array, GRID)
    assert np.shares_memory(array, volume.array)
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    array[0, 0, 0] = 1  # the caller's own array stays writable


def test_array_and_grid_must_agree():
    with pytest.raises(GeometryError, match=r"\(2, 3, 5\)"):
        Volume(np.zeros((2, 3, 5)), GRID)


@pytest.mark.parametrize("change", [{"modality": "XX"}, {"unit": "mmHg"}])
def test_unknown_meanings_are_refused(change):
    with pytest.raises(ParameterError, match="is not one of"):
        Volume(np.zeros(GRID.shape), GRID, **change)


def test_history_grows_and_keeps_its_warnings():
    volume = Volume(np.zeros(GRID.shape), GRID, history=(Step("load", {}, ("tilt corrected",)),))
    after = volume.with_array(volume.array + 1, Step("add", {"value": 1}), modality="MR")
    assert [s.name for s in after.history] == ["load", "add"]
    assert after.modality == "MR"
    assert after.warnings == ("tilt corrected",)
    assert volume.modality == "OTHER"
    assert json.loads(json.dumps(after.history[1].to_json()))["parameters"] == {"value": 1}


@pytest.mark.parametrize(
    ("modality", "unit", "expected"),
    [("CT", "HU", -1024), ("MR", "1", 0), ("PT", "Bq/mL", 0), ("OTHER", "1", -7)],
)
def test_background_is_the_value_of_nothing(modality, unit, expected):
    array = np.full(GRID.shape, -7.0)
    assert Volume(array, GRID, modality=modality, unit=unit).background == expected


@pytest.mark.parametrize(("values", "least"), [([-np.inf, np.nan, -3, 5], -3), ([np.nan] * 4, 0)])
def test_the_background_is_a_finite_value(values, least):
    array = np.array(values, np.float32).reshape(1, 2, 2)
    assert Volume(array, Grid((1, 2, 2), np.eye(4))).background == least


def test_a_volume_introduces_itself():
    assert repr(Volume(np.zeros(GRID.shape), GRID, modality="CT", unit="HU")).startswith(
        "<Volume CT [HU] 2 × 3 × 4 voxels"
    )


@pytest.mark.parametrize(
    ("modalities", "names"),
    [
        (("CT", "PT"), ["CT", "PET"]),
        (("CT", "NM", "MR"), ["CT", "SPECT", "MR"]),
        (("MR", "MR"), ["fixed MR", "moving MR"]),
        (("OTHER", "OTHER", "CT"), ["fixed", "moving", "CT"]),
        (("CT", "MR", "MR"), ["CT", "moving MR", "moving 2 MR"]),
    ],
)
def test_volumes_are_told_apart_by_what_people_say(modalities, names):
    array = np.zeros(GRID.shape, np.float32)
    assert told_apart([Volume(array, GRID, modality) for modality in modalities]) == names


@pytest.mark.parametrize("kind", [">i2", ">f4", "<i2", np.longdouble, bool])
def test_voxels_have_a_type_every_library_reads(kind):
    array = np.ones((2, 3, 4), kind)
    volume = Volume(array, Grid.regular((2, 3, 4)))
    assert volume.array.dtype.isnative
    assert volume.array.dtype.itemsize <= 8
    np.testing.assert_array_equal(volume.array, array)


@pytest.mark.parametrize("kind", [complex, object, "U3"])
def test_voxels_that_are_no_numbers_are_refused(kind):
    array = np.zeros((2, 3, 4), kind)
    for held in (array, from_array(array, chunks=-1)):
        with pytest.raises(ParameterError, match="voxels are numbers"):
            Volume(held, Grid.regular((2, 3, 4)))


def test_a_volume_without_a_grid_is_refused():
    with pytest.raises(ParameterError, match="grid is NoneType, not Grid"):
        Volume(np.zeros((2, 3, 4)), None)
