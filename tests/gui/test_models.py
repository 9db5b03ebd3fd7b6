"""The panel of models, by clicks: cards, a comparison, and faults in a sentence."""

import importlib.util

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QEnterEvent
from qtpy.QtWidgets import QFileDialog

from napari_fusion.fusion import networks
from napari_fusion.gui.models import ModelsPanel, told_apart

pytest.importorskip("torch", reason="the extra cnn is not installed")


@pytest.fixture
def panel(qtbot, viewer):
    widget = ModelsPanel(viewer)
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.fixture
def click(qtbot):
    return lambda button: qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_card_is_that_of_the_chosen_network(panel):
    assert panel.card.toPlainText() == networks.card("pruned")
    panel.network.setCurrentIndex(1)
    assert panel.card.toPlainText() == networks.card("dense")
    for word in ("licence:", "data:", "limits:", "seed:", "validation:"):
        assert word in panel.card.toPlainText()


def test_pruned_and_dense_are_compared_on_the_slice_on_screen(panel, click, qtbot, viewer):
    viewer.dims.set_current_step(0, viewer.dims.nsteps[0] // 2)
    click(panel.compare_button)
    qtbot.waitUntil(panel.compare_button.isEnabled, timeout=60_000)
    assert panel.titles[0].text().startswith("pruned, shipped: ")
    assert panel.titles[1].text().startswith("dense, shipped: ")
    first, second, difference = (p.pixmap().toImage() for p in panel.pictures)
    assert not any(picture.isNull() for picture in (first, second, difference))
    assert first != second
    assert panel.titles[2].text() != "Difference, at most 0.0%"
    panel.other.setCurrentIndex(panel.other.findData("pruned"))
    qtbot.waitUntil(panel.compare_button.isEnabled, timeout=60_000)
    click(panel.compare_button)
    qtbot.waitUntil(panel.compare_button.isEnabled, timeout=60_000)
    assert panel.titles[2].text() == "Difference, at most 0.0%"


def test_a_spoilt_file_is_one_sentence_and_changes_no_choice(panel, click, tmp_path, monkeypatch):
    whole = bytearray(networks.shipped_networks()["pruned"].read_bytes())
    whole[-5] ^= 1
    path = tmp_path / "mine.safetensors"
    path.write_bytes(whole)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    click(panel.file_button)
    assert "mine.safetensors" in panel.words.text()
    assert panel.network.currentData() == "pruned"
    assert panel.card.toPlainText() == networks.card("pruned")


def test_a_file_of_ones_own_is_chosen(panel, click, tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(networks.shipped_networks()["dense"].read_bytes())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    click(panel.file_button)
    assert panel.network.currentText() == "mine.safetensors"
    assert panel.card.toPlainText() == networks.card("dense")


def test_a_file_of_ones_own_is_offered_by_fuse(panel, click, tmp_path, monkeypatch, qtbot, viewer):
    from napari_fusion.gui.workspace import FusionWorkspace

    workspace = FusionWorkspace(viewer)
    qtbot.addWidget(workspace)
    path = tmp_path / "mine.safetensors"
    path.write_bytes(networks.shipped_networks()["dense"].read_bytes())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    click(panel.file_button)
    step = workspace.fuse
    step.choose_method("cnn")
    step.enterEvent(QEnterEvent(QPointF(), QPointF(), QPointF()))
    step.fields["cnn"].network.value = str(path)
    assert step.settings()["params"]["network"] == str(path)
    step.choose_method("cnn")
    step.take_up({"method": "cnn", "params": {"network": "dense"}})
    step.take_up({"method": "cnn", "params": {"network": str(path)}})
    assert step.settings()["params"]["network"] == str(path)


def test_without_torch_the_extra_is_named_and_classic_methods_work(qtbot, viewer, monkeypatch):
    from napari_fusion.gui import fuse_layers

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a)
    )
    panel = ModelsPanel(viewer)
    qtbot.addWidget(panel)
    assert 'pip install "napari-fusion[cnn]"' in panel.words.text()
    assert not panel.compare_button.isEnabled()
    assert fuse_layers(viewer, ["head CT", "head T1"], "average")


def test_one_layer_twice_is_refused_in_a_sentence(panel, click):
    panel.moving.setCurrentIndex(panel.fixed.currentIndex())
    click(panel.compare_button)
    assert "choose different layers" in panel.words.text()


def test_orange_is_the_first_and_blue_the_second():
    drawn = told_apart(np.array([[0.2, -0.1, 0.0]], np.float32))
    assert drawn[0, 0, 0] > drawn[0, 0, 2]
    assert drawn[0, 1, 2] > drawn[0, 1, 0]
    assert drawn[0, 2].max() == 0


def test_the_panel_fits_a_small_screen(panel, click, qtbot):
    click(panel.compare_button)
    qtbot.waitUntil(panel.compare_button.isEnabled, timeout=60_000)
    assert panel.minimumSizeHint().height() < 600


def test_beside_the_workspace_the_panel_is_a_tab_and_leaves_it_its_room(window, qtbot):
    viewer, workspace = window
    height = workspace.height()
    dock, panel = viewer.window.add_plugin_dock_widget("napari-fusion", "Fusion models")
    main = panel.window()
    qtbot.waitUntil(lambda: bool(main.tabifiedDockWidgets(dock)))
    assert main.tabifiedDockWidgets(dock)[0].isAncestorOf(workspace)
    assert not panel.visibleRegion().isEmpty()  # it lies before the workspace
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: workspace.height() == height)
