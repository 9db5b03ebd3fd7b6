"""Keys that are held: the keyboard speaks again, by its own flag or, in a busy window, without."""

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_fusion.gui.hands.keys import Binding, Keys

NONE = Qt.KeyboardModifier.NoModifier
DOWN, UP = QEvent.Type.KeyPress, QEvent.Type.KeyRelease


class Timed(QKeyEvent):
    """PyQt has no way to say when it was."""

    def timestamp(self):
        return self.at


@pytest.fixture
def keyboard(qtbot):
    """A widget with keys, and what they were heard to do."""
    widget, heard = QWidget(), []
    qtbot.addWidget(widget)
    keys = Keys(lambda _: True, widget)
    keys.bind(Binding("L", "", lambda: heard.append("L"), lambda: heard.append("L gone")))
    keys.bind(Binding("F", "", lambda: heard.append("F")))
    keys.bind(Binding("[", "", lambda: heard.append("["), repeats=True))
    keys.hold(widget)

    def send(kind, key, at, repeat=False):
        event = Timed(kind, key, NONE, "", repeat)
        event.at = at
        QApplication.sendEvent(widget, event)

    return send, heard


@pytest.mark.parametrize("flagged", [True, False])
def test_a_key_that_is_held_acts_once_unless_it_repeats(qtbot, keyboard, flagged):
    send, heard = keyboard
    for key in (Qt.Key.Key_L, Qt.Key.Key_F, Qt.Key.Key_BracketLeft):
        send(DOWN, key, 1000)
        for at in (1660, 1700, 1740):  # as X11 tells them
            send(UP, key, at, flagged)
            send(DOWN, key, at, flagged)
        qtbot.wait(60)
        if key == Qt.Key.Key_L:
            assert heard == ["L"]
        send(UP, key, 1800)
        qtbot.wait(60)
    assert heard == ["L", "L gone", "F", *["["] * 4]


def test_a_key_that_is_tapped_again_acts_again(qtbot, keyboard):
    send, heard = keyboard
    for at in (1000, 1200):
        send(DOWN, Qt.Key.Key_L, at)
        send(UP, Qt.Key.Key_L, at + 50)
        qtbot.wait(60)
    assert heard == ["L", "L gone"] * 2
