"""A slice of a volume, wherever raster and volume lie: planes × steps × offsets × turns."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_fusion import ParameterError
from napari_fusion.review import Sheet

SHAPE = (7, 9, 11)


def affine(steps=(1.0, 1.0, 1.0), shift=(0.0, 0.0, 0.0), turn=None):
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(steps) if turn is None else turn @ np.diag(steps)
    matrix[:3, 3] = shift
    return matrix


def ramp(matrix, shape=SHAPE):
    """Values that are a linear function of where they are: interpolation gives them exactly."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    points = index @ matrix[:3, :3].T + matrix[:3, 3]
    return (points @ [100.0, 10.0, 1.0]).astype(np.float64)


def expected(sheet):
    points = np.zeros((*sheet.shape, 3))
    points[...] = sheet.corner
    for axis, mm, steps in zip(sheet.along, sheet.pixel_mm, np.indices(sheet.shape), strict=True):
        points[..., axis] += steps * mm
    return points, points @ [100.0, 10.0, 1.0]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float32, np.float64])
def test_on_its_own_lattice_a_slice_is_the_voxels_themselves(axis, kind):
    array = (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 200).astype(kind)
    matrix = affine((3.0, 0.7, 0.5), (10.0, -4.0, 2.0))
    for index in range(SHAPE[axis]):
        corner = matrix[:3, 3].copy()
        corner[axis] += index * matrix[axis, axis]
        rows, columns = (i for i in range(3) if i != axis)
        sheet = Sheet(
            axis,
            tuple(corner),
            (matrix[rows, rows], matrix[columns, columns]),
            (SHAPE[rows], SHAPE[columns]),
        )
        assert_array_equal(sheet.values(array, matrix), array.take(index, axis))


@pytest.mark.parametrize(
    ("axis", "signs", "pixel"),
    [*itertools.product([0, 1, 2], [(1, 1, 1), (-1, 1, -1)], [(0.5, 0.5), (1.3, -0.6)])],
)
def test_values_are_right_wherever_they_are_known(axis, signs, pixel):
    matrix = affine(np.array(signs) * (3.0, 0.7, 1.1), (5.0, 6.0, 7.0))
    middle = matrix[:3, :3] @ (np.array(SHAPE) // 2) + matrix[:3, 3]
    sheet = Sheet(axis, tuple(middle - 2.0 * (np.arange(3) != axis)), pixel, (14, 10))
    found = sheet.values(ramp(matrix), matrix)
    points, values = expected(sheet)
    index = (points - matrix[:3, 3]) / np.diag(matrix)[:3]
    covered = ((index >= -0.5) & (index <= np.array(SHAPE) - 0.5)).all(-1)
    inner = ((index >= 0) & (index <= np.array(SHAPE) - 1)).all(-1)
    assert_array_equal(np.isfinite(found), covered)
    assert inner.any()
    off = np.abs(np.diag(matrix)[:3] * [100.0, 10.0, 1.0]).sum() / 64  # OpenCV 4 knows 1/32 voxel
    assert_allclose(found[inner], values[inner], atol=off)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2),
    st.tuples(*[st.floats(-20, 20)] * 3),
    st.tuples(st.floats(0.3, 4), st.floats(0.3, 4)),
)
def test_nothing_is_made_up_outside(axis, corner, pixel):
    matrix = affine((2.0, 1.0, 1.0))
    sheet = Sheet(axis, corner, pixel, (12, 13))
    found = sheet.values(np.ones(SHAPE), matrix)
    points, _ = expected(sheet)
    index = points / np.diag(matrix)[:3]
    outside = ((index < -0.5 - 1e-3) | (index > np.array(SHAPE) - 0.5 + 1e-3)).any(-1)
    assert np.isnan(found[outside]).all()
    known = found[np.isfinite(found)]
    assert_array_equal(known, 1.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turned_volume_is_interpolated_in_all_directions(axis):
    angle = np.radians(20)
    turn = np.eye(3)
    turn[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn = turn @ np.roll(turn, (1, 1), (0, 1))
    matrix = affine((2.0, 1.0, 1.0), (3.0, 4.0, 5.0), turn)
    middle = matrix[:3, :3] @ (np.array(SHAPE) / 2) + matrix[:3, 3]
    sheet = Sheet(axis, tuple(middle - 2.0 * (np.arange(3) != axis)), (0.5, 0.5), (9, 9))
    _, values = expected(sheet)
    assert_allclose(sheet.values(ramp(matrix), matrix), values, atol=1e-3)
    far = Sheet(axis, (500.0, 500.0, 500.0), (0.5, 0.5), (9, 9))
    assert np.isnan(far.values(ramp(matrix), matrix)).all()


def test_a_gap_in_the_volume_stays_a_gap():
    array = np.ones(SHAPE, np.float32)
    array[3, 4, 5] = np.nan
    sheet = Sheet(0, (3.0, 0.0, 0.0), (1.0, 1.0), (9, 11))
    assert np.isnan(sheet.values(array, affine())[4, 5])


@pytest.mark.parametrize("wrong", [(3, (1, 1), (4, 4)), (0, (1, 0), (4, 4)), (0, (1, 1), (0, 4))])
def test_what_is_no_raster_is_refused(wrong):
    axis, pixel, shape = wrong
    with pytest.raises(ParameterError):
        Sheet(axis, (0.0, 0.0, 0.0), pixel, shape)
