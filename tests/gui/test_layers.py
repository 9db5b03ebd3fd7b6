from itertools import permutations, product

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_fusion import GeometryError, Grid, ParameterError, Volume
from napari_fusion.gui import Frame, add_volume, from_layer, to_layer
from napari_fusion.gui.layers import PLACE, VOLUME, frame_of, index_at, world_of

STRAIGHT = np.eye(3)[::-1]
AXES = [np.array(order)[:, None] == np.arange(3)[None] for order in permutations(range(3))]
ORIENTATIONS = [axes.astype(float) * signs for axes in AXES for signs in product((1, -1), repeat=3)]


def some_volume(direction=STRAIGHT, **changes):
    grid = Grid.regular((3, 4, 5), (3.0, 1.5, 2.0), centre=(7, -8, 9), direction=direction)
    values = np.random.default_rng(1).normal(size=grid.shape).astype(np.float32)
    return Volume(values, grid, "MR", **changes)


def layer_of(volume, frame=None):
    return Layer.create(*to_layer(volume, frame))


def value_at(layer, lps, frame):
    """Read a layer at a patient point, the way the viewer would."""
    index = np.array(layer.world_to_data(frame.to_world(lps)))
    assert np.abs(index - index.round()).max() < 1e-6
    return layer.data[tuple(index.round().astype(int))]


@pytest.mark.parametrize("direction", ORIENTATIONS, ids=lambda d: str(d.astype(int).tolist()))
def test_every_voxel_is_shown_where_it_is_in_the_patient(direction):
    volume = some_volume(direction)
    layer = layer_of(volume)
    for index in ((0, 0, 0), (2, 1, 4), (1, 3, 0)):
        assert value_at(layer, volume.grid.index_to_lps(index), Frame()) == volume.array[index]
    assert from_layer(layer) is volume


@pytest.mark.parametrize("direction", ORIENTATIONS[::7], ids=lambda d: str(d.astype(int).tolist()))
def test_the_view_is_radiological(direction):
    layer = layer_of(some_volume(direction))
    assert (np.array(layer.scale) > 0).all()
    assert np.allclose(layer.rotate, np.eye(3))
    assert np.allclose(layer.affine.affine_matrix, np.eye(4))
    assert layer.axis_labels == ("S", "P", "L")
    assert {str(unit) for unit in layer.units} == {"millimeter"}


def test_voxels_are_shared_not_copied():
    volume = some_volume(ORIENTATIONS[20])
    assert np.shares_memory(layer_of(volume).data, volume.array)


def oblique(**changes):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    return some_volume(turn @ STRAIGHT, **changes)


def test_an_oblique_volume_is_shown_along_its_own_axes():
    volume = oblique()
    layer = layer_of(volume)
    assert np.shares_memory(layer.data, volume.array)
    frame = Frame.of(volume.grid)
    assert value_at(layer, volume.grid.index_to_lps((2, 1, 4)), frame) == volume.array[2, 1, 4]
    assert from_layer(layer) is volume


def test_in_another_frame_it_is_drawn_and_says_so():
    volume = oblique()
    layer = layer_of(volume, Frame())
    assert "drawn turned by" in layer.metadata[PLACE].note
    assert not np.shares_memory(layer.data, volume.array)
    assert from_layer(layer) is volume


