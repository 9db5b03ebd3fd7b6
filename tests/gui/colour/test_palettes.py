"""Palettes follow what lies below a layer, its window, and the user, in this order of weakness."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.testing import assert_array_equal
from qtpy.QtCore import Qt

from napari_fusion import ParameterError
from napari_fusion.gui import add_volume, set_palette, to_layer
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.desk import Desk
from napari_fusion.gui.session.looks import dress, look_of
from napari_fusion.gui.steps.check import CheckStep
from napari_fusion.palette import clear_below, palette, palettes


@pytest.fixture
def pet(pair):
    ct = pair[0]
    return replace(ct, array=np.clip(ct.array / 100, 0, 9), modality="PT", unit="g/mL", name="PET")


@pytest.fixture
def model(pair, pet):
    viewer = ViewerModel()
    for volume in (replace(pair[0], name="CT"), pet):
        add_volume(viewer, volume)
    return viewer


@pytest.fixture
def step(qtbot, model):
    desk = Desk(model)
    widget = CheckStep(model, desk)
    qtbot.addWidget(widget)
    widget.choose(Chosen("CT", "PET"))
    widget.show()
    yield widget
    desk.release()


def choose(qtbot, box, name):
    """Choose an entry of a list with the keyboard."""
    box.setFocus()
    ahead = box.findText(name) - box.currentIndex()
    for _ in range(abs(ahead)):
        qtbot.keyClick(box, Qt.Key.Key_Down if ahead > 0 else Qt.Key.Key_Up)


@pytest.mark.parametrize("name", palettes())
def test_every_palette_is_in_naparis_list_and_can_be_worn(step, model, name):
    layer = set_palette(model, "CT", name)
    assert layer is model.layers["CT"]
    assert layer.colormap.name in layer.colormaps
    shown = layer.colormap.map(np.linspace(0, 1, 256))
    np.testing.assert_allclose(shown[:, :3], palette(name), atol=1e-3)
    assert (shown[:, 3] == 1).all()


def test_wearing_a_palette_changes_colours_and_nothing_else(model):
    layer = model.layers["PET"]
    before = layer.contrast_limits, layer.opacity, layer.visible, layer.data.tobytes()
    set_palette(model, layer, "hot metal blue", clear_below=1.0)
    after = layer.contrast_limits, layer.opacity, layer.visible, layer.data.tobytes()
    assert after == before


@pytest.mark.parametrize(("low", "high"), [(0, 5), (0, 10), (0.5, 3), (-1, 4), (2, 4)])
def test_the_floor_stays_where_it_is_when_the_window_changes(model, low, high):
    layer = set_palette(model, "PET", "hot iron", clear_below=1.0)
    layer.contrast_limits = (low, high)
    values = np.linspace(low, high, 256)
    alpha = layer.colormap.map(np.linspace(0, 1, 256))[:, 3]
    fuzzy = 0.006 * (high - low)  # floors are whole percents of the window
    assert (alpha[values < 1.0 - fuzzy] == 0).all()
    assert (alpha[values > 1.0 + 2 * fuzzy] == 1).all()


def test_function_is_hot_iron_over_anatomy_and_inverse_grey_alone(step, model):
    layer = model.layers["PET"]
    assert layer.colormap.name == "hot iron, clear below 10 %"
    assert layer.opacity == 0.6
    model.layers["CT"].visible = False
    assert layer.colormap.name == "inverse grey"
    assert layer.opacity == 1.0
    model.layers["CT"].visible = True
    assert layer.colormap.name == "hot iron, clear below 10 %"
    assert layer.opacity == 0.6
    del model.layers["CT"]
    assert layer.colormap.name == "inverse grey"


def test_an_opacity_that_was_chosen_stays_when_the_palette_changes(step, model):
    layer, anatomy = model.layers["PET"], model.layers["CT"]
    assert layer.opacity == 0.6
    anatomy.visible = False
    assert layer.opacity == 1
    anatomy.visible = True
    layer.opacity = 0.3
    for seen in (False, True):
        anatomy.visible = seen
        assert layer.opacity == 0.3


@pytest.mark.parametrize("chosen", [0.6, 0.5, 1.0])  # two of them are ours, too
def test_an_opacity_is_the_users_when_the_user_sets_it(step, model, chosen):
    layer, anatomy = model.layers["PET"], model.layers["CT"]
    layer.opacity = chosen
    for seen in (False, True, False):
        anatomy.visible = seen
        assert layer.opacity == chosen


@pytest.mark.parametrize("ours", [0.6, 0.5])
def test_an_opacity_a_layer_came_with_is_undone_when_it_is_alone(step, model, pet, ours):
    from napari.layers import Layer

    model.layers.remove("PET")
    data, keywords, kind = to_layer(pet)
    layer = model.add_layer(Layer.create(data, keywords | {"opacity": ours}, kind))
    assert layer.opacity == ours
    model.layers["CT"].visible = False
    assert layer.opacity == 1.0


def test_a_chosen_opacity_outlives_another_palette(step, model, qtbot):
    layer = model.layers["PET"]
    layer.opacity = 0.6
    choose(qtbot, step.palettes.palettes["B"], "hot metal blue")
    choose(qtbot, step.palettes.palettes["B"], "automatic")
    model.layers["CT"].visible = False
    assert (layer.colormap.name, layer.opacity) == ("inverse grey", 0.6)


@pytest.mark.parametrize("by_user", [True, False])
def test_a_session_says_who_set_the_opacity(step, model, pet, by_user):
    from napari.layers import Layer

    if by_user:
        model.layers["PET"].opacity = 0.6
    look = look_of(model.layers["PET"])
    model.layers.remove("PET")
    again = Layer.create(*to_layer(pet))
    dress(again, look)
    model.add_layer(again)
    model.layers["CT"].visible = False
    assert again.opacity == (0.6 if by_user else 1.0)


@pytest.mark.parametrize(("opacity", "alone"), [(0.6, 1.0), (0.3, 0.3)])
def test_a_session_that_does_not_say_who_set_the_opacity(step, model, pet, opacity, alone):
    from napari.layers import Layer

    look = look_of(model.layers["PET"]) | {"opacity": opacity}
    del look["opacity_chosen"]  # as older files
    model.layers.remove("PET")
    again = Layer.create(*to_layer(pet))
    dress(again, look)
    model.add_layer(again)
    model.layers["CT"].visible = False
    assert again.opacity == alone


def test_a_session_keeps_the_opacity_whatever_is_opened_first(step, model, pet, pair):
    model.layers["PET"].opacity = 0.3
    look = look_of(model.layers["PET"])
    model.layers.clear()
    layer = add_volume(model, pet)
    dress(layer, look)
    add_volume(model, replace(pair[0], name="CT"))
    assert layer.colormap.name.startswith("hot iron")
    assert layer.opacity == 0.3


def test_a_volume_that_comes_later_is_dressed_too(step, model, pet):
    model.layers.clear()
    layer = add_volume(model, pet)
    assert layer.colormap.name == "inverse grey"


@pytest.mark.parametrize("how", ["napari", "console"])
def test_what_the_user_chose_is_left_alone(step, model, how):
    layer = model.layers["PET"]
    if how == "napari":
        layer.colormap = "magma"
    else:
        set_palette(model, layer, "PET 20 step")
    chosen = layer.colormap.name
    model.layers["CT"].visible = False
    layer.contrast_limits = (0, 8)
    assert layer.colormap.name == chosen
    said = step.palettes.palettes["B"].currentText()
    assert said == ("as in napari" if how == "napari" else "PET 20 step")


def test_the_list_in_the_dock_colours_and_says_its_line(step, model, qtbot):
    said = []
    step.said.connect(said.append)
    choose(qtbot, step.palettes.palettes["B"], "hot metal blue")
    layer = model.layers["PET"]
    assert layer.colormap.name == "hot metal blue, clear below 10 %"
    assert said[-1].endswith("set_palette(viewer, 'PET', 'hot metal blue', clear_below=0.5)")
    layer.colormap = "gray"
    exec(said[-1], {"viewer": model})
    assert layer.colormap.name == "hot metal blue, clear below 10 %"


def test_the_floor_is_chosen_in_the_layers_unit(step, model, qtbot):
    box = step.palettes.floors["B"]
    assert box.isVisible()
    assert not step.palettes.floors["A"].isVisible()
    assert box.suffix() == " g/mL"
    box.setFocus()
    for _ in range(5):
        qtbot.keyClick(box, Qt.Key.Key_Up)
    assert box.value() == pytest.approx(1.0)
    expected = clear_below("hot iron", 0.2)
    assert_array_equal(model.layers["PET"].colormap.colors, expected)


def test_automatic_can_be_chosen_again(step, model, qtbot):
    layer = model.layers["PET"]
    set_palette(model, layer, "winter")
    choose(qtbot, step.palettes.palettes["B"], "automatic")
    assert layer.colormap.name == "hot iron, clear below 10 %"
    model.layers["CT"].visible = False
    assert layer.colormap.name == "inverse grey"


@pytest.mark.parametrize(
    ("words", "said"),
    [(("PET", "jet"), "there is no palette 'jet'"), (("nobody", "PET"), "no image layer 'nobody'")],
)
def test_what_cannot_be_worn_is_one_sentence(model, words, said):
    before = model.layers["PET"].colormap
    with pytest.raises(ParameterError, match=said):
        set_palette(model, *words)
    assert model.layers["PET"].colormap is before


def test_two_viewers_are_dressed_on_their_own(step, model, pet):
    other = ViewerModel()
    add_volume(other, pet)
    model.layers["CT"].visible = False
    assert other.layers["PET"].colormap.name == "hot iron, clear below 10 %"


def test_nothing_is_dressed_once_the_dock_is_gone(qtbot, model):
    desk = Desk(model)
    widget = CheckStep(model, desk)
    desk.release()
    widget.deleteLater()
    qtbot.wait(50)
    model.layers["CT"].visible = False
    model.layers["PET"].visible = False
    model.layers.clear()


def test_a_session_leaves_an_automatic_palette_automatic(step, model, pet):
    from napari.layers import Layer

    model.layers["CT"].visible = False
    look = look_of(model.layers["PET"])
    model.layers.remove("PET")
    again = Layer.create(*to_layer(pet))
    dress(again, look)
    model.add_layer(again)
    assert (again.colormap.name, again.opacity) == ("inverse grey", 1.0)
    model.layers["CT"].visible = True
    assert (again.colormap.name, again.opacity) == ("hot iron, clear below 10 %", 0.6)
