"""Catalogue A, 20 and 21: frames within one file, and volumes that move in time."""

import copy

import numpy as np
import pydicom
import pytest
from dicom_making import CLASSES, dataset, one_slice, pixels, series, stored, write

from napari_fusion.errors import ReadError
from napari_fusion.io import load, scan

ENHANCED = {
    "CT": "1.2.840.10008.5.1.4.1.1.2.1",
    "MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "PT": "1.2.840.10008.5.1.4.1.1.130",
    "CT legacy": "1.2.840.10008.5.1.4.1.1.2.2",
}


def item(**values):
    ds = pydicom.Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def enhanced(path, kind="MR", places=range(4), keys=lambda n: {}, slope=lambda n: 1.0):
    """An enhanced file; `places[n]` is the slice that frame n shows."""
    places = list(places)
    ds = dataset(kind.split()[0], ENHANCED[kind])
    ds.SeriesInstanceUID, ds.InstanceNumber = "1.2.4", 1
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[1.5, 0.5], SliceThickness=9)],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    ds.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for number, place in enumerate(places):
        z = 10.0 + 2.0 * place
        group = item(
            PlanePositionSequence=[item(ImagePositionPatient=[-20, -30, z])],
            PixelValueTransformationSequence=[
                item(RescaleSlope=slope(number), RescaleIntercept=0, RescaleType="US")
            ],
        )
        for sequence, values in keys(number).items():
            setattr(group, sequence, [item(**values)])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    pixels(ds, np.stack([stored(n) for n in range(len(places))]))
    ds.NumberOfFrames = len(places)
    return write(ds, path)


@pytest.mark.parametrize("kind", ENHANCED)
def test_020_enhanced_frames_are_sorted_by_their_places(tmp_path, kind):
    places = [2, 0, 3, 1]
    path = enhanced(tmp_path / "a.dcm", kind, places, slope=lambda n: 1.0 + n)
    volume = load(path)
    np.testing.assert_allclose(volume.grid.spacing, [2.0, 1.5, 0.5])
    np.testing.assert_allclose(volume.grid.origin, [-20, -30, 10])
    for number, place in enumerate(places):
        np.testing.assert_array_equal(volume.array[place], stored(number) * (1 + number))
    assert volume.modality == kind[:2]


def test_020_enhanced_echoes_are_split(tmp_path):
    path = enhanced(
        tmp_path / "a.dcm",
        places=[0, 0, 1, 1, 2, 2],
        keys=lambda n: {"MREchoSequence": {"EffectiveEchoTime": [10.0, 80.0][n % 2]}},
    )
    found = scan(path)
    assert [s.part for s in found] == ["echo time 10.0", "echo time 80.0"]
    for turn, one in enumerate(found):
        wanted = np.stack([stored(2 * k + turn) for k in range(3)])
        np.testing.assert_array_equal(load(one).array, wanted)


def test_020_enhanced_frames_without_places_are_refused(tmp_path):
    ds = dataset("MR", ENHANCED["MR"])
    ds.SeriesInstanceUID = "1.2.4"
    pixels(ds, np.stack([stored(n) for n in range(3)]))
    ds.NumberOfFrames = 3
    with pytest.raises(ReadError, match="where its slices lie"):
        load(write(ds, tmp_path / "a.dcm"))


def test_020_a_count_of_frames_that_is_not_true_is_refused(tmp_path):
    path = enhanced(tmp_path / "a.dcm")
    ds = pydicom.dcmread(path)
    ds.NumberOfFrames = 40
    with pytest.raises(ReadError, match="says it has 40 frames and describes 4"):
        load(write(ds, path))


