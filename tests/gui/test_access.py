"""The workspace without a mouse, on a small screen, and on one of fine pixels."""

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_fusion.gui import add_volume
from napari_fusion.gui.widgets.scroll import UprightScroll

SMALL = (1366, 768)

CLICK = """
import napari, numpy as np
from qtpy.QtCore import QEventLoop, QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from napari_fusion import phantom
from napari_fusion.gui import add_volume
from napari_fusion.gui.launch import dock_workspace
from napari_fusion.gui.views.pixels import to_pixels

def settle(ms):
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()

viewer = napari.Viewer(show=False)
add_volume(viewer, phantom.misaligned_pair(size="small")[0])
desk = dock_workspace(viewer, lambda _: {}).desk
viewer.show()
settle(500)
desk.show_views(on=True)
settle(1500)
desk.quad.fit()
desk.use_crosshair(on=True)
settle(500)
assert QApplication.primaryScreen().devicePixelRatio() == 2
assert len(desk.hands.canvases) == 3
for canvas in desk.hands.canvases:
    model = desk.hands.viewer_at(canvas)
    aim = desk.crossing.point.copy()
    aim[list(model.dims.displayed)] += [12.0, -16.0]
    pixel = QPoint(*map(round, to_pixels(model, aim, (canvas.width(), canvas.height()))))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, pixel)
    settle(300)
    assert np.abs(desk.crossing.point - aim).max() < 4  # a voxel
viewer.close()
"""


def stops(dock):
    """Press Tab until the focus leaves the workspace; give what had it, in that order."""
    first = dock.help.nextInFocusChain()
    first.setFocus()
    seen = []
    while (at := QApplication.focusWidget()) is not None and dock.isAncestorOf(at):
        if at in seen:
            break
        seen.append(at)
        QTest.keyClick(at, Qt.Key.Key_Tab)
    return seen


@pytest.fixture
def room(qtbot, window):
    viewer, workspace = window
    viewer.window.resize(*SMALL)
    with qtbot.waitActive(viewer.window._qt_window):
        viewer.window._qt_window.activateWindow()
    qtbot.wait(100)
    return workspace


@pytest.mark.display
def test_tab_goes_from_top_to_bottom_and_misses_no_step(qtbot, room):
    inside = room.findChild(UprightScroll).widget()
    visited = [one for one in stops(room) if inside.isAncestorOf(one)]
    spots = [(one.mapTo(inside, QPoint(0, one.height() // 2)), one) for one in visited]
    for (before, first), (after, second) in pairwise(spots):
        below = after.y() > before.y() - 4
        assert below or after.x() > before.x(), (first, second)
    for step in room.steps:
        assert any(step.isAncestorOf(one) for one in visited), step


def test_every_section_has_a_letter_of_its_own(room):
    sections = (*room.steps, room.align.hand, room.align.landmarks)
    letters = [QKeySequence.mnemonic(one.heading.text()).toString() for one in sections]
    assert "" not in letters
    assert len(set(letters)) == len(letters)
    menus = room.window().menuBar().actions()
    taken = {QKeySequence.mnemonic(one.text()).toString() for one in menus}
    taken |= {one.shortcut().toString() for menu in menus for one in menu.menu().actions()}
    assert {"Alt+F", "Alt+C"} <= taken  # napari's menu, and the key that copies its picture
    assert not taken & set(letters)


@pytest.mark.display
def test_a_picture_is_moved_and_taken_back_with_keys_alone(qtbot, room, pair):
    fixed, moving = (add_volume(room.viewer, volume) for volume in pair[:2])
    room.open.fixed.choose(fixed)
    room.open.moving.choose(moving)
    box = room.align.hand
    box.set_open(on=True)
    box.move_button.setFocus()
    QTest.keyClick(box.move_button, Qt.Key.Key_Space)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right):
        QTest.keyClick(QApplication.focusWidget(), key)
    assert np.linalg.norm(box.hand.pose[0]) == pytest.approx(2.0)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.linalg.norm(box.hand.pose[0]) == pytest.approx(1.0)
    box.stop()
    room.viewer.layers.clear()


def luminance(colour):
    """Relative luminance (WCAG 2)."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.display
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_has_the_keyboard_is_framed_in_every_theme(qtbot, room, theme):
    room.viewer.theme = theme
    qtbot.wait(50)
    for one in (room.align.button, room.open.fixed, room.check.views.four, room.check.heading):
        one.setFocus()
        qtbot.wait(20)
        assert one.hasFocus()
        seen = one.grab().toImage()
        frame = luminance(seen.pixelColor(seen.width() // 2, 0))
        inside = luminance(seen.pixelColor(seen.width() // 2, 3))
        assert (max(frame, inside) + 0.05) / (min(frame, inside) + 0.05) >= 3
    room.viewer.theme = "dark"


@pytest.mark.display
def test_on_a_small_screen_nothing_is_cut_off_sideways(room):
    scroll = room.findChild(UprightScroll)
    assert room.window().width() <= SMALL[0]
    assert room.window().height() <= SMALL[1]
    assert scroll.widget().width() <= scroll.viewport().width()


@pytest.mark.display
def test_a_click_lands_where_it_points_on_a_screen_of_fine_pixels():
    done = subprocess.run(
        [sys.executable, "-c", CLICK],
        env={**os.environ, "QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_list_chosen_by_mouse_does_not_keep_the_keys(dock):
    """Else M would choose a method, and not show the projection."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QComboBox

    policies = {one.focusPolicy() for one in dock.findChildren(QComboBox)}
    assert policies == {Qt.FocusPolicy.TabFocus}
