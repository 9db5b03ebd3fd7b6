"""What was repaired is seen: a badge, the Geometry panel, no letters, and a question."""

from dataclasses import replace

import pytest
from qtpy.QtWidgets import QMessageBox

from napari_fusion import ParameterError, Step
from napari_fusion.gui import fuse_layers, to_layer
from napari_fusion.gui.check.geometry import GeometryPanel, repairs, told
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.workspace import FusionWorkspace

TILTED = Step("load", {}, ("tilted by 18.5° (48.2 mm end to end), straightened on loading",))
UNKNOWN = Step("load", {"orientation": "unknown"}, ("the file names no orientation",))


def add(viewer, volume, name=""):
    data, keywords, _ = to_layer(volume, name=name)
    return viewer.add_image(data, **keywords)


@pytest.fixture
def tilted(viewer, pair):
    return add(viewer, replace(pair[0], history=(TILTED,)))


@pytest.fixture
def sideless(viewer, pair):
    return add(viewer, replace(pair[0], history=(UNKNOWN,)), "Analyze")


def test_a_repaired_layer_wears_a_badge(tilted, viewer):
    assert tilted.name == "head CT ▲"
    assert viewer.layers[0].name == "head CT"


def test_the_panel_tells_the_selected_layers_repairs_in_mm(qtbot, viewer, tilted):
    panel = GeometryPanel(viewer)
    qtbot.addWidget(panel)
    assert "▲ load: tilted by 18.5° (48.2 mm end to end)" in panel.words.text()
    viewer.layers.selection.active = viewer.layers[0]
    assert panel.words.text().endswith("✔ Nothing was repaired.")
    assert " mm" in panel.words.text()
    viewer.layers.selection.active = None
    assert panel.words.text() == "Select a layer."


def test_a_layer_moved_by_hand_is_told(viewer):
    viewer.layers[0].translate += 3
    assert "▲ moved by hand since it was opened" in told(viewer.layers[0])


def test_the_dock_hears_of_a_move_at_once(qtbot, viewer):
    dock = FusionWorkspace(viewer)
    qtbot.addWidget(dock)
    viewer.layers.selection.active = viewer.layers[0]
    viewer.layers[0].translate += 3
    assert "moved by hand" in dock.keep.geometry_panel.words.text()
    assert "was moved by hand" in dock.state.text()
    viewer.layers[0].translate -= 3
    assert "moved by hand" not in dock.keep.geometry_panel.words.text() + dock.state.text()


def test_a_layer_of_others_has_no_position(viewer, pair):
    assert told(viewer.add_image(pair[0].array)) == ["⚠ This layer holds no patient position."]


def test_a_fused_layer_tells_its_sources_repairs(viewer, tilted):
    fused, *_ = fuse_layers(viewer, [tilted, viewer.layers[0]], "average")
    assert ("head CT, load", TILTED.warnings[0]) in repairs(fused.metadata[VOLUME])


def test_unknown_sides_are_not_fused_unasked(viewer, sideless):
    with pytest.raises(ParameterError, match="'Analyze' is left is not known"):
        fuse_layers(viewer, ["head CT", sideless], "average")
    fused, *_ = fuse_layers(viewer, ["head CT", sideless], "average", unknown_sides=True)
    assert fused.metadata[VOLUME].sides_unknown
    assert any("left and right may be swapped" in line for line in told(fused))


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_the_dock_asks_before_fusing_unknown_sides(qtbot, viewer, sideless, monkeypatch, answer):
    dock = FusionWorkspace(viewer)
    qtbot.addWidget(dock)
    dock.open.moving.choose(sideless)
    asked = []

    def question(parent, title, words):
        asked.append(words)
        return QMessageBox.StandardButton[answer]

    monkeypatch.setattr(QMessageBox, "question", question)
    before = len(viewer.layers)
    dock.fuse.button.click()
    qtbot.waitUntil(dock.fuse.button.isEnabled, timeout=60_000)
    assert "Fuse all the same?" in asked[0]
    assert (len(viewer.layers) > before) == (answer == "Yes")
    assert any("unknown_sides=True" in line for line in dock.keep.code.lines) == (answer == "Yes")
