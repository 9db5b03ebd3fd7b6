from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion import phantom
from napari_fusion.errors import AlignError, Cancelled, ParameterError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, DisplacementField, Quality, resample
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.bending import sampled
from napari_fusion.volume import Volume

FIXED = Grid.regular((20, 30, 40), (3.0, 2.0, 2.0), centre=(5, -7, 11))
MOVING = Grid.regular((25, 25, 25), (3.0, 3.0, 3.0), centre=(-2, 3, 6))
OBLIQUE = pose_matrix((0.2, -0.1, 0.4), (0, 0, 0), (0, 0, 0))[:3, :3]
NODES = Grid.regular((28, 27, 30), (4, 4, 4), centre=(5, -7, 11), direction=OBLIQUE[:, ::-1])
RIGID = pose_matrix(np.radians([10, -20, 30]), (4, -5, 6), FIXED.centre)
SHEARED = np.array([[1.1, 0.1, 0, 3], [0, 0.9, 0.05, -2], [0.02, 0, 1, 1], [0, 0, 0, 1]])
INSIDE = np.random.default_rng(0).uniform(-24, 24, (400, 3)) + FIXED.centre
QUALITY = Quality(verdict="PASS", sentence="Agreed.", uncertainty_mm=0.2, numbers={"z": 8.0})


def bump(grid: Grid = NODES, seed: int = 0, mm: float = 4.0) -> DisplacementField:
    """A smooth warp that fades to nothing at the grid's edge."""
    warp = phantom.warp(mm, 60, seed)

    def displacement(points):
        index = grid.lps_to_index(points) / (np.array(grid.shape) - 1)
        window = np.sin(np.pi * np.clip(index, 0, 1)).prod(axis=1) ** 0.7
        return (warp(points) - points) * window[:, None]

    return sampled(displacement, grid)


def bent(matrix=RIGID, seed=0) -> Alignment:
    return Alignment(FIXED, MOVING, matrix, QUALITY, bump(seed=seed))


def test_the_field_bends_first_and_the_matrix_moves_after():
    one = np.zeros((2, 2, 2, 3))
    one[..., 0] = 2.0
    grid = Grid.regular((2, 2, 2), (10, 10, 10))
    turn = pose_matrix((0, 0, np.pi / 2), (0, 0, 5), (0, 0, 0))
    map_ = Alignment(FIXED, MOVING, turn, field=DisplacementField(grid, one))
    np.testing.assert_allclose(map_.map_points([1.0, 0, 0]), [0, 3, 5], atol=1e-12)
    np.testing.assert_allclose(map_.map_points([99.0, 0, 0]), [0, 99, 5], atol=1e-12)
    assert not map_.linear
    assert not map_.rests(map_.fixed)


@pytest.mark.parametrize("matrix", [np.eye(4), RIGID, SHEARED])
def test_itk_maps_points_as_we_do_inside_and_out(matrix):
    ours = bent(matrix)
    theirs = ours.to_sitk()
    points = np.concatenate([INSIDE, INSIDE * 3])
    mapped = [theirs.TransformPoint(p) for p in points.tolist()]
    np.testing.assert_allclose(ours.map_points(points), mapped, atol=1e-6)
    again = Alignment.from_sitk(theirs, FIXED, MOVING)
    np.testing.assert_array_equal(again.field.vectors, ours.field.vectors)
    np.testing.assert_array_equal(again.matrix, ours.matrix)


@pytest.mark.parametrize("matrix", [np.eye(4), RIGID, SHEARED])
def test_there_and_back_is_where_it_was(matrix):
    there = bent(matrix)
    back = there.inverse()
    assert (back.fixed, back.moving) == (MOVING, FIXED)
    gap = back.map_points(there.map_points(INSIDE)) - INSIDE
    assert np.linalg.norm(gap, axis=1).max() < 0.1
    assert back.quality.numbers["inverse_residual_mm"] < 0.1
    assert back.quality.verdict == "PASS"
    loop = there.then(back).map_points(INSIDE) - INSIDE
    assert np.linalg.norm(loop, axis=1).max() < 0.2


def test_a_field_that_stretches_to_more_than_twice_is_undone():
    def stretch(points):
        z = points[:, 2] - 11
        return np.outer(1.6 * z * np.exp(-((z / 20) ** 2) / 2), [0, 0, 1])

    nodes = Grid.regular((61, 6, 6), (2, 20, 20), centre=(5, -7, 11))
    there = Alignment(FIXED, MOVING, RIGID, field=sampled(stretch, nodes))
    assert there.field.jacobian.largest > 2.5
    ends = there.map_points(INSIDE)
    np.testing.assert_allclose(there.unmap_points(ends), INSIDE, atol=0.01)
    gap = there.inverse().map_points(ends) - INSIDE
    assert np.linalg.norm(gap, axis=1).max() < 0.1


