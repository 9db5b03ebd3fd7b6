import json

import numpy as np
import pytest

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, AlignOptions, align, assess
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.quality import Quality

FAST = AlignOptions(samples=8000, finest_mm=2)
GRID = Grid.regular((20, 20, 20), (8, 8, 8))
POINTS = np.random.default_rng(3).uniform(-80, 80, (200, 3))


def measured(form):
    rows = tuple(map(tuple, np.asarray(form, float).tolist()))
    return Quality(verdict="PASS", sentence="Yes.", uncertainty_mm=1.0, uncertainty_form=rows)


def turning(centre, mm_at_100):
    """Give the form of a pose that turns by a small unknown angle about a point."""
    form = np.zeros((4, 4))
    form[:3, :3] = np.eye(3)
    form[:3, 3] = form[3, :3] = -np.asarray(centre, float)
    form[3, 3] = np.dot(centre, centre)
    return form * (mm_at_100 / 100) ** 2


def test_uncertainty_grows_with_the_distance_from_where_the_volumes_agree():
    quality = measured(turning((10, 0, 0), 2.0))
    near, far = quality.uncertainty_at([[10, 0, 0], [110, 0, 0]])
    assert near == pytest.approx(0, abs=1e-9)
    assert far == pytest.approx(2.0)
    assert quality.uncertainty_at((110, 0, 0)).shape == ()


def test_nobody_measured_is_not_a_number():
    assert np.isnan(Alignment.identity(GRID, GRID).uncertainty_at(POINTS)).all()


def test_the_inverse_is_as_sure_at_the_same_anatomy():
    pose = pose_matrix((0.4, -0.2, 0.1), (30, -80, 400), (0, 0, 0))
    there = Alignment(GRID, GRID, pose, measured(turning((5, 9, -30), 3.0) + np.diag([0, 0, 0, 1])))
    back = there.inverse().uncertainty_at(there.map_points(POINTS))
    np.testing.assert_allclose(back, there.uncertainty_at(POINTS), rtol=1e-6)


def test_uncertainties_of_a_chain_add_up_in_squares():
    poses = (pose_matrix((0.1, 0.2, 0.3), (5, 6, 7), (0, 0, 0)) for _ in range(2))
    forms = turning((0, 40, 0), 2.0), turning((30, 0, 0), 1.0)
    one, two = (
        Alignment(GRID, GRID, pose, measured(form)) for pose, form in zip(poses, forms, strict=True)
    )
    apart = np.hypot(one.uncertainty_at(POINTS), two.uncertainty_at(one.map_points(POINTS)))
    np.testing.assert_allclose(one.then(two).uncertainty_at(POINTS), apart, rtol=1e-6)
    unmeasured = one.then(Alignment.identity(GRID, GRID))
    assert np.isnan(unmeasured.uncertainty_at(POINTS)).all()


def test_uncertainty_survives_the_file_and_json(tmp_path):
    saved = Alignment(GRID, GRID, np.eye(4), measured(turning((5, 9, -30), 3.0)))
    saved.save(tmp_path / "a.tfm")
    loaded = Alignment.load(tmp_path / "a.tfm")
    np.testing.assert_array_equal(loaded.uncertainty_at(POINTS), saved.uncertainty_at(POINTS))
    told = Quality.model_validate(json.loads(saved.quality.model_dump_json()))
    assert told == saved.quality


@pytest.mark.parametrize("form", [((1.0,),), ((np.inf, 0, 0, 0),) * 4])
def test_a_form_that_cannot_be_is_refused(form):
    with pytest.raises(ParameterError):
        Quality(verdict="PASS", sentence="Yes.", uncertainty_form=form)


@pytest.mark.parametrize(("a", "b"), [("CT", "T1"), ("T1", "PET"), ("PET", "CT")])
def test_the_error_lies_below_the_uncertainty_at_nine_points_of_ten(a, b, head, moved, brain):
    truth = pose_matrix(np.radians([5, -7, 4]), (8, -6, 10), (0, 0, 0))
    found = align(head(a), moved(head(b), truth), FAST)
    gap = found.map_points(brain) - (brain @ truth[:3, :3].T + truth[:3, 3])
    told = found.uncertainty_at(brain)
    assert (np.linalg.norm(gap, axis=1) <= told).mean() >= 0.9
    assert told.max() < 4
    assert found.quality.numbers["round_trip_mm"] < 2


def test_a_pose_that_is_off_is_told_to_be_off_by_about_so_much(head, brain):
    fixed, moving = head("CT"), head("T1")
    wrong = Alignment.identity(fixed.grid, moving.grid).moved((5, 0, 0), (0, 0, 4))
    told = assess(fixed, moving, wrong).uncertainty_at(brain)
    error = np.linalg.norm(wrong.map_points(brain) - brain, axis=1)
    assert (error <= told).mean() >= 0.9
    assert told.mean() < 3 * error.mean()
