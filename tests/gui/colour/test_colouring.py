"""A layer of colours: the same as the verb of the core, where it belongs, with its history."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.testing import assert_array_equal
from qtpy.QtCore import Qt

from napari_fusion import GeometryError, Grid, ParameterError, Volume, Window, colour
from napari_fusion.gui import (
    add_volume,
    colour_layers,
    fuse_layers,
    open_session,
    samples,
    save_session,
    show_plane,
)
from napari_fusion.gui.check.geometry import told
from napari_fusion.gui.colour.rgb import RGB
from napari_fusion.gui.readout import readout
from napari_fusion.gui.samples import ct_and_pet
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.gui.views.marks import UNIT, Marks, windows_told
from napari_fusion.palette import palette


@pytest.fixture
def pet(pair):
    ct = pair[0]
    array = np.clip(ct.array / 200, 0, 5)[:, ::-1]
    return replace(ct, array=array, modality="PT", unit="g/mL", name="PET", frame_uid="1")


@pytest.fixture
def model(pair, pet):
    viewer = ViewerModel()
    for volume in (replace(pair[0], name="CT", frame_uid="1"), pet):
        add_volume(viewer, volume)
    return viewer


@pytest.fixture
def dock(docked, model):
    return docked(model)


def windows(model):
    return [
        Window(lower=float(low), upper=float(high))
        for low, high in (model.layers[name].contrast_limits for name in ("CT", "PET"))
    ]


def test_over_anatomy_the_palette_is_blended_in_by_its_strength(model, pet, pair):
    layer = colour_layers(model, ["CT", "PET"], "hot metal blue")
    anatomy, function = windows(model)
    grey = Volume(anatomy(pair[0].array), pair[0].grid)
    expected = colour(grey, pet, "hot metal blue", "lightness", window=function)
    assert layer.rgb
    assert_array_equal(layer.data, expected)
    assert layer.name == "colour: PET on CT (CHECK)"
    assert not model.layers["CT"].visible
    assert not model.layers["PET"].visible


def test_over_a_fused_picture_it_gives_the_hue(model, pet):
    fused = fuse_layers(model, ["CT", "PET"], "average")[0]
    layer = colour_layers(model, [fused, "PET"])
    expected = colour(
        fused.metadata["napari_fusion"], pet, "hot iron", "luminance", window=windows(model)[1]
    )
    assert_array_equal(layer.data, expected)


def test_its_history_says_how_it_was_made(model):
    layer = colour_layers(model, ["CT", "PET"])
    (*_, step) = layer.metadata[RGB].history
    assert step.name == "colour"
    assert step.parameters["palette"] == "hot iron"
    assert step.parameters["convention"] == "lightness"
    assert step.parameters["windows"] == [[-150.0, 1200.0], [0.0, 5.0]]
    assert any("not verified" in line for line in told(layer))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_it_lies_where_the_anatomy_lies_in_every_plane(model, plane):
    layer = colour_layers(model, ["CT", "PET"])
    ct = model.layers["CT"]
    assert tuple(layer.scale) == tuple(ct.scale)
    assert tuple(layer.translate) == tuple(ct.translate)
    show_plane(model, plane)
    axis, index = model.dims.order[0], 20
    model.dims.set_point(axis, ct.translate[axis] + index * ct.scale[axis])
    assert_array_equal(layer._slice.image.raw, layer.data.take(index, axis))


def test_the_canvas_tells_its_windows_and_shows_the_palette(model):
    marks = Marks(model)
    before = windows_told(model)
    made = colour_layers(model, ["CT", "PET"], "hot metal blue", windows=[(-100, 300), (0, 4)])
    assert len(before) == 2
    assert windows_told(model) == ["CT W 400 L 100", "PET 0 to 4 g/mL"]
    assert model.canvas.overlays[UNIT].text == "0 to 4 g/mL"
    assert made.colorbar.visible
    assert not model.layers["PET"].colorbar.visible
    np.testing.assert_allclose(made.colormap.colors[:, :3], palette("hot metal blue"), atol=1e-6)
    assert tuple(made.contrast_limits) == (0, 255)  # its colours are shown as they are
    made.visible = False
    assert windows_told(model) == []
    assert model.canvas.overlays[UNIT].text == ""
    marks.close()


def test_of_a_coloured_fusion_the_functional_window_is_told(model):
    fused = fuse_layers(model, ["CT", "PET"], "average")[0]
    colour_layers(model, [fused, "PET"], windows=[(0, 1), (0, 3)])
    assert windows_told(model) == ["PET 0 to 3 g/mL"]


def test_when_the_view_turns_it_turns_along(model, pair):
    layer = colour_layers(model, ["CT", "PET"])
    before = layer.metadata[RGB]
    turn = np.eye(4)
    turn[:3, :3] = [[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]]
    grid = Grid(pair[0].grid.shape, turn @ pair[0].grid.affine)
    ct = model.layers["CT"].metadata["napari_fusion"]
    other = replace(ct, array=pair[0].array, grid=grid, name="turned")
    add_volume(model, other)
    fuse_layers(model, ["turned", "CT"], "average")  # takes the view to the turned grid
    after = layer.metadata[RGB]
    assert after.frame is not before.frame
    assert_array_equal(after.picture, before.picture)
    place = model.layers["CT"].metadata["napari_fusion_place"]
    assert layer.data.shape[:3] == place.array.shape
    assert tuple(layer.translate) == tuple(model.layers["CT"].translate)
    assert layer.data.any()


def test_it_is_no_source_and_no_value(model, dock):
    layer = colour_layers(model, ["CT", "PET"])
    listed = [dock.open.fixed.itemText(i) for i in range(dock.open.fixed.count())]
    assert layer.name not in listed
    assert "colour" not in readout(model)
    with pytest.raises(ParameterError, match="holds colours"):
        Snapshot.of(model).source(layer.name)


def test_a_session_makes_it_again(pair, pet, tmp_path, monkeypatch):
    small = [replace(pair[0], frame_uid=pet.frame_uid), pet]
    monkeypatch.setitem(samples._RENDERED, "ct_pet", lambda: small)
    viewer = ViewerModel()
    for data in ct_and_pet():
        viewer.add_layer(Layer.create(*data))
    ct, pet = (layer.name for layer in viewer.layers)
    layer = colour_layers(viewer, [ct, pet], "PET")
    viewer.layers[ct].contrast_limits = (0, 80)  # another window than it was made with
    path = save_session(viewer, tmp_path / "kept.fusion")
    other = ViewerModel()
    open_session(other, path)
    assert_array_equal(other.layers[layer.name].data, layer.data)
    assert other.layers[layer.name].metadata[RGB].history[-1].name == "colour"


def test_the_button_finds_anatomy_and_function_and_says_its_line(dock, model, qtbot):
    dock.open.fixed.choose(model.layers["PET"])
    dock.open.moving.choose(model.layers["CT"])
    dock.fuse.palette.setCurrentText("PET 20 step")
    qtbot.mouseClick(dock.fuse.colour_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dock.fuse.colour_button.isEnabled, timeout=60_000)
    qtbot.waitUntil(lambda: model.layers[-1].rgb, timeout=5000)
    line = dock.keep.code.lines[-1]
    assert line.endswith(
        "colour_layers(viewer, ['CT', 'PET'], 'PET 20 step', "
        "windows=[(-150.0, 1200.0), (0.0, 5.0)])"
    )
    by_button = model.layers[-1].data
    exec(line, {"viewer": model})
    assert_array_equal(model.layers[-1].data, by_button)


def test_two_anatomies_are_refused_in_one_sentence(dock, model, said, qtbot, pair):
    add_volume(model, replace(pair[0], name="second"))
    dock.open.moving.choose(model.layers["second"])
    qtbot.mouseClick(dock.fuse.colour_button, Qt.MouseButton.LeftButton)
    assert "one PET or SPECT layer" in said()[-1]
    assert len(model.layers) == 3


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ((["CT"],), ParameterError, "made of two layers"),
        ((["CT", "PET"], "jet"), ParameterError, "there is no palette"),
        ((["CT", "nobody"],), ParameterError, "no image layer"),
        ((["CT", "far"],), GeometryError, "no point in common"),
        ((["CT", "stranger"],), ParameterError, "different patients"),
    ],
)
def test_what_cannot_be_coloured_is_one_sentence(model, pet, words, kind, message):
    away = replace(pet, grid=Grid.regular(pet.grid.shape, centre=(5000, 0, 0)), name="far")
    stranger = replace(pet, patient="other", name="stranger")
    model.layers["CT"].metadata["napari_fusion"] = replace(
        model.layers["CT"].metadata["napari_fusion"], patient="one"
    )
    for volume in (away, stranger):
        add_volume(model, volume)
    with pytest.raises(kind, match=message):
        colour_layers(model, *words)
    assert len(model.layers) == 4
