import pytest
from napari.components import ViewerModel

from napari_fusion.fusion import methods
from napari_fusion.gui.workspace import FusionWorkspace


@pytest.fixture
def step(qtbot):
    widget = FusionWorkspace(ViewerModel())
    qtbot.addWidget(widget)
    widget.show()
    return widget.fuse


@pytest.mark.parametrize("method", methods(), ids=lambda m: m.name)
def test_what_a_method_hides_is_said_where_it_is_chosen(step, method):
    step.choose_method(method.name)
    assert step.caution.isVisibleTo(step) == bool(method.caution)
    assert method.caution[1:] in step.caution.text()


def test_some_methods_hide_something(step):
    step.choose_method("maximum")
    assert step.caution.text().startswith("▲ The maximum hides whatever is darker")
