"""What is done to layers can be taken back and done again."""

import pytest
from qtpy.QtWidgets import QApplication

from napari_fusion.gui import preview_layers
from napari_fusion.gui.covered import cover, hide, uncover
from napari_fusion.gui.hands.deeds import Deeds
from napari_fusion.gui.undo import Deed, UndoStack


@pytest.fixture
def stack(qapp, viewer):
    stack = UndoStack()
    deeds = Deeds(viewer, stack)
    yield stack
    deeds.close()


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_adding_and_removing(stack, viewer):
    viewer.add_points([[0, 0, 0]], name="dots", units=("mm",) * 3)
    viewer.layers.remove("head CT")
    assert names(viewer) == ["head T1", "dots"]
    assert stack.undo() == "head CT removed"
    assert names(viewer) == ["head CT", "head T1", "dots"]
    assert stack.undo() == "dots added"
    assert names(viewer) == ["head CT", "head T1"]
    assert stack.redo() == "dots added"
    assert stack.redo() == "head CT removed"
    assert names(viewer) == ["head T1", "dots"]
    assert stack.redo() == ""


def test_a_move_is_one_deed(stack, viewer):
    layer = viewer.layers[0]
    before = layer.translate.copy(), layer.scale.copy()
    layer.translate += 3
    layer.scale = layer.scale * 2
    QApplication.processEvents()
    assert stack.undo() == "head CT moved"
    assert (layer.translate == before[0]).all()
    assert (layer.scale == before[1]).all()
    QApplication.processEvents()
    assert stack.undo() == ""
    stack.redo()
    assert (layer.translate == before[0] + 3).all()


def test_a_new_deed_forgets_what_was_taken_back(stack, viewer):
    viewer.add_points([[0, 0, 0]], name="a", units=("mm",) * 3)
    stack.undo()
    viewer.add_points([[0, 0, 0]], name="b", units=("mm",) * 3)
    assert stack.redo() == ""


def test_a_group_is_taken_back_as_one_and_shows_what_it_hid(stack, viewer):
    stack.begin()
    viewer.layers["head CT"].visible = False
    viewer.add_points([[0, 0, 0]], name="dots", units=("mm",) * 3)
    stack.end("aligned")
    assert stack.undo() == "aligned"
    assert names(viewer) == ["head CT", "head T1"]
    assert viewer.layers["head CT"].visible
    stack.redo()
    assert not viewer.layers["head CT"].visible


def test_what_was_hidden_before_a_group_stays_hidden_when_it_is_taken_back(stack, viewer):
    viewer.layers["head CT"].visible = False
    stack.begin()
    viewer.layers["head CT"].visible = False
    viewer.add_points([[0, 0, 0]], name="dots", units=("mm",) * 3)
    stack.end("fused again")
    assert stack.undo() == "fused again"
    assert not viewer.layers["head CT"].visible
    assert viewer.layers["head T1"].visible


def test_the_preview_is_no_deed(stack, viewer):
    preview_layers(viewer, ["head CT", "head T1"], "average")
    assert stack.undo() == ""


def test_only_so_many_are_remembered(qapp):
    stack = UndoStack()
    for i in range(150):
        stack.did(Deed(str(i), lambda: None, lambda: None))
    assert sum(bool(stack.undo()) for _ in range(200)) == 100


def test_what_is_kept_for_undo_is_bounded(monkeypatch):
    monkeypatch.setattr("napari_fusion.gui.undo.MOST_BYTES", 100)
    stack, done = UndoStack(), []
    for i in range(5):
        stack.did(Deed(f"removed {i}", lambda i=i: done.append(i), lambda: None, holds=40))
    stack.did(Deed("small", lambda: done.append("small"), lambda: None))
    while stack.undo():
        pass
    assert done == ["small", 4, 3]
    stack.did(Deed("large", lambda: done.append("large"), lambda: None, holds=1000))
    assert stack.undo() == "large"  # the last one can always be taken back


def test_what_a_picture_covered_is_seen_again_when_what_hid_it_is_taken_back(stack, viewer):
    layer = viewer.layers["head T1"]
    cover(viewer, {"head T1"}, "live")
    stack.begin()
    hide(layer)
    stack.end("fused")
    uncover([layer], "live")
    assert not layer.visible
    stack.undo()
    assert layer.visible
    cover(viewer, {"head T1"}, "live")
    stack.redo()
    uncover([layer], "live")
    assert not layer.visible


def test_a_layer_comes_back_when_the_last_picture_of_it_goes(viewer):
    layer = viewer.layers["head T1"]
    cover(viewer, {"head T1"}, "hand")
    cover(viewer, {"head T1"}, "live")
    uncover(viewer.layers, "live")
    assert not layer.visible
    uncover(viewer.layers, "hand")
    assert layer.visible
    layer.visible = False
    cover(viewer, {"head T1"}, "live")  # nobody wants to see it
    uncover(viewer.layers, "live")
    assert not layer.visible
