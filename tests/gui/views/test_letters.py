import pytest

from napari_fusion import ParameterError, Step
from napari_fusion.gui import Frame, from_layer, show_plane, to_layer
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.views.letters import show_letters, sides
from napari_fusion.gui.views.planes import PlaneBar

EDGES = ("fusion_left", "fusion_right", "fusion_top", "fusion_bottom")


def letters(viewer):
    overlays = viewer.canvas.overlays
    return "".join(overlays[edge].text for edge in EDGES if overlays[edge].visible)


@pytest.mark.parametrize(
    ("plane", "seen"), [("axial", "RLAP"), ("coronal", "RLSI"), ("sagittal", "APSI")]
)
def test_letters_follow_the_plane(viewer, plane, seen):
    show_letters(viewer)
    show_plane(viewer, plane)
    assert letters(viewer) == seen


def test_letters_follow_a_mirrored_camera(viewer):
    show_letters(viewer)
    viewer.scene.camera.orientation2d = ("up", "left")
    assert letters(viewer) == "LRPA"


def test_letters_follow_the_order_of_axes(viewer):
    show_letters(viewer)
    viewer.dims.order = (0, 2, 1)
    assert letters(viewer) == "APRL"


def test_the_head_stays_up_when_napari_rolls_the_axes(viewer, qtbot):
    """By napari's own buttons: roll, and change the two axes seen."""
    show_letters(viewer)
    bar = PlaneBar(viewer)
    qtbot.addWidget(bar)
    seen = {}
    for _ in range(3):
        viewer.dims.roll()
        seen[bar._plane] = letters(viewer)
    assert seen == {"sagittal": "APSI", "coronal": "ISRL", "axial": "RLAP"}
    viewer.dims.transpose()
    assert letters(viewer) == "APRL"
    bar.left.toggle()  # as neurologists look, in the plane that is seen
    assert letters(viewer) == "LRAP"
    show_plane(viewer, "coronal", left_on="left")
    viewer.dims.order = (0, 1, 2)
    assert letters(viewer) == "LRAP"
    viewer.dims.order = (1, 0, 2)
    assert letters(viewer) == "LRSI"
    bar.left.toggle()


def test_sides_alone_keep_place_and_zoom(viewer):
    show_plane(viewer, "coronal")
    camera = viewer.scene.camera
    camera.zoom, camera.center = looked = 7.0, (3.0, -2.0)
    show_plane(viewer, "coronal", left_on="left")
    assert (camera.zoom, camera.center[-2:]) == looked
    show_plane(viewer, "axial")
    assert camera.zoom != looked[0]


def test_no_letters_in_three_dimensions_or_without_a_patient(viewer):
    show_letters(viewer)
    viewer.dims.ndisplay = 3
    assert letters(viewer) == ""
    viewer.dims.ndisplay = 2
    assert letters(viewer) == "RLAP"
    viewer.layers.clear()
    assert letters(viewer) == ""


def test_letters_come_with_the_first_volume(viewer):
    layers = list(viewer.layers)
    viewer.layers.clear()
    show_letters(viewer)
    viewer.layers.append(layers[0])
    assert letters(viewer) == "RLAP"


def test_a_scale_bar_is_shown_and_in_millimetres(viewer):
    show_letters(viewer)
    assert viewer.canvas.overlays.scale_bar.visible
    assert {str(unit) for unit in viewer.layers.units} == {"millimeter"}


def test_asking_twice_changes_nothing(viewer):
    show_letters(viewer)
    overlay = viewer.canvas.overlays["fusion_left"]
    show_letters(viewer)
    assert viewer.canvas.overlays["fusion_left"] is overlay


def test_a_turned_frame_names_both_sides(viewer):
    import numpy as np

    turn = np.array([[np.cos(0.6), -np.sin(0.6), 0], [np.sin(0.6), np.cos(0.6), 0], [0, 0, 1]])
    found = sides(Frame(turn @ Frame().axes), viewer)
    assert [found[edge] for edge in EDGES] == ["RA", "LP", "AL", "PR"]


def test_051_the_other_convention_swaps_letters_and_touches_no_layer(viewer):
    before = [
        (layer.data, layer.scale.tolist(), layer.translate.tolist()) for layer in viewer.layers
    ]
    show_letters(viewer)
    show_plane(viewer, "coronal", left_on="left")
    assert letters(viewer) == "LRSI"
    show_plane(viewer, "sagittal", left_on="left")  # nose to the left in both
    assert letters(viewer) == "APSI"
    for layer, (data, scale, translate) in zip(viewer.layers, before, strict=True):
        assert layer.data is data
        assert (layer.scale.tolist(), layer.translate.tolist()) == (scale, translate)
        assert from_layer(layer) is layer.metadata[VOLUME]


def test_no_such_plane_is_one_sentence(viewer):
    with pytest.raises(ParameterError, match="axial, coronal, sagittal"):
        show_plane(viewer, "axail")


def test_unknown_sides_have_no_letters_while_they_are_seen(viewer, pair):
    show_letters(viewer)
    unknown = pair[1].with_step(Step("load", {"orientation": "unknown"}))
    data, keywords, _ = to_layer(unknown, name="from Analyze")
    layer = viewer.add_image(data, **keywords)
    assert letters(viewer) == ""
    layer.visible = False
    assert letters(viewer) == "RLAP"
