import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from napari_fusion import GeometryError, Grid

ORDERS = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product([False, True], repeat=3))

shapes = st.tuples(*[st.integers(1, 40)] * 3)
spacings = st.tuples(*[st.floats(0.1, 10)] * 3)
angles = st.tuples(*[st.floats(-180, 180)] * 3)
points = st.tuples(*[st.floats(-300, 300)] * 3)


def oblique(shape, spacing, degrees, centre):
    direction = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    return Grid.regular(shape, spacing, centre=centre, direction=direction)


@given(shapes, spacings, angles, points, points)
def test_points_survive_the_round_trip(shape, spacing, degrees, centre, point):
    grid = oblique(shape, spacing, degrees, centre)
    assert_allclose(grid.index_to_lps(grid.lps_to_index(point)), point, atol=1e-6)


@given(shapes, spacings, angles, points)
def test_regular_keeps_spacing_and_centre(shape, spacing, degrees, centre):
    grid = oblique(shape, spacing, degrees, centre)
    assert_allclose(grid.spacing, spacing, rtol=1e-9)
    assert_allclose(grid.centre, centre, atol=1e-6)
    assert_allclose(grid.direction.T @ grid.direction, np.eye(3), atol=1e-9)


def test_the_affine_is_the_one_rule():
    affine = np.array([[0, 0, 2, 10], [0, 3, 0, 20], [4, 0, 0, 30], [0, 0, 0, 1]], float)
    grid = Grid((5, 6, 7), affine)
    assert_allclose(grid.index_to_lps([1, 1, 1]), [12, 23, 34])
    assert_allclose(grid.spacing, [4, 3, 2])
    assert grid.letters == "SPL"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_canonical_order_undoes_every_axis_order(order, flips):
    canonical = Grid.regular((4, 5, 6), (3.0, 2.0, 1.0), centre=(7, 8, 9))
    labels = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    shuffled = canonical.reordered(order, flips)
    voxels = labels.transpose(order)[tuple(slice(None, None, -1 if f else 1) for f in flips)]
    back_order, back_flips = shuffled.canonical_order()
    back = voxels.transpose(back_order)[
        tuple(slice(None, None, -1 if f else 1) for f in back_flips)
    ]
    assert shuffled.reordered(back_order, back_flips).matches(canonical)
    assert np.array_equal(back, labels)


@given(angles)
def test_reordering_names_the_same_points(degrees):
    grid = oblique((3, 4, 5), (1.0, 2.0, 3.0), degrees, (1, 2, 3))
    order, flips = grid.canonical_order()
    again = grid.reordered(order, flips)
    key = lambda p: tuple(np.round(p, 6) + 0.0)  # noqa: E731
    assert {key(p) for p in grid.corners} == {key(p) for p in again.corners}


def test_round_off_is_repaired_and_shear_is_refused():
    affine = np.eye(4)
    affine[0, 1] = 5e-4
    repaired = Grid((2, 2, 2), affine).direction
    assert_allclose(repaired.T @ repaired, np.eye(3), atol=1e-12)
    affine[0, 1] = np.tan(np.radians(15))
    with pytest.raises(GeometryError, match=r"sheared by 15\.00°"):
        Grid((2, 2, 2), affine)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.__setitem__((0, 0), 0.0), "every axis needs a length"),
        (lambda a: a.__setitem__((0, 3), np.nan), "finite"),
        (lambda a: a.__setitem__((3, 3), 2.0), "last row"),
    ],
)
def test_a_bad_affine_is_refused(change, message):
    affine = np.eye(4)
    change(affine)
    with pytest.raises(GeometryError, match=message):
        Grid((2, 2, 2), affine)


def test_a_bad_shape_is_refused():
    with pytest.raises(GeometryError, match="three axes"):
        Grid((2, 0, 2), np.eye(4))


@pytest.mark.parametrize("where", [(0, 3), (1, 3), (2, 3), (0, 0), (1, 1), (2, 2)])
def test_grids_that_differ_in_one_number_do_not_match(where):
    grid = Grid((10, 10, 10), np.eye(4))
    affine = np.eye(4)
    affine[where] += 0.01
    other = Grid((10, 10, 10), affine)
    assert grid != other
    assert not grid.matches(other)
    assert grid.matches(other, tolerance_mm=1)
    assert not grid.matches(Grid((10, 10, 11), np.eye(4)))


def test_equal_grids_hash_alike_and_stay_frozen():
    grid, same = Grid((2, 3, 4), np.eye(4)), Grid((2, 3, 4), np.eye(4))
    assert grid == same
    assert hash(grid) == hash(same)
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 2


def test_another_spacing_covers_the_same_box():
    grid = Grid.regular((10, 20, 30), (3.0, 1.0, 1.0), centre=(5, 6, 7))
    finer = grid.with_spacing((1.0, 1.0, 1.0))
    assert finer.shape == (30, 20, 30)
    assert_allclose(finer.centre, grid.centre)
    assert_allclose(finer.extent_mm, grid.extent_mm)
    assert grid.slice_axis == 0
    assert "10 × 20 × 30 voxels of 3 × 1 × 1 mm" in grid.describe()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Grid.regular((10, 20, 31)), "10 × 20 × 31 .*: their shapes differ; resample them to one"),
        (Grid.regular((10, 20, 30), centre=(0, 3, 4)), "their corners lie up to 5 mm apart"),
    ],
)
def test_what_does_not_match_is_told_how(other, said):
    grid = Grid.regular((10, 20, 30))
    grid.must_match(Grid.regular((10, 20, 30)), "the one", "the other")
    with pytest.raises(GeometryError, match=f"^the one has 10 × 20 × 30 .*, the other .*{said}"):
        grid.must_match(other, "the one", "the other")


@pytest.mark.parametrize(
    ("shape", "spacing", "axis"),
    [
        ((20, 1, 20), (1, 1, 1), 1),
        ((20, 20, 1), (3, 1, 1), 2),
        ((1, 20, 20), (1, 5, 1), 0),
        ((1, 20, 1), (1, 1, 5), 0),
        ((20, 20, 20), (1, 1, 3), 2),
    ],
)
def test_a_single_slice_is_cut_across_itself(shape, spacing, axis):
    assert Grid.regular(shape, spacing).slice_axis == axis


def test_spacing_and_direction_cannot_be_written_into():
    grid = Grid.regular((4, 5, 6), (3, 1, 1))
    for array in (grid.spacing, grid.direction, grid.affine):
        with pytest.raises(ValueError, match="read-only"):
            array *= 2


def test_equal_grids_have_one_hash():
    affine = np.eye(4)
    affine[0, 1] = affine[2, 3] = -0.0
    grid, other = Grid((2, 3, 4), np.eye(4)), Grid((2, 3, 4), affine)
    assert grid == other
    assert len({grid, other}) == 1


def test_it_holds_its_voxels_to_their_edges_and_no_more():
    grid = Grid.regular((3, 4, 5), (2.0, 1.0, 0.5), centre=(7, -3, 11))
    index = np.array([[-0.5, -0.5, -0.5], [2.5, 3.5, 4.5], [1, 1, 1], [2.6, 0, 0], [0, -0.51, 0]])
    nudged = index + 1e-9 * np.sign(1 - index)  # to the inside: edges round either way
    held = grid.holds(grid.index_to_lps(nudged).reshape(5, 1, 3))
    assert held.tolist() == [[True], [True], [True], [False], [False]]
