"""Catalogue A, 1 to 15: which files make one volume, and where its slices lie."""

import dataclasses

import numpy as np
import pytest
from dicom_making import one_slice, pixels, series, stored, write

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.io import identity, load, rectified, scan


def only(folder):
    (found,) = scan(folder)
    return found


def set_tags(**tags):
    def edit(ds, _index):
        for keyword, value in tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)

    return edit


def refused(folder, match, error=ReadError):
    """The light is red, and load says the same in one sentence."""
    assert {s.light for s in scan(folder)} == {"red"}
    with pytest.raises(error, match=match) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


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
    refused(folder, r"gap of 4\.0 mm after slice 3, expected 2\.0 mm", GeometryError)


def test_001_a_gap_is_interpolated_only_on_request_and_said(tmp_path):
    folder = series(tmp_path, 6, edit=lambda ds, i: i != 3)
    volume = rectified(folder)
    np.testing.assert_allclose(volume.grid.spacing, [2.0, 1.5, 0.5])
    np.testing.assert_allclose(
        volume.array, np.stack([stored(i) for i in range(6)]) - 1024, atol=1e-3
    )
    assert any("slices are 2.0, 4.0 mm apart: interpolated to 2 mm" in w for w in volume.warnings)


def test_002_first_slices_missing_is_loaded_with_a_warning(tmp_path):
    folder = series(tmp_path, 6, edit=lambda ds, i: i > 1)
    found = only(folder)
    assert found.light == "amber"
    assert "numbering starts at 3" in found.reason
    assert any("numbering starts at 3" in w for w in load(folder).warnings)


@pytest.mark.parametrize(
    ("modality", "keyword"), [("CT", "ImagesInAcquisition"), ("PT", "NumberOfSlices")]
)
def test_002_last_slices_missing_is_loaded_with_a_warning(tmp_path, modality, keyword):
    folder = series(tmp_path, 6, modality, lambda ds, i: setattr(ds, keyword, 6))
    assert only(folder).light == "green"
    for path in sorted(folder.iterdir())[-2:]:
        path.unlink()
    said = "headers announce 6 slices, 4 are here: some may be missing at an end"
    assert (only(folder).light, only(folder).reason) == ("amber", said)
    assert said in load(folder).warnings


def test_002_a_count_of_other_images_too_is_no_doubt(tmp_path):
    """Numbers that do not run from 1 count something else than this series."""

    def edit(ds, index):
        ds.ImagesInAcquisition, ds.InstanceNumber = 6, 1 + 2 * index

    assert only(series(tmp_path, 3, edit=edit)).light == "green"


SPLITTERS = {
    "acquisition": ("AcquisitionNumber", [1, 2]),
    "echo time": ("EchoTime", [10.0, 80.0]),
    "b-value": ("DiffusionBValue", [0.0, 1000.0]),
    "image type": ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]]),
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_003_volumes_at_equal_places_are_split_never_interleaved(tmp_path, name):
    keyword, values = SPLITTERS[name]
    for turn, value in enumerate(values):

        def edit(ds, index, value=value, turn=turn):
            setattr(ds, keyword, value)
            pixels(ds, stored(index) + 1000 * turn)

        series(tmp_path, 4, "MR", edit, prefix=f"{turn}_")
    found = scan(tmp_path)
    assert [s.light for s in found] == ["green", "green"]
    assert [s.uid for s in found] == ["1.2.4", "1.2.4#2"]
    assert all(name in s.part for s in found)
    for turn, one in enumerate(sorted(found, key=lambda s: s.uid)):
        wanted = np.stack([stored(i) for i in range(4)]) + 1000 * turn
        np.testing.assert_array_equal(load(one).array, wanted)
        np.testing.assert_array_equal(load(tmp_path, series=one.uid).array, wanted)
    with pytest.raises(ReadError, match=r"2 volumes, choose one with series=.*1\.2\.4.*1\.2\.4#2"):
        load(tmp_path)


def test_003_interleaved_acquisitions_at_other_places_are_split(tmp_path):
    for turn in range(2):

        def edit(ds, _index, turn=turn):
            ds.AcquisitionNumber = turn + 1
            ds.ImagePositionPatient[2] += 0.7 * turn

        series(tmp_path, 4, "MR", edit, prefix=f"{turn}_")
    assert [s.spacing[0] for s in scan(tmp_path)] == pytest.approx([2.0, 2.0])


def test_003_an_acquisition_number_for_each_slice_does_not_split(tmp_path):
    folder = series(tmp_path, edit=lambda ds, i: setattr(ds, "AcquisitionNumber", i + 1))
    assert load(folder).grid.shape == (5, 6, 8)


