import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.itk import place, to_sitk
from napari_fusion.registration import Alignment, Quality, resample
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.volume import Volume

FIXED = Grid.regular((16, 20, 24), (3.0, 1.5, 1.0), centre=(3, -4, 9))
MOVING = Grid.regular((22, 20, 18), (2.0, 2.0, 2.0), centre=(0, 0, 0))


def blobs(grid: Grid, centre=(4.0, -6.0, 8.0)) -> np.ndarray:
    points = grid.index_to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    return np.exp(-((points - centre) ** 2).sum(-1) / 50).astype(np.float32)


def moved(translation=(4.0, -5.0, 6.0), degrees=(10.0, -20.0, 30.0)) -> Alignment:
    matrix = pose_matrix(np.radians(degrees), translation, FIXED.centre)
    return Alignment(FIXED, MOVING, matrix)


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        ("linear", sitk.sitkLinear),
        ("nearest", sitk.sitkNearestNeighbor),
        ("cubic", sitk.sitkBSpline3),
    ],
)
def test_voxels_land_where_itk_puts_them(kind, engine):
    volume = Volume(blobs(MOVING), MOVING)
    drawn = resample(volume, FIXED, moved(), interpolation=kind, fill=-2.0)
    reference = sitk.Image(FIXED.shape[::-1], sitk.sitkFloat32)
    place(reference, FIXED)
    theirs = sitk.Resample(to_sitk(volume), reference, moved().to_sitk(), engine, -2.0)
    np.testing.assert_array_equal(drawn.array, sitk.GetArrayFromImage(theirs))
    assert (drawn.array == -2).any()


def test_the_map_runs_from_fixed_to_moving():
    # The blob at moving point p is drawn at the fixed point that maps to p.
    alignment = moved(translation=(6, 0, 0), degrees=(0, 0, 0))
    drawn = resample(Volume(blobs(MOVING), MOVING), FIXED, alignment)
    peak = FIXED.index_to_lps(np.unravel_index(drawn.array.argmax(), FIXED.shape))
    np.testing.assert_allclose(peak, [4 - 6, -6, 8], atol=1.6)


def test_without_alignment_points_stay_and_so_does_the_frame():
    volume = Volume(blobs(MOVING), MOVING, modality="MR", frame_uid="1.2.3")
    drawn = resample(volume, FIXED)
    np.testing.assert_allclose(drawn.array[8, 10, 12], blobs(FIXED)[8, 10, 12], atol=0.03)
    assert drawn.frame_uid == "1.2.3"
    assert resample(volume, FIXED, moved()).frame_uid is None
    assert resample(volume, FIXED, Alignment.identity(FIXED, MOVING)).frame_uid == "1.2.3"


def test_a_transform_file_without_grids_moves_what_is_drawn(tmp_path):
    turn = sitk.Euler3DTransform((0, 0, 0), 0, 0, np.radians(30))  # about the origin, which rests
    sitk.WriteTransform(turn, str(tmp_path / "turn.tfm"))
    volume = Volume(blobs(FIXED), FIXED, frame_uid="1.2.3")
    drawn = resample(volume, FIXED, Alignment.load(tmp_path / "turn.tfm"))
    told = resample(volume, FIXED, Alignment.load(tmp_path / "turn.tfm", FIXED, FIXED))
    np.testing.assert_array_equal(drawn.array, told.array)
    assert not np.array_equal(drawn.array, volume.array)
    assert drawn.frame_uid is None


def test_meaning_is_kept_and_the_history_says_what_was_done():
    volume = Volume(blobs(MOVING), MOVING, modality="PT", unit="Bq/mL", patient="token", name="PET")
    bad = Quality(verdict="FAIL", sentence="Nothing matches.")
    drawn = resample(volume, FIXED, Alignment(FIXED, MOVING, moved().matrix, bad))
    assert (drawn.modality, drawn.unit, drawn.patient, drawn.name) == (
        "PT",
        "Bq/mL",
        "token",
        "PET",
    )
    step = drawn.history[-1]
    assert step.name == "resample"
    assert step.parameters["verdict"] == "FAIL"
    assert step.parameters["matrix"] == moved().matrix.tolist()
    assert drawn.warnings == ("FAIL: Nothing matches.",)
    assert drawn.grid == FIXED