def test_a_smooth_volume_is_drawn_at_the_right_place():
    grid = Grid.regular((12, 12, 12), (2, 2, 2), direction=oblique().grid.direction)
    points = grid.index_to_lps(np.stack(np.indices(grid.shape), axis=-1))
    volume = Volume((points @ [1.0, 2.0, 3.0]).astype(np.float32), grid, "MR")
    layer = layer_of(volume, Frame())
    place = layer.metadata[PLACE]
    middle = place.grid.index_to_lps([s // 2 for s in place.grid.shape])
    assert value_at(layer, middle, Frame()) == pytest.approx(middle @ [1, 2, 3], abs=1e-3)


@pytest.mark.parametrize("make", [some_volume, oblique])
def test_a_layer_moved_by_hand_is_a_moved_volume(make):
    volume = make(frame_uid="1.2.3")
    layer = layer_of(volume, Frame())
    layer.translate = np.add(layer.translate, (1.0, 2.0, 4.0))
    moved = from_layer(layer)
    np.testing.assert_allclose(moved.grid.origin - volume.grid.origin, [4, 2, 1], atol=1e-9)
    assert moved.frame_uid is None
    assert np.array_equal(moved.array, volume.array)
    assert moved.history[-1].name == "move"


def test_edited_voxels_are_a_new_volume_and_the_old_one_stays():
    volume = some_volume(ORIENTATIONS[5])
    layer = layer_of(volume)
    layer.data = layer.data + 1
    edited = from_layer(layer)
    assert edited.history[-1].name == "edit"
    index = edited.grid.lps_to_index(volume.grid.index_to_lps((1, 2, 3))).round().astype(int)
    assert edited.array[tuple(index)] == volume.array[1, 2, 3] + 1
    assert layer.metadata[VOLUME] is volume


def test_a_duplicated_layer_is_the_same_volume():
    from copy import deepcopy

    layer = layer_of(some_volume())
    copied = Layer.create(*deepcopy(layer.as_layer_data_tuple()))
    assert from_layer(copied).history == ()
    assert np.array_equal(from_layer(copied).array, layer.data)


def test_replaced_voxels_of_another_shape_are_refused():
    layer = layer_of(some_volume())
    layer.data = np.zeros((2, 2, 2), np.float32)
    with pytest.raises(GeometryError, match="where they are is not known"):
        from_layer(layer)


def test_a_layer_of_others_is_read_in_its_units():
    layer = Image(np.ones((3, 4, 5)), scale=(3000, 1000, 1000), units=("um",) * 3)
    volume = from_layer(layer)
    np.testing.assert_allclose(volume.grid.spacing, [3, 1, 1])
    assert volume.grid.letters == "SPL"
    assert "holds no patient position" in volume.warnings[0]
    assert "pixels" not in volume.warnings[0]


def test_a_layer_without_units_is_taken_as_millimetres_and_says_so():
    volume = from_layer(Image(np.ones((3, 4, 5)), translate=(1, 2, 3)))
    np.testing.assert_allclose(volume.grid.origin, [3, 2, 1])
    assert "pixels as millimetres" in volume.warnings[0]


def test_rotation_and_affine_of_others_are_composed():
    affine = np.eye(4)
    affine[:3, 3] = 10, 0, 0
    quarter = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)
    layer = Image(np.ones((3, 4, 5)), rotate=quarter, affine=affine, units=("mm",) * 3)
    grid = from_layer(layer).grid
    for index in ((0, 0, 0), (2, 3, 4)):
        world = np.array(layer.data_to_world(index))
        np.testing.assert_allclose(grid.index_to_lps(index), world[::-1], atol=1e-9)


def test_a_volume_is_added_along_the_axes_that_are_shown():
    viewer = ViewerModel()
    first = add_volume(viewer, some_volume())
    assert frame_of(viewer).matches(Frame.of(first.metadata[VOLUME].grid))
    second = add_volume(viewer, oblique(), name="second")
    assert second.name == "second"
    assert second.metadata[PLACE].frame.matches(frame_of(viewer))
    np.testing.assert_array_equal(second.rotate, np.eye(3))
    assert from_layer(second) is second.metadata[VOLUME]


@pytest.mark.parametrize("units", ["mm", "um", "cm", "pixel"])
def test_the_voxel_at_a_point_is_found_in_any_unit(units):
    affine = np.eye(4)
    affine[:3, 3] = 10, -4, 2
    quarter = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)
    layer = Image(
        np.ones((3, 4, 5)),
        scale=(3, 2, 0.5),
        translate=(1, 2, 3),
        rotate=quarter,
        affine=affine,
        units=(units,) * 3,
    )
    for index in ((0, 0, 0), (2, 3, 4)):
        world = (world_of(layer) @ [*index, 1])[:3]
        np.testing.assert_allclose(index_at(layer, world), index, atol=1e-9)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Image(np.ones((4, 5)), name="flat"), "'flat' has 2 dimensions"),
        (Image(np.ones((4, 5, 3), np.uint8), rgb=True, name="photo"), "'photo' holds colours"),
        (Image(np.ones((2, 3, 4, 5)), name="film"), "'film' has 4 dimensions"),
    ],
    ids=["2-D", "RGB", "4-D"],
)
def test_what_is_no_volume_is_refused_by_name(layer, words):
    with pytest.raises((GeometryError, ParameterError), match=words):
        from_layer(layer)


def test_a_sheared_layer_is_refused():
    layer = Image(np.ones((3, 4, 5)), shear=(0.1, 0, 0))
    with pytest.raises(GeometryError, match="sheared"):
        from_layer(layer)


def test_labels_stay_labels():
    grid = Grid.regular((3, 4, 5))
    labels = Volume(np.ones(grid.shape, np.float32), grid, "LABEL", "label")
    layer = layer_of(labels)
    assert type(layer).__name__ == "Labels"
    assert from_layer(layer) is labels


def test_the_frame_of_a_viewer_is_that_of_its_first_volume(viewer):
    viewer.add_points([[0, 0, 0]])
    data, keywords, _ = to_layer(oblique())
    viewer.add_image(data, **keywords)
    assert frame_of(viewer).matches(Frame())


def test_a_viewer_without_volumes_has_no_frame():
    from napari.components import ViewerModel

    assert frame_of(ViewerModel()) is None