@pytest.mark.parametrize("matrix", [np.eye(4), RIGID])
def test_a_field_that_moves_its_own_border_is_undone_there_too(matrix):
    """Those of other programs do: what left the grid was forgotten, and off by all it moved."""
    nodes = Grid.regular((21, 26, 31), (4, 4, 4), centre=(5, -7, 11))

    def waves(points):
        return 6 * np.sin(points @ np.ones((3, 3)) / 40 + [0, 1, 2]) + [8, -6, 0]

    there = Alignment(FIXED, MOVING, matrix, field=sampled(waves, nodes))
    last = np.array(nodes.shape) - 1
    points = nodes.index_to_lps(np.random.default_rng(1).uniform(0, last, (5000, 3)))
    ends = there.map_points(points)
    back = there.inverse()
    off = np.linalg.norm(back.map_points(ends) - points, axis=1).max()
    assert off < 0.1
    assert back.quality.numbers["inverse_residual_mm"] == pytest.approx(off, abs=0.05)
    np.testing.assert_allclose(there.unmap_points(ends), points, atol=1e-3)
    far = np.array([[400.0, 0, 0], [0, -300, 20]])
    np.testing.assert_allclose(there.unmap_points(there.map_points(far)), far, atol=1e-9)


@pytest.mark.parametrize("first", [Alignment.identity(FIXED, FIXED), bent(RIGID), bent(SHEARED, 1)])
@pytest.mark.parametrize(
    "second", [Alignment(MOVING, FIXED, RIGID), bent(RIGID, 2), bent(SHEARED, 3)]
)
def test_a_chain_is_one_map_after_the_other(first, second):
    chain = first.then(replace(second, fixed=first.moving))
    wanted = second.map_points(first.map_points(INSIDE))
    assert np.linalg.norm(chain.map_points(INSIDE) - wanted, axis=1).max() < 0.2


def test_a_chain_of_two_fields_says_how_far_it_is_from_both_in_a_row():
    chain = bent(RIGID).then(replace(bent(RIGID, 2), fixed=bent(RIGID).moving))
    told = chain.quality.numbers["chain_residual_mm"]
    grid = chain.field.grid
    spots = np.random.default_rng(1).uniform(0, np.array(grid.shape) - 1, (5000, 3))
    points = grid.index_to_lps(spots)
    wanted = bent(RIGID, 2).map_points(bent(RIGID).map_points(points))
    off = np.linalg.norm(chain.map_points(points) - wanted, axis=1).max()
    assert told == pytest.approx(off, rel=0.5)
    further = chain.then(Alignment.identity(chain.moving, chain.moving)).quality
    assert further.numbers["chain_residual_mm"] == told


def test_a_chain_that_one_field_shows_badly_is_checked():
    """Rough fields in a row, each within 0.05 mm of the truth as it stands."""
    sure = Quality(verdict="PASS", sentence="They match.", uncertainty_mm=0.05)
    rng = np.random.default_rng(0)
    fields = [DisplacementField(NODES, rng.normal(0, 1, (*NODES.shape, 3))) for _ in range(2)]
    first, second = (Alignment(FIXED, FIXED, np.eye(4), sure, field) for field in fields)
    quality = first.then(second).quality
    assert quality.verdict == "CHECK"
    assert "mm off" in quality.sentence
    assert quality.numbers["chain_residual_mm"] > 0.5


def test_a_hand_push_keeps_the_field():
    pushed = bent().moved((1, 2, 3), (0, 0, 20))
    push = Alignment.identity(FIXED, FIXED).moved((1, 2, 3), (0, 0, 20))
    wanted = bent().map_points(push.map_points(INSIDE))
    np.testing.assert_allclose(pushed.map_points(INSIDE), wanted, atol=1e-5)


def test_a_fold_is_counted_and_cannot_be_inverted():
    vectors = np.zeros((6, 6, 6, 3))
    vectors[3, 3, 3] = [0, 0, -1.5]
    field = DisplacementField(Grid.regular((6, 6, 6)), vectors)
    assert field.jacobian.smallest == pytest.approx(-0.5)
    assert field.jacobian.largest == pytest.approx(2.5)
    assert field.jacobian.folded == pytest.approx(4 / 125)
    folds = Alignment(FIXED, MOVING, np.eye(4), field=field)
    assert not folds.invertible
    with pytest.raises(AlignError, match="folds"):
        folds.inverse()


def test_a_fold_far_from_the_first_planes_is_counted():
    vectors = np.zeros((21, 4, 4, 3))
    vectors[15:, ..., 2] = -2  # between planes 14 and 15 what was behind comes to lie in front
    field, beats = DisplacementField(Grid.regular((21, 4, 4)), vectors), []
    field.measure(lambda: beats.append(1))
    assert len(beats) == 3
    assert field.jacobian.folded == pytest.approx(1 / 20)
    assert field.jacobian == DisplacementField(field.grid, vectors).jacobian


def test_a_field_that_is_measured_can_be_cancelled():
    def stop():
        raise Cancelled("stopped")

    field = DisplacementField(Grid.regular((3, 3, 3)), np.zeros((3, 3, 3, 3)))
    with pytest.raises(Cancelled):
        field.measure(stop)


