"""Catalogue A, 16 to 19, 22 and 23: what stored DICOM values become."""

import numpy as np
import pytest
from dicom_making import one_slice, pixels, series, stored, write
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from napari_fusion.errors import ReadError
from napari_fusion.io import load, scan
from napari_fusion.slab import default_window


def values(folder):
    return load(folder).array


def test_016_a_slope_for_each_slice_the_first_an_integer(tmp_path):
    slopes = [1, 0.0005, 0.3333333, 2.5, 1e-4]

    def edit(ds, index):
        ds.RescaleSlope = slopes[index]

    volume = load(series(tmp_path, 5, "PT", edit))
    for index, slope in enumerate(slopes):
        exact = stored(index).astype(np.float64) * slope
        np.testing.assert_allclose(volume.array[index], exact, rtol=1e-6)
    assert volume.unit == "Bq/mL"


def test_017_an_intercept_that_is_no_number_shows_stored_values(tmp_path):
    def edit(ds, index):
        ds.RescaleIntercept = 0.1875

    folder = series(tmp_path, 3, "MR", edit)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"0.1875", b"n/a   "))
    volume = load(folder)
    np.testing.assert_array_equal(volume.array[1], stored(1))
    assert "stored values are shown" in volume.warnings[0]


@pytest.mark.parametrize("slope", [b"0.0", b"NaN", b"inf", b"1e-12"])
@pytest.mark.parametrize("modality", ["PT", "CT"])
def test_017_a_slope_that_cannot_be_meant_shows_stored_values_without_a_unit(
    tmp_path, slope, modality
):
    folder = series(tmp_path, 3, modality, edit=lambda ds, i: setattr(ds, "RescaleSlope", 0.12345))
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"0.12345 ", slope.ljust(8)))
    volume = load(folder)
    np.testing.assert_array_equal(volume.array, np.stack([stored(i) for i in range(3)]))
    assert volume.unit == "1"
    assert "the rescale slope is unusable" in volume.warnings[0]
    assert scan(folder)[0].light == "amber"


@pytest.mark.parametrize(("modality", "unit"), [("PT", "1"), ("CT", "1"), ("MR", "1")])
def test_017_a_missing_slope_is_a_fault_only_where_one_is_needed(tmp_path, modality, unit):
    def edit(ds, _index):
        if modality != "MR":
            del ds.RescaleSlope

    volume = load(series(tmp_path, 3, modality, edit))
    assert volume.unit == unit
    assert any("unusable (none)" in w for w in volume.warnings) == (modality != "MR")


def test_017_one_slice_without_a_slope_among_others_is_refused(tmp_path):
    def edit(ds, index):
        ds.RescaleSlope = 0 if index == 2 else 1.5

    folder = series(tmp_path, 4, "PT", edit)
    with pytest.raises(ReadError, match="1 of 4 slices have no usable rescale slope"):
        load(folder)


def test_017_an_intercept_on_pet_takes_its_unit(tmp_path):
    volume = load(series(tmp_path, 3, "PT", lambda ds, i: setattr(ds, "RescaleIntercept", 5)))
    assert volume.unit == "1"
    assert "a PET rescale intercept must be 0" in volume.warnings[0]


@pytest.mark.parametrize("kind", ["<i2", "<u2"])
def test_018_monochrome1_keeps_its_values(tmp_path, kind):
    def edit(ds, index):
        pixels(ds, stored(index).astype(kind))
        ds.PhotometricInterpretation = "MONOCHROME1"

    volume = load(series(tmp_path, 3, "MR", edit))
    np.testing.assert_array_equal(volume.array, np.stack([stored(i) for i in range(3)]))
    assert volume.history[0].parameters["photometric"] == "MONOCHROME1"


