"""Known maps, and the error measured against them."""

import numpy as np
import pytest

from napari_fusion import phantom
from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.phantom import Tissue


def test_rigid_is_a_rotation_about_its_centre():
    matrix = phantom.rigid((10, 20, 30), (1, 2, 3), centre=(5, 6, 7))
    turn = matrix[:3, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(phantom.apply(matrix, [[5, 6, 7]]), [[6, 8, 10]])


def test_rigid_turns_right_handed_about_each_axis():
    about_z = phantom.rigid((0, 0, 90))
    np.testing.assert_allclose(phantom.apply(about_z, [[1, 0, 0]]), [[0, 1, 0]], atol=1e-12)
    about_x = phantom.rigid((90, 0, 0))
    np.testing.assert_allclose(phantom.apply(about_x, [[0, 1, 0]]), [[0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_warp_never_folds_and_stays_small(seed):
    warp = phantom.warp(4.0, 60.0, seed)
    points = np.random.default_rng(seed).uniform(-100, 100, (2000, 3))
    assert np.abs(warp(points) - points).max() <= 4.0
    assert np.linalg.norm(warp(points) - points, axis=1).mean() > 1.0
    step = 1e-3
    columns = [
        (warp(points + step * unit) - warp(points - step * unit)) / (2 * step) for unit in np.eye(3)
    ]
    assert np.linalg.det(np.stack(columns, axis=2)).min() > 0


def test_a_warp_that_could_fold_is_refused():
    with pytest.raises(ParameterError, match="could fold"):
        phantom.warp(6.0, 60.0)
    with pytest.raises(ParameterError, match="could fold"):
        phantom.warp(1.0, 0.0)


def test_landmarks_lie_in_what_they_name():
    expected = {
        "left_lens": Tissue.LENS,
        "right_lens": Tissue.LENS,
        "left_putamen": Tissue.PUTAMEN,
        "right_putamen": Tissue.PUTAMEN,
        "left_thalamus": Tissue.THALAMUS,
        "right_thalamus": Tissue.THALAMUS,
        "left_frontal_horn": Tissue.CSF,
        "right_frontal_horn": Tissue.CSF,
        "pineal": Tissue.CALCIFICATION,
        "pons": Tissue.BRAINSTEM,
    }
    for name, tissue in expected.items():
        spot = Grid.regular((1, 1, 1), centre=phantom.LANDMARKS[name])
        assert phantom.tissues(spot).array.item() == tissue, name
    for name, (x, _, _) in phantom.LANDMARKS.items():
        if name.startswith(("left", "right")):
            assert (x > 0) == name.startswith("left"), name


def test_foreground_points_lie_in_the_brain_and_repeat():
    points = phantom.foreground_points(300, seed=2)
    assert points.shape == (300, 3)
    np.testing.assert_array_equal(points, phantom.foreground_points(300, seed=2))
    assert not np.array_equal(points, phantom.foreground_points(300, seed=3))
    assert np.abs(points).max(axis=0).tolist() < [72, 96, 82]


def test_target_error_of_the_truth_is_zero_and_of_an_offset_is_the_offset():
    fixed = phantom.rigid((3, 0, -5), (2, 1, 0))
    moving = phantom.rigid((-4, 7, 2), (-6, 9, 3))
    truth = np.linalg.inv(moving) @ fixed
    assert phantom.target_error(fixed, moving, truth) < 1e-9
    offset = phantom.rigid(translation_mm=(0, 3, 4)) @ truth
    assert phantom.target_error(fixed, moving, offset) == pytest.approx(5)
    assert phantom.target_error(fixed, moving, lambda p: phantom.apply(offset, p)) == pytest.approx(
        5
    )


def test_target_error_through_a_deformation():
    warp = phantom.warp(4, 60, seed=1)
    assert phantom.target_error(warp, None, warp) < 1e-6
    assert phantom.target_error(warp, warp, np.eye(4)) < 1e-6
    assert 0.5 < phantom.target_error(warp, None, np.eye(4)) < 7


def test_misaligned_pair_is_what_its_truth_says(small_pair):
    fixed, moving, truth = small_pair
    expected = phantom.head("T1", moving.grid, pose=np.linalg.inv(truth), seed=1)
    np.testing.assert_array_equal(moving.array, expected.array)
    np.testing.assert_array_equal(fixed.array, phantom.head("CT", fixed.grid).array)
    assert (fixed.frame_uid, moving.frame_uid) == (None, None)


@pytest.mark.parametrize("seed", range(6))
def test_misaligned_pair_stays_within_what_it_promises(seed, monkeypatch):
    monkeypatch.setattr(phantom, "head", lambda *_, **__: None)
    _, _, truth = phantom.misaligned_pair(seed=seed, size="small")
    angle = np.degrees(np.arccos((np.trace(truth[:3, :3]) - 1) / 2))
    centre = np.array([0.0, 10.0, 0.0])
    shift = np.linalg.norm(phantom.apply(truth, [centre]) - centre)
    assert 3 < angle < 15
    assert 5 < shift < 20
    start = phantom.target_error(None, np.linalg.inv(truth), np.eye(4))
    assert start > 4


def test_the_known_pose_brings_the_images_together():
    grid = Grid.regular((24, 30, 24), (6.0, 6.0, 6.0), centre=(0, 0, 10))
    pose = phantom.rigid((6, -4, 9), (8, -5, 4))
    straight = phantom.head("T1", grid, scanner=False)
    posed = phantom.head("T1", grid, pose=pose, scanner=False)
    points = phantom.foreground_points(400)
    seen = np.rint(grid.lps_to_index(phantom.apply(np.linalg.inv(pose), points))).astype(int)
    there = np.rint(grid.lps_to_index(points)).astype(int)
    kept = ((seen >= 0) & (seen < grid.shape) & (there >= 0) & (there < grid.shape)).all(axis=1)
    a, b = straight.array[tuple(there[kept].T)], posed.array[tuple(seen[kept].T)]
    wrong = posed.array[tuple(there[kept].T)]
    assert np.corrcoef(a, b)[0, 1] > np.corrcoef(a, wrong)[0, 1] + 0.2
