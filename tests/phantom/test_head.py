import numpy as np
import pytest

from napari_fusion import phantom
from napari_fusion.errors import ParameterError

MEANING = {
    "CT": ("CT", "HU"),
    "T1": ("MR", "1"),
    "T2": ("MR", "1"),
    "PET": ("PT", "Bq/mL"),
    "SPECT": ("NM", "1"),
}


@pytest.mark.parametrize("kind", phantom.MODALITIES)
def test_volume_says_what_it_is(kind):
    volume = phantom.head(kind, phantom.default_grid(kind, 12.0))
    assert (volume.modality, volume.unit) == MEANING[kind]
    assert volume.array.dtype == np.float32
    assert volume.frame_uid is None
    assert volume.name == f"head {kind}"
    assert volume.history[0].name == "phantom"
    assert volume.history[0].parameters["kind"] == kind
    assert np.isfinite(volume.array).all()
    assert (volume.pet is not None) == (kind == "PET")


@pytest.mark.parametrize("kind", phantom.MODALITIES)
def test_same_seed_same_voxels(kind):
    grid = phantom.default_grid(kind, 12.0)
    first, again, other = (phantom.head(kind, grid, seed=seed).array for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_unknown_kind_date_and_size_are_refused():
    with pytest.raises(ParameterError, match="not as 'FLAIR'"):
        phantom.head("FLAIR")
    with pytest.raises(ParameterError, match="not at 2"):
        phantom.head("CT", phantom.default_grid("CT", 20), date=2)
    with pytest.raises(ParameterError, match="'demo' or 'small'"):
        phantom.misaligned_pair(size="huge")


@pytest.mark.parametrize("kind", phantom.MODALITIES)
def test_the_scanner_adds_what_it_says(kind):
    grid = phantom.default_grid(kind, 6.0)
    ideal = phantom.head(kind, grid, scanner=False).array
    measured = phantom.head(kind, grid).array
    assert np.corrcoef(ideal.ravel(), measured.ravel())[0, 1] > 0.85
    assert not np.array_equal(ideal, measured)
    assert measured.min() >= (-1024 if kind == "CT" else 0)


def test_ct_noise_has_its_deviation_and_whole_hounsfield_units():
    from napari_fusion.phantom.scanner import CT_NOISE_HU, degrade

    grid = phantom.default_grid("CT", 2.0)
    noisy = degrade(np.full(grid.shape, 30, np.float32), grid, "CT", 0)
    assert noisy.std() == pytest.approx(CT_NOISE_HU, rel=0.1)
    np.testing.assert_array_equal(noisy, np.rint(noisy))


def test_mr_background_is_rician():
    from napari_fusion.phantom.scanner import MR_NOISE, degrade

    grid = phantom.default_grid("T1", 4.0)
    noise = degrade(np.zeros(grid.shape, np.float32), grid, "T1", 0)
    assert noise.mean() == pytest.approx(MR_NOISE * np.sqrt(np.pi / 2), rel=0.02)


def test_mr_bias_is_smooth_and_modest():
    from napari_fusion.phantom.scanner import degrade

    grid = phantom.default_grid("T1", 4.0)
    gain = degrade(np.full(grid.shape, 1e5, np.float32), grid, "T1", 1) / 1e5
    assert 0.02 < gain.std() < 0.25
    assert np.abs(np.diff(gain, axis=0)).max() < 0.05


def test_pet_blur_keeps_the_activity():
    from napari_fusion.phantom.scanner import degrade

    grid = phantom.default_grid("PET")
    point = np.zeros(grid.shape, np.float32)
    point[20:30, 30:40, 30:40] = 1000
    blurred = degrade(point, grid, "PET", 0)
    assert blurred.sum() == pytest.approx(point.sum(), rel=0.02)
    assert blurred[18, 35, 35] > 0


def test_pet_says_enough_for_suv():
    pet = phantom.head("PET", phantom.default_grid("PET", 12.0)).pet
    wait = (pet.scanned - pet.injected).total_seconds()
    left = pet.dose_bq * 0.5 ** (wait / pet.half_life_s)
    suv = phantom.reading(phantom.Tissue.GREY, "PET") * pet.weight_kg * 1000 / left
    assert (pet.units, pet.decay_correction) == ("BQML", "START")
    assert 7 < suv < 14  # grey matter in a fasting adult
