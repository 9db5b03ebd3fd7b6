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
    volume = phantom.head(kind, phantom.default_grid(kind, 8.0))
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
    grid = phantom.default_grid(kind, 8.0)
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
