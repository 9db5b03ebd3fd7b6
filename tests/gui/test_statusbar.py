"""The status bar under a real window: our values and units, never a picture's brightness."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_fusion.gui import add_volume, align_layers, from_layer, fuse_layers
from napari_fusion.gui.layers import place_of
from napari_fusion.gui.readout import value_at
from napari_fusion.gui.statusbar import StatusBar
from napari_fusion.gui.values import Values
from napari_fusion.gui.views.crossing import Crossing


@pytest.fixture
def crossing(qapp, viewer):
    return Crossing(viewer)


@pytest.fixture
def bar(viewer, crossing):
    made = StatusBar(viewer, crossing)
    yield made
    made.close()


def pointed(viewer, layer, point):
    """Give what the bar says of a layer when the mouse is at a point in viewer mm."""
    viewer.layers.selection = {layer} if not isinstance(layer, set) else layer
    viewer.dims.set_point(range(3), point)
    viewer.cursor.position = tuple(point)
    viewer.mouse_over_canvas = True
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, None)
    viewer.status = viewer._calc_status_from_cursor()[0]
    return viewer.status


def brightest(viewer, fused):
    volume = from_layer(fused)
    index = np.unravel_index(np.argmax(volume.array), volume.grid.shape)
    return place_of(viewer.layers[0]).frame.to_world(volume.grid.index_to_lps(index))


def test_an_aligned_layer_tells_the_value_of_its_original(viewer, pair, gate, bar):
    name = align_layers(viewer, "head CT", "head T1").name
    layer = viewer.layers[name]
    point = place_of(layer).frame.to_world(pair[0].grid.index_to_lps((20, 30, 24)))
    assert pointed(viewer, layer, point) == f"{name}: {value_at(layer, point)}"


def test_a_fused_layer_tells_shares_and_no_brightness(viewer, gate, bar):
    moved = align_layers(viewer, "head CT", "head T1")
    fused = fuse_layers(viewer, ["head CT", moved], "average")[0]
    told = pointed(viewer, fused, brightest(viewer, fused))
    assert told.startswith(f"{fused.name}: ")
    assert "% head CT" in told
    both = pointed(viewer, {fused, viewer.layers["head CT"]}, brightest(viewer, fused))
    assert both.count("HU") == 1
    assert "% head CT" in both


def test_bar_and_dock_tell_of_one_place_when_the_slider_moves(viewer, qtbot, crossing, bar, pair):
    values = Values(viewer, crossing)
    qtbot.addWidget(values)
    layer = viewer.layers["head CT"]
    point = place_of(layer).frame.to_world(pair[0].grid.index_to_lps((20, 30, 24)))
    first = pointed(viewer, layer, point)
    qtbot.waitUntil(lambda: first in values.text().splitlines())
    viewer.mouse_over_canvas = False  # the mouse is on the slider now
    for step in (12, 33):
        before = viewer.status
        viewer.dims.set_current_step(0, step)
        qtbot.waitUntil(lambda b=before: viewer.status != b)
        assert viewer.status == f"head CT: {value_at(layer, crossing.point)}"
        qtbot.waitUntil(lambda: viewer.status in values.text().splitlines())


def test_the_bar_follows_the_mouse_into_another_plane(viewer, qtbot, crossing, bar, pair):
    layer, other = viewer.layers["head CT"], ViewerModel()
    add_volume(other, pair[0])
    other.dims.order = (1, 0, 2)
    crossing.join(other)
    pointed(viewer, layer, np.zeros(3))
    viewer.mouse_over_canvas = False
    other.cursor.position = (30.0, 0.0, 41.0)
    for callback in other.mouse_move_callbacks:
        callback(other, None)
    there = f"head CT: {value_at(layer, crossing.under()[0])}"
    qtbot.waitUntil(lambda: viewer.status == there)


def test_somebody_elses_words_stay_when_the_slider_moves(viewer, qtbot, crossing, bar):
    pointed(viewer, viewer.layers["head CT"], np.zeros(3))
    viewer.status = "head CT: bone, W 2500 L 480"
    viewer.mouse_over_canvas = False
    viewer.dims.set_current_step(0, 12)
    qtbot.wait(50)
    assert viewer.status == "head CT: bone, W 2500 L 480"


def test_labels_and_others_layers_are_left_to_napari(viewer, pair, bar):
    foreign = viewer.add_image(np.ones((4, 4, 4)), name="foreign", units=("mm",) * 3)
    assert not isinstance(pointed(viewer, foreign, np.ones(3)), str)


def test_napari_hints_at_no_key_that_is_ours(dock, viewer):
    image = viewer.layers["head CT"]
    viewer.layers.selection.active = image
    assert "use <2> for transform" in image.help
    assert viewer.help == ""
    viewer.help = image.help  # as napari says it again with every status
    assert viewer.help == ""
    image.mode = "transform"
    assert viewer.help == image.help != ""  # the keys are napari's now
    image.mode = "pan_zoom"
    assert viewer.help == ""
    dock.desk.release()
    assert viewer.help == image.help


def test_when_it_is_closed_napari_speaks_again(viewer, bar):
    bar.close()
    layer = viewer.layers["head CT"]
    point = place_of(layer).frame.to_world(from_layer(layer).grid.centre)
    assert not isinstance(pointed(viewer, layer, point), str)
    viewer.events.status.connect(bar._said)  # the fixture closes it once more
