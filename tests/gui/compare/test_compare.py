"""Two layers compared: the picture is that of the slice shown, and nothing below it is touched."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.testing import assert_array_equal
from qtpy.QtCore import Qt

from napari_fusion import GeometryError, Grid, ParameterError, Step, Volume
from napari_fusion.gui import add_volume, compare_layers, show_plane, to_layer
from napari_fusion.gui.compare.comparison import find_comparison
from napari_fusion.gui.compare.modes import CYCLE, CompareOptions, Mode
from napari_fusion.gui.compare.pictures import Pictures, Raster, Seen
from napari_fusion.gui.fuse.preview import find_preview, preview_layers
from napari_fusion.gui.readout import readout
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.gui.views.letters import PLANES, show_letters
from napari_fusion.gui.workspace import FusionWorkspace
from napari_fusion.palette import palette
from napari_fusion.review import blend, checkerboard, opaque, paint, swipe
from napari_fusion.slab import Window

MODES = [mode for mode in Mode if mode is not Mode.FUSED]


@pytest.fixture
def aligned(viewer, pair):
    """The viewer with CT and an MR of the same grid."""
    fixed = replace(pair[0], frame_uid="1", name="CT")
    other = replace(fixed, modality="MR", unit="1", array=fixed.array[:, ::-1] + 1024, name="T1")
    viewer.layers.clear()
    for volume in (fixed, other):
        add_volume(viewer, volume)
    return viewer


@pytest.fixture
def dock(docked, aligned):
    widget = docked(aligned)
    yield widget
    widget.check.comparer.stop()


@pytest.fixture
def click(qtbot):
    return lambda button: qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def slider(viewer, index):
    axis = viewer.dims.order[0]
    layer = viewer.layers["CT"]
    viewer.dims.set_point(axis, layer.translate[axis] + index * layer.scale[axis])


def picture(viewer):
    """What the uppermost picture draws on the slice that is shown, in the order of its axes."""
    (*_, layer) = find_comparison(viewer)._layers
    assert not layer._slice.empty
    return np.asarray(layer._slice.image.raw)


def painted(layer, axis, index):
    """A layer's slice in its own window and colours, the long way round."""
    low, high = layer.contrast_limits
    colours = layer.colormap.map(np.linspace(0, 1, 256))
    return paint(layer.data.take(index, axis), Window(lower=low, upper=high), colours)


def state(viewer):
    """Everything of the sources that must not change."""
    return [
        (
            layer.name,
            id(layer.data),
            layer.data.tobytes(),
            tuple(layer.contrast_limits),
            layer.colormap.name,
            layer.visible,
            layer.opacity,
            layer.blending,
            tuple(layer.scale),
            tuple(layer.translate),
            sorted(layer.metadata),
        )
        for layer in viewer.layers
    ]


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("mode", MODES)
def test_comparing_changes_nothing_and_leaves_nothing(aligned, mode, plane):
    aligned.layers["T1"].visible = False
    before, view = state(aligned), (aligned.dims.range, aligned.dims.point)
    grid, zoom = aligned.canvas.grid.model_dump(), aligned.scene.camera.zoom
    show_plane(aligned, plane)
    zoom = aligned.scene.camera.zoom
    shown = compare_layers(aligned, "CT", "T1", mode)
    assert shown is aligned.layers[-1]
    assert aligned.layers.selection.active is aligned.layers["T1"]
    assert state_of_sources(aligned) == before
    assert (aligned.dims.range, aligned.dims.point) == view
    assert compare_layers(aligned, "CT", "T1", "fused") is None
    assert state(aligned) == before
    assert aligned.canvas.grid.model_dump() == grid
    assert aligned.scene.camera.zoom == zoom


