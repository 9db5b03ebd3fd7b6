"""Projections show the brightest voxel where it lies, from every side."""

import numpy as np
import pytest

from napari_fusion.review.mip import COARSE_MM, STEP_DEG, Projections, coarsened, turned_mip

SHAPE, SPACING = (9, 31, 41), (4.0, 3.0, 3.0)


def spot(at):
    array = np.zeros(SHAPE, np.float32)
    array[at] = 7
    return array


def test_from_the_front_it_is_the_maximum_along_the_second_axis():
    array = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    seen = turned_mip(array, SPACING, 0)
    margin = (seen.shape[1] - SHAPE[2]) // 2
    np.testing.assert_allclose(seen[:, margin:-margin], array.max(axis=1), atol=1e-6)


def test_from_the_left_posterior_is_at_the_right():
    seen = turned_mip(spot((4, 28, 20)), SPACING, 90)
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    assert (row, column - (seen.shape[1] - 1) / 2) == (4, 28 - 15)


def test_without_coarsening_the_front_is_the_maximum_exactly():
    array = np.random.default_rng(0).random((4, 10, 12)).astype(np.float32)
    seen = turned_mip(array, (COARSE_MM,) * 3, 0)
    first = int((seen != array.min()).any(axis=0).argmax())
    np.testing.assert_array_equal(seen[:, first : first + 12], array.max(axis=1))
    assert (np.delete(seen, np.s_[first : first + 12], axis=1) == array.min()).all()


@pytest.mark.parametrize("spacing", [(4.0, 3.0, 3.0), (3.0, 5.47, 5.47), (1.0, 2.2, 1.6)])
@pytest.mark.parametrize("angle", [*range(0, 360, STEP_DEG), 45, 137])
def test_no_slice_loses_its_maximum_from_any_side(spacing, angle):
    array = np.random.default_rng(angle).random(SHAPE).astype(np.float32)
    seen = turned_mip(array, spacing, angle)
    np.testing.assert_array_equal(seen.max(axis=1), array.max(axis=(1, 2)))


@pytest.mark.parametrize("angle", range(0, 360, 40))
def test_no_voxel_is_lost_between_two_lines(angle):
    for at in np.ndindex(5, 4):
        array = np.zeros((1, 5, 4), np.float32)
        array[(0, *at)] = 10
        assert turned_mip(array, (1.0, 2.2, 1.6), angle).max() == 10


def made(spacing, at, shape=(9, 31, 41)):
    """Noise with one hot voxel, and its projections."""
    array = np.random.default_rng(2).random(shape).astype(np.float32)
    array[at] = 7
    return Projections.of(array, spacing)


@pytest.mark.parametrize("angle", range(0, 360, STEP_DEG))
@pytest.mark.parametrize("at", [(2, 8, 40), (4, 15, 20), (8, 30, 9)])
@pytest.mark.parametrize("spacing", [(4.0, 3.0, 3.0), (2.0, 2.0, 2.0), (1.2, 0.7, 0.7)])
def test_the_pixel_of_a_maximum_leads_to_its_voxel_and_lies_over_it(spacing, at, angle):
    turn = made(spacing, at)
    seen = turn.at(angle)
    for row, column in np.argwhere(seen == 7):
        np.testing.assert_array_equal(turn.brightest(angle, row, column), at)
    high, wide = np.subtract(turn.place(np.array(at), angle), 0.5)
    away = np.abs(np.argwhere(seen == 7) - (high, wide))
    assert away.max(axis=1).min() <= 1


def test_a_pixel_beside_the_volume_leads_nowhere():
    turn = made((4.0, 3.0, 3.0), (4, 15, 20))
    assert turn.brightest(0, 4, 0) is None


def test_the_nearest_of_equal_voxels_is_found():
    array = np.zeros(SHAPE, np.float32)
    array[4, [5, 25], 20] = 7
    turn = Projections.of(array, SPACING)
    column = turn.pictures.shape[2] // 2
    assert [turn.brightest(angle, 4, column)[1] for angle in (0, 180)] == [5, 25]


def test_half_a_turn_is_the_mirror_image():
    array = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    front, back = (turned_mip(array, SPACING, angle) for angle in (0, 180))
    np.testing.assert_allclose(front, back[:, ::-1], atol=1e-5)


def test_coarsening_keeps_the_maxima_and_leaves_gaps_away():
    array = np.full((8, 30, 30), -5, np.float32)
    array[3, 10, 10], array[0, 0, 0] = 9, np.nan
    coarse, steps = coarsened(array, (3.0, 1.0, 1.0))
    assert coarse.shape == (8, 10, 10)
    assert steps == (1, 3, 3)
    assert coarse.max() == 9
    assert np.isfinite(coarse).all()
    assert coarse.min() == -5


def test_a_turn_has_a_picture_every_ten_degrees_and_its_size_in_mm():
    turn = Projections.of(spot((4, 15, 20)), SPACING)
    assert len(turn.pictures) == 36
    np.testing.assert_array_equal(turn.at(370), turn.at(10))
    assert turn.size_mm == (36.0, turn.pictures.shape[2] * COARSE_MM)
    assert turn.body_mm == (36.0, 123.0)
