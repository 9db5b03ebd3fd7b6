import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_fusion.fusion import methods


@pytest.fixture
def step(docked):
    return docked(ViewerModel()).fuse


@pytest.mark.parametrize("method", methods(), ids=lambda m: m.name)
def test_what_a_method_hides_is_said_where_it_is_chosen(step, method):
    step.choose_method(method.name)
    assert step.caution.isVisibleTo(step) == bool(method.caution)
    assert method.caution[1:] in step.caution.text()


def test_some_methods_hide_something(step):
    step.choose_method("maximum")
    assert step.caution.text().startswith("▲ The maximum hides whatever is darker")


def test_the_windows_of_the_chosen_layers_have_names(dock, viewer, qtbot):
    ct, t1 = dock.fuse.windows.boxes
    assert [box.label.text() for box in (ct, t1)] == list(dock.open.current.names)
    assert {box.placeholderText() for box in (ct, t1)} == {"as shown"}
    chain = [ct.nextInFocusChain()]
    while chain[-1].focusPolicy() == Qt.FocusPolicy.NoFocus:
        chain.append(chain[-1].nextInFocusChain())
    assert chain[-1] is t1
    ct.showPopup()
    names = [ct.itemText(i) for i in range(ct.count())]
    assert "bone" in names
    ct.hidePopup()
    before = tuple(viewer.layers[dock.open.current.fixed].contrast_limits)
    ct.setFocus()
    qtbot.keyClicks(ct, "bone")
    layer = viewer.layers[dock.open.current.fixed]
    qtbot.waitUntil(lambda: tuple(layer.contrast_limits) == (-770.0, 1730.0))
    assert dock.fuse._fusing().windows[0] == (-770.0, 1730.0)
    assert ct.currentText() == "bone"
    while tuple(layer.contrast_limits) != before:  # typing passes by "brain"
        assert dock.desk.undo.undo().startswith("window of")
    assert ct.currentText() == ""


def test_windows_follow_the_choice(dock, viewer):
    first = dock.fuse.windows.boxes
    dock.open.fixed.choose(viewer.layers[1])
    dock.open.moving.choose(viewer.layers[0])
    assert [box.layer for box in dock.fuse.windows.boxes] == [viewer.layers[1], viewer.layers[0]]
    assert dock.fuse.windows.boxes is not first
    viewer.layers[1].name = "renamed"
    assert dock.fuse.windows.boxes[0].label.text() == "renamed"


def test_long_names_cut_no_list_and_do_not_widen_the_dock(dock, viewer, qtbot):
    dock.resize(340, 700)
    box = dock.fuse.windows.boxes[0]
    qtbot.waitUntil(lambda: 200 < box.width() < 300)
    wide = dock.minimumSizeHint().width()
    box.layer.name = "thorax_1.25mm_venous_phase_reconstructed, on another one with as long a name"
    qtbot.wait(20)
    assert box.label.toolTip() == box.layer.name
    assert "…" in box.label.text()
    assert box.fontMetrics().horizontalAdvance(box.label.text()) < box.label.width()
    assert dock.minimumSizeHint().width() == wide
    box.showPopup()
    box.hidePopup()
    names = [box.itemText(n) for n in range(box.count())]
    longest = max(box.fontMetrics().horizontalAdvance(name) for name in names)
    assert min(box.width(), box.label.width()) > longest + 60  # frame and arrow
    assert box.geometry().top() >= box.label.geometry().bottom()  # a line of its own