def test_the_jacobian_is_that_of_a_known_stretch():
    spots = NODES.index_to_lps(np.moveaxis(np.indices(NODES.shape), 0, -1))
    stretch = np.array([[0.2, 0.1, 0], [0, -0.1, 0.05], [0.1, 0, 0.3]])
    jacobian = DisplacementField(NODES, spots @ stretch.T).jacobian
    expected = np.linalg.det(np.eye(3) + stretch)
    assert jacobian.smallest == pytest.approx(expected, rel=1e-4)
    assert jacobian.largest == pytest.approx(expected, rel=1e-4)
    assert jacobian.folded == 0


def test_a_b_spline_of_itk_becomes_a_field():
    spline = sitk.BSplineTransformInitializer(
        sitk.Image([40, 40, 40], sitk.sitkFloat32), [6, 6, 6], order=3
    )
    numbers = np.random.default_rng(1).normal(0, 1, len(spline.GetParameters()))
    spline.SetParameters(numbers.tolist())
    euler = sitk.Euler3DTransform((5, 6, 7), 0.1, 0.2, 0.3, (1, 2, 3))
    both = sitk.CompositeTransform([euler, spline, euler])
    ours = Alignment.from_sitk(both, FIXED, MOVING)
    points = np.random.default_rng(2).uniform(-10, 60, (300, 3))
    theirs = np.array([both.TransformPoint(p) for p in points.tolist()])
    gap = np.linalg.norm(ours.map_points(points) - theirs, axis=1)
    assert np.median(gap) < 0.02
    assert gap.max() < 0.3  # at the edge of the domain, where a B-spline breaks off


def test_images_and_labels_are_drawn_through_the_field():
    map_ = bent(np.eye(4))
    spots = MOVING.index_to_lps(np.moveaxis(np.indices(MOVING.shape), 0, -1))
    ramp = Volume((spots @ [1.0, 2.0, -1.0]).astype(np.float32), MOVING, "MR")
    drawn = resample(ramp, FIXED, map_)
    where = map_.map_points(FIXED.index_to_lps(np.moveaxis(np.indices(FIXED.shape), 0, -1)))
    index = MOVING.lps_to_index(where)
    inside = ((index > 0.5) & (index < np.array(MOVING.shape) - 1.5)).all(axis=-1)
    np.testing.assert_allclose(drawn.array[inside], (where @ [1.0, 2.0, -1.0])[inside], atol=1e-3)
    assert drawn.history[-1].parameters["field_sha256"] == map_.field.sha256
    checks = (np.indices(MOVING.shape).sum(axis=0) % 5).astype(np.uint8)
    labels = resample(Volume(checks, MOVING, "LABEL", "label"), FIXED, map_)
    assert labels.array.dtype == np.uint8
    near = np.rint(index)
    sure = inside & (np.abs(np.abs(index - near) - 0.5) > 1e-3).all(axis=-1)
    wanted = checks[tuple(near[sure].astype(int).T)]
    np.testing.assert_array_equal(labels.array[sure], wanted)


@pytest.mark.parametrize("matrix", [np.eye(4), RIGID, SHEARED])
def test_a_saved_field_comes_back_bit_for_bit_and_itk_reads_it(matrix, tmp_path):
    ours = bent(matrix)
    ours.save(tmp_path / "a.tfm")
    again = Alignment.load(tmp_path / "a.tfm")
    np.testing.assert_array_equal(again.matrix, ours.matrix)
    np.testing.assert_array_equal(again.field.vectors, ours.field.vectors)
    assert again.field.grid.matches(ours.field.grid, 1e-9)
    assert again.quality == ours.quality
    theirs = sitk.ReadTransform(str(tmp_path / "a.tfm"))
    mapped = [theirs.TransformPoint(p) for p in INSIDE.tolist()]
    np.testing.assert_allclose(ours.map_points(INSIDE), mapped, atol=1e-5)
    moving = phantom.head("T1", MOVING)
    np.testing.assert_array_equal(
        resample(moving, FIXED, again).array, resample(moving, FIXED, ours).array
    )


def test_a_folding_file_fails(tmp_path):
    vectors = np.zeros((6, 6, 6, 3))
    vectors[3, 3, 3] = [0, 0, -1.5]
    field = DisplacementField(Grid.regular((6, 6, 6)), vectors)
    Alignment(FIXED, MOVING, np.eye(4), QUALITY, field).save(tmp_path / "folds.tfm")
    quality = Alignment.load(tmp_path / "folds.tfm").quality
    assert quality.verdict == "FAIL"
    assert "folds" in quality.sentence


@pytest.mark.parametrize(
    ("shape", "value"), [((4, 4, 4, 3), np.nan), ((4, 4, 4), 0.0), ((4, 4, 5, 3), 0.0)]
)
def test_a_field_that_is_no_field_is_refused(shape, value):
    with pytest.raises(ParameterError):
        DisplacementField(Grid.regular((4, 4, 4)), np.full(shape, value))


def test_a_field_file_with_nan_is_refused(tmp_path):
    image = sitk.Image([4, 4, 4], sitk.sitkVectorFloat64)
    image[1, 1, 1] = (float("nan"), 0.0, 0.0)
    transform = sitk.DisplacementFieldTransform(image)
    with pytest.raises(ReadError, match="finite"):
        Alignment.from_sitk(transform, FIXED, MOVING)