def state_of_sources(viewer):
    sources = ViewerModel()
    sources.layers.extend([viewer.layers["CT"], viewer.layers["T1"]])
    return state(sources)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize(
    ("mode", "options", "made"),
    [
        ("A", {}, lambda a, b, mm: a),
        ("B", {}, lambda a, b, mm: b),
        ("blend", {"share": 0.3}, lambda a, b, mm: blend(a, b, 0.3)),
        ("swipe", {"position": 0.25}, lambda a, b, mm: swipe(a, b, 0.25)),
        ("checkerboard", {"size_mm": 30.0}, lambda a, b, mm: checkerboard(a, b, 30.0, mm)),
    ],
)
def test_under_fast_scrolling_the_picture_is_that_of_the_slice_shown(
    aligned, plane, mode, options, made
):
    show_plane(aligned, plane)
    compare_layers(aligned, "CT", "T1", mode, **options)
    axis, layers = PLANES[plane][0], [aligned.layers[name] for name in ("CT", "T1")]
    spacing = np.delete(layers[0].scale, axis)
    length = layers[0].data.shape[axis]
    for index in np.random.default_rng(3).integers(0, length, 12):
        slider(aligned, index)
        pictures = [painted(layer, axis, index) for layer in layers]
        assert_array_equal(picture(aligned), opaque(made(*pictures, tuple(spacing))))


def test_blend_is_a_and_b_at_its_ends_to_the_bit(aligned):
    compare_layers(aligned, "CT", "T1", "A")
    only_a = picture(aligned)
    compare_layers(aligned, "CT", "T1", "blend", share=0)
    assert_array_equal(picture(aligned), only_a)
    compare_layers(aligned, "CT", "T1", "B")
    only_b = picture(aligned)
    compare_layers(aligned, "CT", "T1", "blend", share=1)
    assert_array_equal(picture(aligned), only_b)
    assert (only_a != only_b).any()


def test_the_picture_follows_windows_colours_and_voxels(aligned):
    slider(aligned, 20)
    compare_layers(aligned, "CT", "T1", "A")
    layer = aligned.layers["CT"]
    for change in (
        lambda: setattr(layer, "contrast_limits", (0, 80)),
        lambda: setattr(layer, "colormap", "magma"),
        lambda: setattr(layer, "data", layer.data[::-1].copy()),
    ):
        before = picture(aligned).copy()
        change()
        assert_array_equal(picture(aligned), painted(layer, 0, 20))
        assert (picture(aligned) != before).any()


def test_voxels_changed_in_place_are_seen_on_the_next_slice(aligned):
    slider(aligned, 20)
    compare_layers(aligned, "CT", "T1", "A")
    layer = aligned.layers["CT"]
    layer.data = layer.data.copy()
    layer.data[20:22] = 500
    layer.refresh()
    slider(aligned, 21)
    slider(aligned, 20)
    assert_array_equal(picture(aligned), painted(layer, 0, 20))


def test_pet_alone_is_dark_on_white_and_over_nothing_black(aligned):
    ct = aligned.layers["CT"].metadata["napari_fusion"]
    pet = replace(ct, array=np.clip(ct.array / 200, 0, 5), modality="PT", unit="g/mL", name="PET")
    add_volume(aligned, pet)
    slider(aligned, 20)
    compare_layers(aligned, "CT", "PET", "B")
    expected = paint(pet.array[20], Window(lower=0, upper=5), palette("inverse grey"))
    assert_array_equal(picture(aligned), expected)
    compare_layers(aligned, "CT", "PET", "blend", share=1)
    assert_array_equal(picture(aligned), expected)
    compare_layers(aligned, "CT", "PET", "swipe", position=0)
    assert (picture(aligned)[pet.array[20] == 0, :3] == 0).all()


def test_a_layer_turned_by_hand_is_sampled_where_it_lies(aligned):
    layer = aligned.layers["T1"]
    layer.affine = np.array(
        [[1, 0, 0, 0], [0, 0.96, -0.28, 5], [0, 0.28, 0.96, -3], [0, 0, 0, 1]], float
    )
    compare_layers(aligned, "CT", "T1", "B")
    slider(aligned, 20)
    raster = find_comparison(aligned)._raster
    seen = Seen.of(layer)
    index = round((aligned.dims.point[0] - raster.origin[0]) / raster.step[0])
    assert_array_equal(picture(aligned), opaque(seen.picture(raster.sheet(0, index))))
    assert np.isfinite(seen.values(raster.sheet(0, index))).any()


def test_volumes_on_other_grids_meet_on_the_finer_one(aligned):
    coarse = Grid.regular((12, 15, 12), (9.0, 11.0, 13.0))
    far = Volume(np.ones(coarse.shape), coarse, "PT", "g/mL", name="PET")
    add_volume(aligned, far)
    compare_layers(aligned, "CT", "PET", "checkerboard")
    raster = find_comparison(aligned)._raster
    assert raster.step == tuple(aligned.layers["CT"].scale)
    for plane in PLANES:
        show_plane(aligned, plane)
        assert picture(aligned).any()