def test_003_nothing_that_tells_them_apart_is_refused(tmp_path):
    series(tmp_path, 3, "MR", prefix="a")
    series(tmp_path, 3, "MR", prefix="b")
    refused(tmp_path, "6 slices lie at 3 places and nothing in their headers tells them apart")


def bead(ds, index, tilt, rows, columns, axis):
    """One bright bead that stands upright in the patient, seen by a tilted stack."""
    centre = np.array([2.0, 3.0, 20.0])
    pixels(ds, np.zeros((rows, columns), "<i2"))
    lean = np.tan(np.radians(tilt)) * 4.0 * index
    ds.ImagePositionPatient = [-20 + (lean if axis == 0 else 0), -15 + (lean if axis == 1 else 0),
                               4.0 * index]  # fmt: skip
    origin = np.array(ds.ImagePositionPatient, float)
    r, c = np.mgrid[:rows, :columns]
    points = origin + r[..., None] * np.array([0, 1, 0]) + c[..., None] * np.array([1, 0, 0])
    near = np.exp(-((points - centre) ** 2).sum(-1) / (2 * 3.0**2))
    pixels(ds, (near * 20000).astype("<i2"))
    ds.PixelSpacing, ds.RescaleIntercept = [1, 1], 0


def centroid(volume):
    weights = np.clip(volume.array, 0, None).astype(float)
    index = [float((weights * axis).sum() / weights.sum()) for axis in np.indices(weights.shape)]
    return volume.grid.index_to_lps(index)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("tilt", [-30, -5, 0.1, 5, 15, 30])
def test_004_a_tilted_stack_is_straightened_and_said(tmp_path, tilt, axis):
    def edit(ds, index):
        bead(ds, index, tilt, 40, 44, axis)

    folder = series(tmp_path, 12, "CT", edit)
    found, volume = only(folder), load(folder)
    error = np.abs(centroid(volume) - [2, 3, 20])
    assert (error < 0.5 * volume.grid.spacing[::-1]).all()
    drift = abs(np.tan(np.radians(tilt)) * 4 * 11)
    if drift < 0.1:
        assert (found.light, volume.warnings) == ("green", ())
    else:
        assert found.light == "amber"
        assert f"tilted by {abs(tilt):.1f}° ({drift:.1f} mm end to end)" in found.reason
        assert any(f"gantry tilt of {abs(tilt):.1f}° corrected" in w for w in volume.warnings)


def test_004_uneven_slices_lie_at_their_true_places_after_loading(tmp_path):
    places = [0, 4, 8, 12, 16, 23, 30, 37, 44]

    def edit(ds, index):
        bead(ds, index, 0, 40, 44, 0)
        ds.ImagePositionPatient[2] = places[index]
        ramp = np.full((40, 44), 10 * places[index], "<i2")
        pixels(ds, ramp)

    folder = series(tmp_path, len(places), "CT", edit)
    volume = load(folder)
    z = volume.grid.index_to_lps([[k, 0, 0] for k in range(volume.grid.shape[0])])[:, 2]
    np.testing.assert_allclose(volume.array[:, 5, 5], 10 * z, atol=0.01)
    np.testing.assert_allclose(volume.grid.spacing[0], 4.0)
    assert only(folder).light == "amber"
    assert "slices are 4.0, 7.0 mm apart: interpolated to 4 mm" in volume.warnings[0]


def test_005_a_slice_of_another_orientation_is_not_stacked(tmp_path):
    def edit(ds, index):
        if index == 4:
            ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    folder = series(tmp_path, 5, edit=edit)
    assert [(s.slices, s.light) for s in scan(folder)] == [(4, "green"), (1, "red")]
    assert load(folder).grid.shape == (4, 6, 8)


@pytest.mark.parametrize(
    ("tags", "match"),
    [
        ({"ImagePositionPatient": None}, "where its slices lie"),
        ({"ImageOrientationPatient": None}, "how its slices are turned"),
        ({"PixelSpacing": None}, "how large its pixels are"),
        ({"PixelSpacing": [0, 0]}, "PixelSpacing is 0 × 0, not a length"),
        ({"PixelSpacing": [-1, 1]}, "PixelSpacing is -1 × 1, not a length"),
    ],
    ids=["006_no_position", "006_no_orientation", "007_no_spacing", "008_zero", "008_negative"],
)
def test_006_007_008_what_has_no_place_is_no_volume(tmp_path, tags, match):
    refused(series(tmp_path, edit=set_tags(**tags)), match)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"1.5\\0.5", b"NaN\\NaN"),
        (b"1.5\\0.5", b"inf\\0.5"),
        (b"1.5\\0.5", b"1,5\\0,5"),
        (b"-20.0\\-30.0\\", b"  NaN\\-30.0\\"),
        (b"-20.0\\-30.0\\", b"1e999\\-30.0\\"),
        (b"-20.0\\-30.0\\", b"-20.0\\there\\"),
        (b"1.0\\0.0\\0.0\\0.0\\1.0", b"1.0\\0.0\\0.0\\0.0\\one"),
    ],
)
def test_008_a_place_that_is_no_number_is_refused(tmp_path, old, new):
    folder = series(tmp_path, 3)
    for path in folder.iterdir():
        data = path.read_bytes()
        assert data.count(old) == 1
        path.write_bytes(data.replace(old, new))
    refused(folder, r"\(no usable (PixelSpacing|Image(Position|Orientation)Patient)\)")


