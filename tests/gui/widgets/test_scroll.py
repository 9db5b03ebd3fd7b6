"""The wheel scrolls the dock and changes nothing in it, whatever it passes over."""

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QSlider, QVBoxLayout, QWidget

from napari_fusion.gui.widgets.scroll import UprightScroll


@pytest.fixture
def scroll(qtbot):
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.addSpacing(2000)
    found = UprightScroll(inside)
    qtbot.addWidget(found)
    found.resize(200, 200)
    found.show()
    return found


def turn(widget):
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.mark.parametrize("kind", [QComboBox, QDoubleSpinBox, QSlider])
def test_the_wheel_scrolls_and_changes_no_value(scroll, qtbot, kind):
    one = kind()
    if kind is QComboBox:
        one.addItems(list("abc"))
    now = one.currentIndex if kind is QComboBox else one.value
    scroll.widget().layout().insertWidget(0, one)  # later, as a form of a method comes
    qtbot.wait(20)
    for focused in (False, True):
        if focused:
            one.setFocus()
        before = now()
        assert not turn(one)  # it goes on to the dock: Qt passes on what a hand does alone
        assert now() == before
    assert turn(scroll.viewport())
    assert scroll.verticalScrollBar().value() > 0
    qtbot.keyClick(one, Qt.Key.Key_Down if kind is QComboBox else Qt.Key.Key_Up)
    assert now() != before