@pytest.mark.parametrize(
    ("modality", "unit", "fill"), [("CT", "HU", -1024), ("PT", "Bq/mL", 0), ("OTHER", "1", 7)]
)
def test_outside_is_the_volumes_background(modality, unit, fill):
    array = np.full(MOVING.shape, 7, np.float32)
    far = Grid.regular((4, 4, 4), centre=(500, 0, 0))
    drawn = resample(Volume(array, MOVING, modality=modality, unit=unit), far)
    assert (drawn.array == fill).all()


def test_labels_keep_their_values_and_type():
    array = np.zeros(MOVING.shape, np.int16)
    array[8:14, 6:12, 5:11] = 1000
    array[10:, 10:, 10:] = 7
    labels = Volume(array, MOVING, modality="LABEL", unit="label")
    drawn = resample(labels, FIXED, moved())
    assert drawn.array.dtype == np.int16
    assert set(np.unique(drawn.array)) == {0, 7, 1000}
    assert drawn.history[-1].parameters["interpolation"] == "nearest"


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float16, bool])
def test_integers_are_not_rounded(dtype):
    array = np.zeros((4, 4, 4), dtype)
    array[2:] = 1
    grid = Grid.regular((4, 4, 4))
    wider = Grid.regular((5, 4, 4), centre=grid.centre)
    drawn = resample(Volume(array, grid), wider).array
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn[1:4, 0, 0], [0, 0.5, 1])


@pytest.mark.parametrize("kind", ["linear", "nearest", "cubic"])
def test_d58_nan_voxels_neither_spread_nor_turn_into_values(kind):
    array = blobs(MOVING) + 5
    holed = array.copy()
    holed[10:13, 9:12, 8:11] = np.nan
    holed[0, 0, 0] = np.inf
    whole = resample(Volume(array, MOVING), FIXED, moved(), interpolation="linear").array
    drawn = resample(Volume(holed, MOVING), FIXED, moved(), interpolation=kind)
    gaps = np.isnan(drawn.array)
    lost_ml = gaps.sum() * FIXED.spacing.prod()
    assert 0.6 * 27 * 8 < lost_ml < 1.4 * 27 * 8
    assert np.isfinite(drawn.array[~gaps]).all()
    close = 1.1 if kind == "nearest" else 0.35
    inside = ~gaps & (whole > 1)
    assert np.abs(drawn.array - whole)[inside].max() < close
    if kind == "cubic":
        assert drawn.history[-1].parameters["interpolation"] == "linear"


def test_a_volume_without_any_value_stays_without():
    empty = Volume(np.full((4, 4, 4), np.nan, np.float32), Grid.regular((4, 4, 4)))
    drawn = resample(empty, Grid.regular((3, 3, 3), centre=(0.2, 0.2, 0.2)))
    assert np.isnan(drawn.array).all()


def test_the_same_grid_costs_no_copy_and_no_blur():
    volume = Volume(blobs(MOVING), MOVING)
    drawn = resample(volume, MOVING)
    assert np.shares_memory(drawn.array, volume.array)
    assert drawn.history[-1].name == "resample"


def test_one_slice_can_be_drawn():
    slice_grid = Grid.regular((1, 20, 20), (5.0, 2.0, 2.0))
    drawn = resample(Volume(blobs(slice_grid), slice_grid), Grid.regular((3, 20, 20), (2, 2, 2)))
    assert (drawn.array[1] > 0).any()


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(ParameterError, match="quadratic"):
        resample(Volume(blobs(MOVING), MOVING), FIXED, interpolation="quadratic")