def nuclear(path, between=-4.0, kind="RECON TOMO", slots=1):
    """A reconstructed NM study of 5 slices."""
    ds = dataset("NM", CLASSES["NM"])
    ds.SeriesInstanceUID, ds.InstanceNumber = "1.2.4", 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    count = 5 * slots
    pixels(ds, np.stack([stored(n) for n in range(count)]))
    ds.NumberOfFrames, ds.PixelSpacing, ds.SpacingBetweenSlices = count, [1.5, 0.5], between
    ds.SliceVector = [n % 5 + 1 for n in range(count)]
    if slots > 1:
        ds.TimeSlotVector = [n // 5 + 1 for n in range(count)]
    ds.DetectorInformationSequence = [
        item(ImagePositionPatient=[-20, -30, 50], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    ]
    return write(ds, path)


@pytest.mark.parametrize("between", [4.0, -4.0])
def test_020_nm_slices_run_the_way_their_spacing_says(tmp_path, between):
    volume = load(nuclear(tmp_path / "nm.dcm", between))
    assert (volume.modality, volume.unit) == ("NM", "1")
    np.testing.assert_allclose(volume.grid.spacing, [4.0, 1.5, 0.5])
    for number in range(5):
        index = volume.grid.lps_to_index([-20, -30, 50 + between * number])
        np.testing.assert_array_equal(volume.array[round(index[0])], stored(number))


@pytest.mark.parametrize("kind", ["STATIC", "WHOLE BODY", "TOMO", "DYNAMIC"])
def test_020_nm_that_is_no_volume_is_named(tmp_path, kind):
    with pytest.raises(ReadError, match="planar or raw projection images"):
        load(nuclear(tmp_path / "nm.dcm", kind=kind))


def test_021_gated_nm_is_chosen_by_frame(tmp_path):
    path = nuclear(tmp_path / "nm.dcm", 4.0, "RECON GATED TOMO", slots=3)
    with pytest.raises(ReadError, match="3 frames, choose one with frame=0 to frame=2"):
        load(path)
    np.testing.assert_array_equal(load(path, frame=2).array[1], stored(11))


CLOCKS = {
    "temporal position": lambda ds, t, i: setattr(ds, "TemporalPositionIdentifier", t + 1),
    "frame reference time": lambda ds, t, i: setattr(ds, "FrameReferenceTime", 1000.0 * t),
    "trigger time": lambda ds, t, i: setattr(ds, "TriggerTime", 40.0 * t),
    "a clock that runs on": lambda ds, t, i: setattr(ds, "AcquisitionTime", f"10{t:02d}{i:02d}"),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_021_time_points_are_chosen_never_stacked(tmp_path, clock):
    for time in range(3):

        def edit(ds, index, time=time):
            CLOCKS[clock](ds, time, index)
            pixels(ds, stored(index) + 1000 * time)

        series(tmp_path, 4, "MR", edit, prefix=f"{9 - time}_")
    (found,) = scan(tmp_path)
    assert (found.frames, found.slices, found.light) == (3, 4, "amber")
    assert found.reason == "3 time points: choose one, frame=0 to frame=2 (--frame)"
    with pytest.raises(ReadError, match="holds 3 frames, choose one with frame=0 to frame=2"):
        load(tmp_path)
    with pytest.raises(ReadError, match="no frame 3"):
        load(tmp_path, frame=3)
    for time in range(3):
        volume = load(tmp_path, frame=time)
        wanted = np.stack([stored(i) for i in range(4)]) + 1000 * time
        np.testing.assert_array_equal(volume.array, wanted)
        assert volume.history[0].parameters["frame"] == time


def test_021_a_static_pet_of_several_beds_stays_one_volume(tmp_path):
    def edit(ds, index):
        ds.AcquisitionTime = "110000" if index < 3 else "110500"
        ds.FrameReferenceTime = 0 if index < 3 else 300000

    assert load(series(tmp_path, 6, "PT", edit)).grid.shape == (6, 6, 8)


def test_pet_says_dose_times_and_size(tmp_path):
    volume = load(series(tmp_path, 3, "PT"))
    pet = volume.pet
    assert volume.name == volume.spoken == "PET"
    assert (pet.units, pet.decay_correction, pet.attenuation_corrected) == ("BQML", "START", True)
    assert (pet.dose_bq, pet.half_life_s, pet.weight_kg) == (3.7e8, 6586.2, 70.0)
    assert (pet.scanned - pet.injected).total_seconds() == 3600
    assert (pet.height_m, pet.sex) == (1.75, "F")


def test_pet_private_factors_of_philips_and_the_scan_time_of_ge(tmp_path):
    def edit(ds, index):
        philips = ds.private_block(0x7053, "Philips PET Private Group", create=True)
        philips.add_new(0x00, "DS", "0.0005")
        philips.add_new(0x09, "DS", "2.5")
        ge = ds.private_block(0x0009, "GEMS_PETD_01", create=True)
        ge.add_new(0x0D, "DT", "20240517105500.00")
        ds.SeriesTime = "120000"

    pet = load(series(tmp_path, 2, "PT", edit)).pet
    assert (pet.philips_suv_factor, pet.philips_activity_factor) == (0.0005, 2.5)
    assert pet.scanned.strftime("%H%M%S") == "105500"


@pytest.mark.parametrize(
    ("change", "note", "field", "value"),
    [
        (lambda ds: setattr(_drug(ds), "RadionuclideTotalDose", 370), "MBq", "dose_bq", 3.7e8),
        (lambda ds: setattr(ds, "PatientWeight", 70000), "grams", "weight_kg", 70.0),
        (lambda ds: setattr(ds, "PatientSize", 175), "centimetres", "height_m", 1.75),
    ],
)
def test_077_units_that_cannot_be_meant_are_mended_and_said(tmp_path, change, note, field, value):
    volume = load(series(tmp_path, 2, "PT", lambda ds, i: change(ds)))
    assert getattr(volume.pet, field) == pytest.approx(value)
    assert any(note in w for w in volume.warnings)


def test_077_an_injection_before_midnight_is_the_day_before(tmp_path):
    def edit(ds, index):
        ds.SeriesTime, ds.AcquisitionTime = "003000", f"0030{index:02d}"
        _drug(ds).RadiopharmaceuticalStartTime = "233000"

    volume = load(series(tmp_path, 2, "PT", edit))
    assert (volume.pet.scanned - volume.pet.injected).total_seconds() == 3600
    assert volume.warnings == (
        "the injection at 23:30 lies after the scan at 00:30: it was taken to be of the day before",
    )


@pytest.mark.parametrize(
    ("second", "missing"), [(3.7e8, ()), (1e8, ("a single injection (found 2)",))]
)
def test_077_of_several_injections_none_is_taken(tmp_path, second, missing):
    def edit(ds, index):
        other = copy.deepcopy(_drug(ds))
        other.RadionuclideTotalDose = second
        ds.RadiopharmaceuticalInformationSequence.append(other)

    assert scan(series(tmp_path, 2, "PT", edit))[0].suv_missing == missing


def test_077_of_several_weights_none_is_taken(tmp_path):
    def edit(ds, index):
        ds.PatientWeight = 70 + 10 * (index % 2)

    folder = series(tmp_path, 4, "PT", edit)
    assert scan(folder)[0].suv_missing == ("patient weight",)
    assert load(folder).warnings == ("its slices tell different patient weights",)


@pytest.mark.parametrize(
    ("modality", "keyword", "words"),
    [("PT", "Units", ("BQML", "GML")), ("CT", "RescaleType", ("HU", "US"))],
)
def test_077_slices_of_different_units_are_refused(tmp_path, modality, keyword, words):
    def edit(ds, index):
        setattr(ds, keyword, words[index % 2])

    folder = series(tmp_path, 4, modality, edit)
    assert scan(folder)[0].light == "red"
    with pytest.raises(ReadError, match=f"different units .{', '.join(words)}.: their values"):
        load(folder)


@pytest.mark.parametrize(
    ("told", "images"), [("080000+0000", "+0100"), ("090000+0100", "+0100"), ("090000", None)]
)
def test_077_an_injection_told_in_another_time_zone_is_brought_to_the_images(
    tmp_path, told, images
):
    def edit(ds, index):
        ds.SeriesTime, ds.AcquisitionTime = "100000", f"1000{index:02d}"
        _drug(ds).RadiopharmaceuticalStartDateTime = f"{ds.SeriesDate}{told}"
        if images is not None:
            ds.TimezoneOffsetFromUTC = images

    pet = load(series(tmp_path, 2, "PT", edit)).pet
    assert (pet.scanned - pet.injected).total_seconds() == 3600


@pytest.mark.parametrize(
    ("keyword", "missing"),
    [("PatientWeight", "patient weight"), ("RadionuclideTotalDose", "injected dose"),
     ("RadionuclideHalfLife", "half-life"), ("RadiopharmaceuticalStartTime", "injection time")],
)  # fmt: skip
def test_093_what_suv_lacks_is_listed_before_loading(tmp_path, keyword, missing):
    def edit(ds, index):
        delattr(ds if keyword.startswith("Patient") else _drug(ds), keyword)

    (found,) = scan(series(tmp_path, 2, "PT", edit))
    assert found.suv_missing == (missing,)


def test_028_uncorrected_pet_is_labelled_and_listed_last(tmp_path):
    def edit(ds, index):
        ds.CorrectedImage = ["DECY"]

    series(tmp_path / "a", 3, "PT", edit, uid="1.2.1")
    series(tmp_path / "b", 3, "PT", uid="1.2.2")
    found = scan(tmp_path)
    assert [s.attenuation_corrected for s in found] == [True, False]
    assert [s.suv_missing for s in found] == [(), ("attenuation correction",)]
    assert "not attenuation-corrected" in found[1].describe()
    assert any("gives no SUV" in w or "give no SUV" in w for w in load(found[1]).warnings)


def test_a_single_slice_is_no_volume(tmp_path):
    path = write(one_slice(0), tmp_path / "a.dcm")
    with pytest.raises(ReadError, match="single slice, not a volume"):
        load(path)


def _drug(ds):
    return ds.RadiopharmaceuticalInformationSequence[0]
