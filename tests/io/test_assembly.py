"""Catalogue A, 1 to 15: which files make one volume, and where its slices lie."""

import numpy as np
import pytest
from dicom_making import series, stored

from napari_fusion.errors import GeometryError
from napari_fusion.io import load, scan


def only(folder):
    (found,) = scan(folder)
    return found


def test_a_plain_series_is_read_right(tmp_path):
    volume = load(series(tmp_path))
    assert volume.array.dtype == np.float32
    assert (volume.modality, volume.unit, volume.frame_uid) == ("CT", "HU", "1.2.5")
    np.testing.assert_allclose(volume.grid.spacing, [2.0, 1.5, 0.5])
    np.testing.assert_allclose(volume.grid.origin, [-20, -30, 10])
    np.testing.assert_array_equal(volume.array, np.stack([stored(i) for i in range(5)]) - 1024)
    assert volume.warnings == ()
    found = only(tmp_path)
    assert (found.light, found.reason, found.slices, found.date) == ("green", "", 5, "2024-05-17")
    assert found.spacing == (2.0, 1.5, 0.5)


def test_001_one_slice_missing_stops_and_names_the_gap(tmp_path):
    folder = series(tmp_path, 6, edit=lambda ds, i: i != 3)
    assert only(folder).light == "red"
    with pytest.raises(GeometryError, match=r"gap of 4\.0 mm after slice 3, expected 2\.0 mm"):
        load(folder)


def test_002_first_slices_missing_is_loaded_with_a_warning(tmp_path):
    folder = series(tmp_path, 6, edit=lambda ds, i: i > 1)
    found = only(folder)
    assert found.light == "amber"
    assert "numbering starts at 3" in found.reason
    assert any("numbering starts at 3" in w for w in load(folder).warnings)