def test_009_a_spacing_at_the_detector_is_not_taken_for_one_in_the_patient(tmp_path):
    refused(
        series(tmp_path, edit=set_tags(PixelSpacing=None, ImagerPixelSpacing=[0.2, 0.2])),
        "how large its pixels are",
    )


@pytest.mark.parametrize(("off", "light"), [(1e-6, "green"), (1e-4, "amber"), (1e-2, "red")])
def test_010_directions_off_a_little_are_set_right_and_off_much_refused(tmp_path, off, light):
    folder = series(tmp_path, edit=set_tags(ImageOrientationPatient=[1, off, 0, 0, 1, 0]))
    assert only(folder).light == light
    if light == "red":
        with pytest.raises(ReadError, match="direction cosines are off by"):
            load(folder)
    else:
        assert bool(load(folder).warnings) == (light == "amber")


def test_011_two_patients_under_one_series_are_refused(tmp_path):
    folder = series(tmp_path, edit=lambda ds, i: setattr(ds, "PatientID", f"ZZPHI{i // 3}"))
    refused(folder, "2 patients share this series")


def test_012_patients_are_told_apart_without_naming_them(tmp_path):
    one = load(series(tmp_path / "a"))
    same = load(series(tmp_path / "b", uid="1.2.9"))
    other = load(series(tmp_path / "c", edit=set_tags(PatientID="ZZPHI2")))
    nobody = load(series(tmp_path / "d", edit=set_tags(PatientID="")))
    assert one.patient == same.patient
    assert len({one.patient, other.patient, nobody.patient}) == 3
    assert nobody.patient is None
    assert "ZZPHI" not in repr(dataclasses.astuple(one)) + repr(scan(tmp_path))


def test_012_another_key_gives_another_token(monkeypatch):
    before = identity.token("someone")
    monkeypatch.setattr(identity, "_key", b"another")
    assert identity.token("someone") != before


def test_012_a_worker_with_the_same_key_gives_the_same_token(monkeypatch):
    before, key = identity.token("someone", "here"), identity.key()
    monkeypatch.setattr(identity, "_key", b"")
    identity.use_key(key)
    assert identity.token(" someone ", "here") == before


@pytest.mark.parametrize(
    "said", ["", " ", "0", "0000", "ANON", "Anonymous", "anonymized", "de-identified", "N/A", "---"]
)
def test_a_placeholder_says_nothing_of_who_a_patient_is(said):
    assert identity.token(said) is None


@pytest.mark.parametrize("said", ["STS_001", "Anonymous2", "10", "Maxx"])
def test_a_pseudonym_says_who_a_patient_is(said):
    assert identity.token(said) == identity.token(f" {said} ") is not None


def test_013_the_frame_of_reference_is_kept_and_splits(tmp_path):
    folder = series(
        tmp_path, 6, edit=lambda ds, i: setattr(ds, "FrameOfReferenceUID", f"1.{i // 3}")
    )
    assert sorted(s.frame_uid for s in scan(folder)) == ["1.0", "1.1"]


def test_014_another_matrix_within_a_series_is_split(tmp_path):
    def edit(ds, index):
        if index > 3:
            pixels(ds, stored(index, 4, 4))

    found = scan(series(tmp_path, 8, edit=edit))
    assert [s.shape for s in found] == [(4, 6, 8), (4, 4, 4)]
    assert [s.part for s in found] == ["8 × 6", "4 × 4"]


def test_015_position_decides_the_order(tmp_path):
    order = [3, 0, 4, 1, 2]
    for name, index in enumerate(order):
        ds = one_slice(index)
        ds.InstanceNumber = 5 - index
        write(ds, tmp_path / f"{name}.dcm")
    volume = load(tmp_path)
    np.testing.assert_array_equal(volume.array, np.stack([stored(i) for i in range(5)]) - 1024)
    np.testing.assert_allclose(volume.grid.origin, [-20, -30, 10])
