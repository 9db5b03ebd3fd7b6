import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion.errors import AlignError, ParameterError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, Quality
from napari_fusion.registration.alignment import pose_matrix

FIXED = Grid.regular((20, 30, 40), (3.0, 1.0, 1.0), centre=(5, -7, 11))
MOVING = Grid.regular((25, 25, 25), (2.0, 2.0, 2.0), centre=(-20, 3, 60))
POINTS = np.random.default_rng(0).uniform(-100, 100, (50, 3))
PASS = Quality(verdict="PASS", sentence="They agree.", uncertainty_mm=0.3, numbers={"z": 9.0})


def turned() -> Alignment:
    matrix = pose_matrix(np.radians([10, -20, 30]), (4, -5, 6), FIXED.centre)
    return Alignment(FIXED, MOVING, matrix, PASS)


def test_a_hand_push_turns_about_the_fixed_centre_then_shifts():
    pushed = Alignment.identity(FIXED, MOVING).moved((1, 2, 3), (0, 0, 90))
    np.testing.assert_allclose(pushed.map_points(FIXED.centre), FIXED.centre + np.array([1, 2, 3]))
    left = pushed.map_points(FIXED.centre + np.array([10, 0, 0])) - pushed.map_points(FIXED.centre)
    np.testing.assert_allclose(left, [0, 10, 0], atol=1e-12)
    assert pushed.motion() == pytest.approx((90, np.sqrt(14)))


def test_inverse_and_chain_undo_each_other():
    there = turned()
    back = there.inverse()
    assert back.fixed == MOVING
    assert back.moving == FIXED
    np.testing.assert_allclose(there.then(back).map_points(POINTS), POINTS, atol=1e-10)
    assert there.then(back).rests(there.fixed)
    assert not there.rests(there.fixed)


def test_a_chain_has_the_worse_verdict_and_both_uncertainties():
    doubt = Quality(verdict="CHECK", sentence="Look.", uncertainty_mm=0.4)
    chain = turned().then(Alignment.identity(MOVING, MOVING, doubt))
    assert chain.quality.verdict == "CHECK"
    assert chain.quality.uncertainty_mm == pytest.approx(0.5)


@pytest.mark.parametrize("matrix", [np.eye(3), np.full((4, 4), np.nan), np.ones((4, 4))])
def test_d58_a_matrix_that_is_no_map_is_refused(matrix):
    with pytest.raises(ParameterError):
        Alignment(FIXED, MOVING, matrix)


def test_a_flat_map_is_not_invertible():
    flat = Alignment(FIXED, MOVING, np.diag([1.0, 1.0, 0.0, 1.0]))
    assert not flat.invertible
    with pytest.raises(AlignError, match="inverted"):
        flat.inverse()


def test_itk_maps_points_as_we_do():
    ours = turned()
    theirs = ours.to_sitk()
    mapped = [theirs.TransformPoint(p) for p in POINTS.tolist()]
    np.testing.assert_allclose(ours.map_points(POINTS), mapped, atol=1e-10)


def test_composite_euler_and_versor_transforms_are_flattened():
    euler = sitk.Euler3DTransform((5, 6, 7), 0.1, 0.2, 0.3, (1, 2, 3))
    versor = sitk.VersorRigid3DTransform((0.0, 0.0, 1.0), 0.5, (4, 5, 6), (9, 8, 7))
    both = sitk.CompositeTransform([euler, versor])
    ours = Alignment.from_sitk(both, FIXED, MOVING)
    theirs = [both.TransformPoint(p) for p in POINTS.tolist()]
    np.testing.assert_allclose(ours.map_points(POINTS), theirs, atol=1e-10)


def test_d62_transforms_that_flatten_space_or_are_2d_are_refused():
    with pytest.raises(ReadError, match="2-D"):
        Alignment.from_sitk(sitk.AffineTransform(2), FIXED, MOVING)
    flat = sitk.AffineTransform(3)
    flat.SetMatrix([1, 0, 0, 0, 1, 0, 0, 0, 0])
    with pytest.raises(ReadError, match="singular"):
        Alignment.from_sitk(flat, FIXED, MOVING)