def test_volumes_with_no_point_in_common_are_refused(aligned):
    aligned.layers["T1"].translate = aligned.layers["T1"].translate + 900
    with pytest.raises(GeometryError, match="no point in common"):
        compare_layers(aligned, "CT", "T1", "swipe")
    assert [layer.name for layer in aligned.layers] == ["CT", "T1"]


def test_layers_that_are_moved_apart_end_comparing(aligned):
    compare_layers(aligned, "CT", "T1", "swipe")
    aligned.layers["T1"].translate = aligned.layers["T1"].translate + 900
    assert find_comparison(aligned) is None
    assert len(aligned.layers) == 2


def test_a_renamed_source_is_still_compared(aligned):
    compare_layers(aligned, "CT", "T1", "swipe")
    aligned.layers["T1"].name = "other"
    assert find_comparison(aligned)._layers[0].name == "swipe: CT | other (CHECK)"
    slider(aligned, 12)
    assert picture(aligned).any()


@pytest.mark.parametrize("gone", ["CT", "T1", "picture"])
def test_a_layer_that_goes_ends_comparing(aligned, gone):
    shown = compare_layers(aligned, "CT", "T1", "side by side")
    aligned.layers.remove(shown if gone == "picture" else aligned.layers[gone])
    assert find_comparison(aligned) is None
    left = {"CT", "T1"} - {gone}
    assert {layer.name for layer in aligned.layers} == left
    assert not aligned.canvas.grid.enabled
    for name in left:  # and nothing listens any more
        aligned.layers[name].contrast_limits = (0, 50)
    assert len(aligned.layers) == len(left)


def test_leaving_the_slice_view_ends_comparing(aligned):
    compare_layers(aligned, "CT", "T1", "swipe")
    aligned.dims.ndisplay = 3
    assert find_comparison(aligned) is None
    with pytest.raises(ParameterError, match="leave the 3-D view"):
        compare_layers(aligned, "CT", "T1", "swipe")


def test_a_layer_of_four_axes_is_named_as_what_is_in_the_way(aligned):
    aligned.add_image(np.zeros((2, 4, 5, 5), np.float32), name="4-D")
    with pytest.raises(ParameterError, match="three axes: close the layer that has 4"):
        compare_layers(aligned, "CT", "T1", "swipe")


def test_a_picture_is_no_source_and_no_value(aligned):
    compare_layers(aligned, "CT", "T1", "swipe")
    assert list(Snapshot.of(aligned).taken) == ["CT", "T1"]
    assert "swipe" not in readout(aligned)
    preview_layers(aligned, ["CT", "T1"], "average")
    assert find_preview(aligned) is not None
    assert find_comparison(aligned) is not None
    assert aligned.layers[-1] in find_comparison(aligned)._layers  # stays above the live picture


def test_side_by_side_may_follow_another_mode_and_go_again(aligned):
    for mode in ("B", "side by side", "swipe", "side by side", "side by side"):
        compare_layers(aligned, "CT", "T1", mode)
        assert aligned.canvas.grid.enabled == (mode == "side by side")
    shown = [layer for layer in aligned.layers if layer.name.startswith("side by side")]
    assert len(shown) == 2


def test_side_by_side_gives_each_a_cell_whatever_else_there_is(aligned):
    for i in range(4):
        grid = aligned.canvas.grid
        compare_layers(aligned, "CT", "T1", "side by side")
        a, b = find_comparison(aligned)._layers
        cells = [grid.contents_at((0, column), aligned.layers) for column in (0, 1)]
        tops = [aligned.layers[cell[-1]] for cell in cells]
        assert tops == [a, b], i
        assert grid.actual_shape(aligned.layers) == (1, 2)
        data, keywords, _ = to_layer(aligned.layers["CT"].metadata["napari_fusion"])
        aligned.add_image(data, **keywords | {"name": f"more {i}"})  # while it is shown


def test_two_viewers_compare_on_their_own(aligned, pair):
    other = ViewerModel()
    for volume in pair[:2]:
        add_volume(other, volume)
    compare_layers(aligned, "CT", "T1", "swipe")
    compare_layers(other, "head CT", "head T1", "edges")
    assert find_comparison(aligned).mode is Mode.SWIPE
    compare_layers(aligned, "CT", "T1", "fused")
    assert find_comparison(other).mode is Mode.EDGES