@pytest.mark.parametrize("limit", [None, -1990])
def test_019_padding_becomes_air_and_is_counted(tmp_path, limit):
    def edit(ds, index):
        array = stored(index)
        array[0, :3], array[1, 0] = -2000, -1995
        pixels(ds, array)
        ds.add_new("PixelPaddingValue", "SS", -2000)
        if limit is not None:
            ds.add_new("PixelPaddingRangeLimit", "SS", limit)

    volume = load(series(tmp_path, 3, "CT", edit))
    assert (volume.array[:, 0, :3] == -1024).all()
    assert (volume.array[:, 1, 0] == (-1024 if limit else -1995 - 1024)).all()
    padded = 12 if limit else 9
    assert volume.warnings == (f"padding voxels, set to the background: {padded}",)


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_019_window_and_statistics_do_not_see_the_padding(tmp_path, modality):
    """A padded volume is the volume with nothing around it, so nothing downstream can tell."""

    def edit(ds, index):
        array = stored(index) + 50
        array[:, :5] = -2000
        pixels(ds, array.astype("<i2"))
        ds.add_new("PixelPaddingValue", "SS", -2000)

    def plain(ds, index):
        array = stored(index) + 50
        array[:, :5] = 0
        pixels(ds, array.astype("<i2"))

    padded = load(series(tmp_path / "a", 6, modality, edit))
    empty = load(series(tmp_path / "b", 6, modality, plain))
    np.testing.assert_array_equal(padded.array, empty.array)
    window = default_window(padded.array, padded.modality, padded.unit)
    assert window == default_window(empty.array, empty.modality, empty.unit)
    if modality == "MR":  # which has no fixed window: it comes from what was measured
        lower, upper = np.percentile(padded.array[:, :, 5:], [1, 99])
        assert (window.lower, window.upper) == pytest.approx((lower, upper), rel=1e-6)


def test_019_a_padding_value_written_unsigned_is_read_by_the_sign_of_the_pixels(tmp_path):
    def edit(ds, index):
        array = stored(index)
        array[0, 0] = -2000
        pixels(ds, array)
        ds.add_new("PixelPaddingValue", "US", 63536)

    assert (load(series(tmp_path, 3, "CT", edit)).array[:, 0, 0] == -1024).all()


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=["implicit", "big_endian", "deflated"],
)
@pytest.mark.parametrize("kind", ["i2", "u2", "u1", "i4"])
def test_022_every_plain_encoding_gives_the_same_values(tmp_path, syntax, kind):
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    for index in range(3):
        ds = one_slice(index, "MR")
        pixels(ds, (stored(index) % 200).astype(order + kind))
        ds.file_meta.TransferSyntaxUID = syntax
        write(ds, tmp_path / f"{index}.dcm")
    wanted = np.stack([stored(i) % 200 for i in range(3)])
    np.testing.assert_array_equal(values(tmp_path), wanted)


@pytest.mark.parametrize("kind", ["i2", "u2", "u1"])
def test_022_run_length_encoding_is_exact(tmp_path, kind):
    for index in range(3):
        ds = one_slice(index, "CT")
        array = (stored(index) % 200).astype(kind)
        array[0, 0] = np.iinfo(kind).min
        pixels(ds, array)
        ds.compress(RLELossless, array)
        write(ds, tmp_path / f"{index}.dcm")
    wanted = np.stack([stored(i) % 200 for i in range(3)]).astype(kind).astype(np.float32)
    wanted[:, 0, 0] = np.iinfo(kind).min
    np.testing.assert_array_equal(values(tmp_path), wanted - 1024)


def test_022_a_compressed_series_with_rescale_and_monochrome1_keeps_its_values(tmp_path):
    for index in range(3):
        ds = one_slice(index, "PT")
        ds.compress(RLELossless, stored(index))
        ds.PhotometricInterpretation = "MONOCHROME1"
        write(ds, tmp_path / f"{index}.dcm")
    for index, plane in enumerate(values(tmp_path)):
        np.testing.assert_allclose(plane, stored(index) * (0.5 + 0.25 * index), rtol=1e-6)


