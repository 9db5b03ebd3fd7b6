"""The tour and the page about, driven as a user would."""

import re

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QMainWindow

import napari_fusion
from napari_fusion.gui.compare.modes import Mode
from napari_fusion.gui.guide.about import AboutBox, about, about_command


@pytest.fixture
def click(qtbot):
    return lambda button: qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def number(dock):
    return int(re.search(r"step (\d) of 5", dock.tour.title.text())[1])


def test_the_page_names_version_licence_libraries_and_what_this_is_not():
    page = about()
    assert page.startswith(f"napari-fusion {napari_fusion.__version__}\n")
    assert "Not a medical device: for research and teaching" in page
    assert "Licence: BSD-3-Clause" in page
    for name in ("numpy", "SimpleITK", "napari", "python"):
        assert re.search(rf"^{name} \d", page, re.MULTILINE)


def test_the_page_opens_by_its_button_and_can_be_copied(dock, click, qtbot):
    click(dock.help.about_button)
    (box,) = dock.findChildren(AboutBox)
    assert box.isVisible()
    click(box.copy_button)
    assert QApplication.clipboard().text() == about()
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert not box.isVisible()


def test_the_command_keeps_its_page_with_the_window_that_is_open(qtbot, qapp):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.show()
    about_command()
    (box,) = [one for one in qapp.topLevelWidgets() if isinstance(one, AboutBox)]
    assert box.isVisible()
    assert box.parent() is window


def test_the_tour_goes_on_when_each_step_was_done(dock, click, qtbot, gate):
    click(dock.help.tour_button)
    assert (number(dock), dock.tour.step) == (1, dock.open)
    click(dock.tour.next_button)  # the volumes are open already
    for at, step, button in (
        (2, dock.align, dock.align.button),
        (3, dock.check, dock.check.modes.buttons[Mode.CHECKERBOARD]),
        (4, dock.fuse, dock.fuse.button),
    ):
        assert (number(dock), dock.tour.step) == (at, step)
        assert [one for one in dock.steps if one.is_open] == [step]
        click(button)
        qtbot.waitUntil(lambda at=at: number(dock) > at, timeout=60_000)
    assert dock.tour.step is dock.keep
    click(dock.tour.next_button)
    assert not dock.tour.isVisible()


def test_only_the_step_that_is_spoken_of_is_framed(dock, click):
    click(dock.help.tour_button)
    for step in dock.steps:
        assert [one for one in dock.steps if "border" in one.heading.styleSheet()] == [step]
        click(dock.tour.next_button)


@pytest.mark.parametrize("steps", [0, 2, 4])
def test_escape_closes_it_at_any_step_and_leaves_no_trace(dock, click, qtbot, steps):
    dock.check.set_open(on=False)
    before = [step.is_open for step in dock.steps]
    click(dock.help.tour_button)
    for _ in range(steps):
        qtbot.keyClick(dock.tour.next_button, Qt.Key.Key_Space)
    with qtbot.waitActive(dock):
        dock.activateWindow()
    qtbot.keyClick(dock.tour, Qt.Key.Key_Escape)
    assert not dock.tour.isVisible()
    assert dock.tour.step is None
    assert [step.is_open for step in dock.steps] == before
    assert {step.heading.styleSheet() for step in dock.steps} == {""}
    dock.check.set_open(on=True)
    click(dock.check.modes.buttons[Mode.EDGES])  # what it listened to no longer moves it
    assert not dock.tour.isVisible()


def test_opening_the_sample_head_does_the_first_step(docked, click, plugins):
    from napari.components import ViewerModel

    model = ViewerModel()
    dock = docked(model)
    click(dock.help.tour_button)
    click(dock.tour.sample_button)
    assert len(model.layers) == 2
    assert number(dock) == 2
    assert dock.open.fixed.layer is not dock.open.moving.layer


def test_a_second_volume_becomes_the_moving_one(docked, viewer):
    from napari.components import ViewerModel

    model = ViewerModel()
    dock = docked(model)
    model.add_layer(viewer.layers[0])
    assert dock.open.fixed.layer is dock.open.moving.layer
    model.add_layer(viewer.layers[1])
    assert [dock.open.fixed.layer, dock.open.moving.layer] == list(model.layers)
