"""Rotations against SciPy's, and the nearest one of matrices that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_fusion.rotation import angles_of, inverted, nearest_orthogonal, rotation, turned_degrees

angle = st.floats(-np.pi, np.pi)


@given(st.tuples(angle, angle, angle))
def test_three_angles_are_scipys_extrinsic_xyz(angles):
    np.testing.assert_allclose(
        rotation(angles), Rotation.from_euler("xyz", angles).as_matrix(), atol=1e-12
    )


def test_the_way_back_of_a_map_ends_exactly_in_0_0_0_1():
    there = np.eye(4)
    there[:3] = np.random.default_rng(0).normal(size=(3, 4))
    back = inverted(there)
    np.testing.assert_allclose(back @ there, np.eye(4), atol=1e-12)
    assert back[3].tolist() == [0, 0, 0, 1]


@given(st.tuples(angle, angle, angle))
def test_angles_give_their_rotation_back(angles):
    turn = rotation(angles)
    np.testing.assert_allclose(rotation(angles_of(turn)), turn, atol=1e-6)


@pytest.mark.parametrize("about_p", [-np.pi / 2, np.pi / 2])
def test_at_a_right_angle_about_p_all_of_the_rest_is_about_l(about_p):
    found = angles_of(rotation((0.3, about_p, 0.2)))
    assert found[2] == 0
    np.testing.assert_allclose(rotation(found), rotation((0.3, about_p, 0.2)), atol=1e-12)


@given(st.tuples(angle, angle, angle), st.floats(0.5, 2))
def test_the_angle_of_a_stretched_turn_is_that_of_the_turn(angles, scale):
    expected = np.degrees(Rotation.from_euler("xyz", angles).magnitude())
    assert turned_degrees(scale * rotation(angles)) == pytest.approx(expected, abs=1e-5)


def test_a_mirror_stays_a_mirror():
    mirror = np.diag([-1.0, 1, 1])
    np.testing.assert_allclose(nearest_orthogonal(mirror * 1.5 + 1e-3), mirror, atol=2e-3)