def test_022_nothing_is_left_behind_by_decoding(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    for index in range(2):
        ds = one_slice(index, "MR")
        ds.compress(RLELossless, stored(index))
        write(ds, tmp_path / "series" / f"{index}.dcm")
    load(tmp_path / "series")
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("cut", [1, 40, 96])
def test_023_cut_off_pixels_are_refused_by_scan_and_load(tmp_path, cut):
    folder = series(tmp_path, 3)
    path = sorted(folder.iterdir())[1]
    path.write_bytes(path.read_bytes()[:-cut])
    assert scan(folder)[0].light == "red"
    with pytest.raises(ReadError, match="shorter than its header says"):
        load(folder)


def test_023_a_pixel_element_shorter_than_its_matrix_is_refused(tmp_path):
    def edit(ds, index):
        if index == 1:
            ds.PixelData = ds.PixelData[:-20]

    with pytest.raises(ReadError, match="shorter than its header says: 76 of 96 bytes"):
        load(series(tmp_path, 3, edit=edit))


def test_023_twelve_packed_bits_are_named(tmp_path):
    with pytest.raises(ReadError, match="packs its pixels in 12 bits"):
        load(series(tmp_path, 3, edit=lambda ds, i: setattr(ds, "BitsAllocated", 12)))


def test_023_an_odd_number_of_bytes_is_padded_and_read(tmp_path):
    folder = series(tmp_path, 3, "MR", lambda ds, i: pixels(ds, np.full((3, 3), i, "u1")))
    np.testing.assert_array_equal(values(folder)[2], np.full((3, 3), 2))


@pytest.mark.parametrize("kind", ["<i2", "<u2"])
def test_bits_that_are_not_stored_are_not_read(tmp_path, kind):
    """Old scanners keep overlays in the four unused bits of twelve-bit pixels."""
    wanted = np.arange(48).reshape(6, 8) - (20 if kind == "<i2" else 0)

    def edit(ds, _index):
        array = (wanted.astype("<i2").view("<u2") & 0x0FFF) | 0x5000
        pixels(ds, array.astype("<u2").view(kind))
        ds.BitsStored, ds.HighBit = 12, 11

    np.testing.assert_array_equal(values(series(tmp_path, 2, "MR", edit))[0], wanted)


def lut(kind):
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [1, 0, 16], [777]
    if kind == "ModalityLUTSequence":
        table.ModalityLUTType = "HU"
    return Sequence([table])


def test_067_a_display_table_of_one_entry_changes_no_value(tmp_path):
    def edit(ds, index):
        ds.VOILUTSequence = lut("VOILUTSequence")

    volume = load(series(tmp_path, 3, "CT", edit))
    np.testing.assert_array_equal(volume.array[2], stored(2) - 1024.0)
    assert volume.unit == "HU"
    assert default_window(volume.array, "CT", "HU").upper == 1200


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("slope", [False, True])
@pytest.mark.parametrize("modality", ["CT", "PT", "MR"])
def test_067_a_value_table_of_one_entry_claims_no_unit(tmp_path, modality, slope, ends):
    def edit(ds, index):
        ds.ModalityLUTSequence = lut("ModalityLUTSequence")
        ds["ModalityLUTSequence"].is_undefined_length = ends
        ds.RescaleSlope, ds.RescaleIntercept = 1, 0
        if not slope:
            del ds.RescaleSlope, ds.RescaleIntercept

    volume = load(series(tmp_path, 3, modality, edit))
    np.testing.assert_array_equal(volume.array[2], stored(2))
    assert volume.unit == "1"
    assert "without a unit" in volume.warnings[0]


def test_067_a_palette_of_one_entry_is_colour_and_refused(tmp_path):
    def edit(ds, index):
        ds.PhotometricInterpretation = "PALETTE COLOR"
        for colour in ("Red", "Green", "Blue"):
            setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [1, 0, 16])
            setattr(ds, f"{colour}PaletteColorLookupTableData", b"\1\2")

    with pytest.raises(ReadError, match="colour picture, not measured values"):
        load(series(tmp_path, 3, "MR", edit))
