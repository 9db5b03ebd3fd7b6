from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_fusion.gui.steps.step import allow, button


def in_a_form(qtbot):
    form, next_one = QWidget(), QLineEdit()
    press = button("Fuse", "Fuse what is open.", lambda: None)
    layout = QVBoxLayout(form)
    layout.addWidget(press)
    layout.addWidget(next_one)
    qtbot.addWidget(form)
    form.show()
    press.setFocus()
    assert form.focusWidget() is press
    return form, press, next_one


def test_a_disabled_button_says_why_and_has_its_focus_back(qtbot):
    form, press, next_one = in_a_form(qtbot)
    for _ in range(2):  # what is busy says so more than once
        allow(press, on=False, why="Busy.")
        assert (press.toolTip(), form.focusWidget()) == ("Busy.", None)
    allow(press, on=True, why="Busy.")
    assert press.toolTip() == "Fuse what is open."
    assert form.focusWidget() is press
    next_one.setFocus()
    allow(press, on=False, why="Busy.")
    allow(press, on=True, why="Busy.")
    assert form.focusWidget() is next_one


def test_focus_that_the_user_moved_meanwhile_stays(qtbot):
    form, press, next_one = in_a_form(qtbot)
    allow(press, on=False, why="Busy.")
    next_one.setFocus()
    allow(press, on=True, why="Busy.")
    assert form.focusWidget() is next_one
