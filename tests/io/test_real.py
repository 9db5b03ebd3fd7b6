"""Real volumes: what is published about them is what comes out."""

import numpy as np
import pytest

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.io import load, scan

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def volumes(data):
    return data / "volumes"


def test_pet_matches_the_published_suv(volumes):
    ours = load(volumes / "sts_petct_mr/STS_002/PET/image")
    published = load(volumes / "sts_petct_mr/nifti_masks/STS_002_PET_image_SUVbw.nii.gz")
    assert (ours.modality, ours.unit) == ("PT", "g/mL")
    assert ours.grid.matches(published.grid)
    np.testing.assert_allclose(ours.array, published.array, rtol=0, atol=2e-6)


def test_a_study_of_three_modalities_shares_patient_and_frame(volumes):
    for study in ("STS_001.zip", "STS_002"):
        found = scan(volumes / "sts_petct_mr" / study)
        assert sorted(s.modality for s in found) == ["CT", "MR", "PT"]
        assert {s.light for s in found} == {"green"}
        assert len({s.patient for s in found}) == len({s.frame_uid for s in found}) == 1
        assert found.ignored == 3


def test_a_tilted_uneven_ct_lies_where_its_headers_say(volumes):
    volume = load(volumes / "ct_gantry_tilt_ge/GE_HiSpeed_tilt18.5_variable_spacing.zip")
    assert volume.unit == "HU"
    np.testing.assert_allclose(volume.grid.spacing, [4.002, 0.488, 0.488], atol=1e-3)
    (warning,) = [w for w in volume.warnings if "tilt" in w]
    assert "gantry tilt of 18.5° corrected" in warning
    assert "1.08, 4.0, 7.0 mm apart" in warning


@pytest.mark.parametrize("number", ["003", "004"])
def test_enhanced_mr_has_its_true_geometry(volumes, number):
    volume = load(volumes / f"dicom_robustness/enhanced_mr_BRTUM{number}.zip")
    np.testing.assert_allclose(volume.grid.spacing, [6, 0.8203, 0.8203], atol=1e-4)
    np.testing.assert_allclose(volume.grid.origin, [-107, -98.8, -67.1], atol=1e-3)
    # neighbours of a head resemble each other; frames in the order of the file do not
    steps = np.abs(np.diff(volume.array, axis=0)).mean()
    assert steps < np.abs(volume.array[2:] - volume.array[:-2]).mean()


@pytest.mark.parametrize("case", ["0_0", "1_0", "2_0", "2_4", "3_1", "3_3", "4_1"])
def test_suv_objects_have_their_slopes_and_times(volumes, case):
    volume = load(volumes / f"suv_dro/DRO_{case}.zip")
    pet = volume.pet
    assert volume.grid.shape == (20, 256, 256)
    if case == "2_0":
        factor = 1.0
    elif case == "2_4":
        factor = pet.philips_suv_factor
    else:
        waited = (pet.scanned - pet.injected).total_seconds()
        decay = 1 if pet.decay_correction == "ADMIN" else 2 ** (-waited / pet.half_life_s)
        factor = 1000 * pet.weight_kg / (pet.dose_bq * decay)
    assert volume.array.max() * factor == pytest.approx(4.0, abs=0.002)
    roi = load(volumes / "suv_dro/DRO_mask.nii.gz").array > 0
    assert (volume.array[roi] * factor).mean() == pytest.approx(1.0055, abs=0.002)


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("missing_slice_ct", GeometryError, r"gap of 10\.0 mm after slice 3, expected 5\.0 mm"),
        ("same_position_not_a_volume", ReadError, "4 slices lie at 1 place"),
        ("rgb_secondary_capture_no_geometry", ReadError, "colour picture"),
        ("pydicom_multiframe", ReadError, "where its slices lie"),
        ("odd_headers", ReadError, "single slice"),
        ("compression_matrix_CT1_MR1", ReadError, "at 1 place"),
    ],
)
def test_what_is_no_volume_is_refused(volumes, name, error, match):
    with pytest.raises(error, match=match):
        load(volumes / f"dicom_robustness/{name}.zip")


def test_pixels_that_are_not_square_keep_their_sides(volumes):
    volume = load(volumes / "dicom_robustness/rescale_noninteger_nonsquare_mr.zip")
    np.testing.assert_allclose(volume.grid.spacing[1:], [4.0, 6.4], atol=1e-3)


@pytest.mark.parametrize("scanned", ["CT1", "MR1"])
def test_lossless_syntaxes_are_bit_identical(volumes, scanned):
    from napari_fusion.io import header, pixels
    from napari_fusion.io.source import Source

    with Source(volumes / "dicom_robustness/compression_matrix_CT1_MR1.zip") as source:
        planes = {}
        for path in source.files():
            if path.name.startswith(scanned):
                found = header.read(source, path)
                planes[path.stem[4:]] = pixels.stored(found, source.open(path).read(), 1)
    for syntax in ("RLE", "JPLL", "J2KR", "JLSL"):
        np.testing.assert_array_equal(planes[syntax], planes["UNC"])
    assert np.abs(planes["JLSN"].astype(int) - planes["UNC"]).max() <= 4


def test_every_nifti_and_metaimage_loads_green(volumes):
    for folder in ("ms_longitudinal", "rire_001", "visible_male_head", "sts_petct_mr/nifti_masks"):
        for one in scan(volumes / folder):
            assert (one.light, one.reason) == ("green", "")
            assert np.isfinite(load(one).array).all()
