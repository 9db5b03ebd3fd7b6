import numpy as np
import pytest

from napari_fusion import Grid
from napari_fusion.grid import CANONICAL
from napari_fusion.gui import Frame


def tilted(degrees, axis=(0, 0, 1)):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(np.radians(degrees) * np.asarray(axis, float)).as_matrix()
    return Grid.regular((5, 6, 7), (3, 1, 2), centre=(4, 5, 6), direction=turn @ CANONICAL)


def test_the_default_frame_is_superior_posterior_left():
    np.testing.assert_allclose(Frame().to_world([1.0, 2.0, 3.0]), [3, 2, 1])


def test_world_and_lps_undo_each_other():
    frame = Frame.of(tilted(17, (1, 2, 3) / np.sqrt(14)))
    points = np.random.default_rng(0).normal(size=(9, 3)) * 100
    np.testing.assert_allclose(frame.to_lps(frame.to_world(points)), points, atol=1e-12)


def test_a_grid_is_parallel_to_its_own_frame_and_to_no_other():
    straight, turned = tilted(0), tilted(3)
    assert Frame.of(turned).parallel(turned) is not None
    assert Frame.of(straight).parallel(turned) is None


def test_round_off_is_still_parallel():
    assert Frame.of(tilted(0)).parallel(tilted(1e-5)) is not None


@pytest.mark.parametrize("degrees", [0.0, 12.5, 30.0])
def test_the_tilt_is_told_in_degrees(degrees):
    assert Frame().tilt_deg(tilted(degrees)) == pytest.approx(degrees, abs=1e-6)


def test_a_grid_around_another_covers_every_corner():
    turned = tilted(25, (1, 0, 0))
    frame = Frame()
    index = frame.around(turned).lps_to_index(turned.corners)
    assert index.min() > -0.51
    assert (index < np.array(frame.around(turned).shape) - 0.49).all()


def test_letters_name_the_nearest_sides():
    assert [Frame().letters(axis) for axis in range(3)] == [("I", "S"), ("A", "P"), ("R", "L")]


def test_a_leaning_axis_names_both_sides():
    frame = Frame.of(tilted(30, (0, 0, 1)))
    assert frame.letters(2) == ("RA", "LP")