def test_labels_are_drawn_as_outlines(aligned):
    labels = np.zeros(aligned.layers["CT"].data.shape, np.uint8)
    labels[20, 20:40, 20:40] = 1
    ct = aligned.layers["CT"]
    aligned.add_labels(
        labels, name="lesion", scale=ct.scale, translate=ct.translate, units=ct.units
    )
    slider(aligned, 20)
    compare_layers(aligned, "lesion", "CT", "edges", width_mm=1.0)
    changed = (picture(aligned) != opaque(painted(ct, 0, 20))).any(axis=-1)
    assert changed[20, 20:40].all()
    assert not changed[25:35, 25:35].any()


def test_sides_that_no_file_tells_have_no_letters_in_a_picture_either(aligned):
    show_letters(aligned)
    ct = aligned.layers["CT"].metadata["napari_fusion"]
    step = Step("load", {"orientation": "unknown"})
    data, keywords, _ = to_layer(replace(ct, history=(step,), name="unknown"))
    aligned.add_image(data, **keywords, visible=False)
    assert aligned.canvas.overlays["fusion_left"].text == "R"
    compare_layers(aligned, "CT", "unknown", "swipe")
    assert aligned.canvas.overlays["fusion_left"].text == ""


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        (("CT", "T1", "jumping"), {}, "there is no mode"),
        (("CT", "nobody", "swipe"), {}, "there is no layer 'nobody'; there are: 'CT', 'T1'"),
        (("CT", "CT", "swipe"), {}, "different layers"),
        (("CT", "T1", "swipe"), {"size": 3}, "did you mean 'size_mm'"),
        (("CT", "T1", "checkerboard"), {"size_mm": -3}, "size_mm"),
        (("CT", "T1", "swipe"), {"direction": "up"}, "direction"),
        (("CT", "points", "swipe"), {}, "no volume of single values"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(aligned, words, options, said):
    aligned.add_points(np.zeros((1, 3)), name="points", units=("mm",) * 3)
    with pytest.raises(ParameterError, match=said):
        compare_layers(aligned, *words, **options)
    assert len(aligned.layers) == 3


def test_pictures_are_an_array_like_any_other(aligned):
    a, b = (Seen.of(aligned.layers[name]) for name in ("CT", "T1"))
    pictures = Pictures(a, b, Mode.BLEND, CompareOptions(), Raster.over(a, b))
    whole = np.asarray(pictures)
    assert whole.shape == pictures.shape
    for key in (
        (slice(None), 3),
        (slice(None), slice(None), -1),
        (..., 5, slice(None)),
        (2, slice(3, 9), slice(None, None, 2)),
        (slice(4, 6), slice(None), slice(None), 0),
        7,
    ):
        assert_array_equal(pictures[key], whole[key])


def test_space_goes_round(dock, aligned, qtbot):
    comparer, heard = dock.check.comparer, []
    comparer.changed.connect(lambda: heard.append(comparer.mode))
    for _ in range(len(CYCLE)):
        comparer.next()
    assert heard == [*CYCLE[1:], Mode.FUSED]
    comparer.set_mode(Mode.DIFFERENCE)
    comparer.next()
    assert comparer.mode is Mode.FUSED


def test_every_button_shows_its_mode_and_says_its_line(dock, aligned, click):
    modes = dock.check.modes
    for mode in [*MODES, Mode.FUSED]:
        click(modes.buttons[mode])
        assert dock.check.comparer.mode is mode
        assert [m for m, button in modes.buttons.items() if button.isChecked()] == [mode]
        line = dock.keep.code.lines[-1]
        assert f"compare_layers(viewer, 'CT', 'T1', {mode.value!r}" in line
        click(modes.buttons[Mode.FUSED])
        exec(line, {"viewer": aligned})
        assert dock.check.comparer.mode is mode


def test_sliders_move_the_picture_and_say_so_once_they_rest(dock, aligned, click, qtbot):
    modes = dock.check.modes
    click(modes.buttons[Mode.SWIPE])
    field = modes.fields["position"]
    assert field.isVisible()
    assert not modes.fields["size_mm"].isVisible()
    before, said = picture(aligned), len(dock.keep.code.lines)
    with qtbot.waitSignal(dock.check.comparer.said, timeout=5000):
        for _ in range(6):
            qtbot.keyClick(field.slider, Qt.Key.Key_Right)
    assert field.value() > 0.5
    assert (picture(aligned) != before).any()
    assert len(dock.keep.code.lines) == said + 1
    assert f"position={field.value()!r}" in dock.keep.code.lines[-1]
    exec(dock.keep.code.lines[-1], {"viewer": aligned})


def test_what_the_console_shows_the_buttons_follow(dock, aligned):
    compare_layers(aligned, "CT", "T1", "checkerboard", size_mm=33)
    modes = dock.check.modes
    assert modes.buttons[Mode.CHECKERBOARD].isChecked()
    assert modes.fields["size_mm"].value() == 33
    compare_layers(aligned, "CT", "T1", "fused")
    assert modes.buttons[Mode.FUSED].isChecked()


def test_the_dock_says_why_it_cannot_compare(dock, aligned, click):
    aligned.layers["T1"].translate = aligned.layers["T1"].translate + 900
    click(dock.check.modes.buttons[Mode.SWIPE])
    assert "no point in common" in dock.check.modes.words.text()
    assert dock.check.modes.buttons[Mode.FUSED].isChecked()
    aligned.layers["T1"].translate = aligned.layers["T1"].translate - 900
    click(dock.check.modes.buttons[Mode.SWIPE])
    assert not dock.check.modes.words.isVisible()


def test_the_curtain_is_refused_once_a_layer_of_four_axes_came(dock, aligned, click):
    click(dock.check.modes.buttons[Mode.SWIPE])
    aligned.add_image(np.zeros((2, 3, 4, 5)))
    dock.check.modes.fields["position"].setValue(0.7)
    assert "close the layer that has 4" in dock.check.modes.words.text()
    assert dock.check.modes.buttons[Mode.FUSED].isChecked()
    assert find_comparison(aligned) is None


def test_another_choice_is_compared_in_the_same_mode(dock, aligned, click):
    data, keywords, _ = to_layer(aligned.layers["T1"].metadata["napari_fusion"])
    aligned.add_image(data, **keywords | {"name": "third"})
    click(dock.check.modes.buttons[Mode.SWIPE])
    dock.open.moving.choose(aligned.layers["third"])
    assert find_comparison(aligned).b is aligned.layers["third"]
    assert dock.check.comparer.mode is Mode.SWIPE


def test_flicker_goes_back_and_forth_until_it_is_left(dock, aligned, click, qtbot):
    compare_layers(aligned, "CT", "T1", "A")
    only_a = picture(aligned)
    compare_layers(aligned, "CT", "T1", "B")
    only_b = picture(aligned)
    dock.check.modes.fields["rate_hz"].setValue(5.0)
    click(dock.check.modes.buttons[Mode.FLICKER])
    for expected in (only_a, only_b, only_a):
        qtbot.waitUntil(lambda e=expected: np.array_equal(picture(aligned), e), timeout=5000)
    found = find_comparison(aligned)
    assert found._timer.isActive()
    click(dock.check.modes.buttons[Mode.FUSED])
    assert found._timer is None


def test_nothing_moves_when_the_dock_is_gone(qtbot, aligned):
    dock = FusionWorkspace(aligned)
    dock.show()
    qtbot.mouseClick(dock.check.modes.buttons[Mode.ROCK], Qt.MouseButton.LeftButton)
    found = find_comparison(aligned)
    assert found._timer.isActive()
    dock.close()
    dock.deleteLater()
    qtbot.waitUntil(lambda: find_comparison(aligned) is None, timeout=5000)
    assert found._timer is None
    aligned.layers["CT"].contrast_limits = (0, 50)
    aligned.layers.clear()


def test_rocking_shows_mixtures(dock, aligned, click, qtbot):
    compare_layers(aligned, "CT", "T1", "blend", share=0)
    ends = [picture(aligned)]
    compare_layers(aligned, "CT", "T1", "blend", share=1)
    ends.append(picture(aligned))
    click(dock.check.modes.buttons[Mode.ROCK])

    def between():
        return all((picture(aligned) != end).any() for end in ends)

    qtbot.waitUntil(between, timeout=5000)
