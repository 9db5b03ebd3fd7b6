"""A small screen must not make the window taller than itself: the dock scrolls up and down.

The wheel scrolls it wherever the mouse is: a method or a window that passes below must not change.
"""

# mypy: allow-subclassing-any
from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollArea,
    QScrollBar,
    QWidget,
)


class UprightScroll(QScrollArea):
    """Scrolls its widget up and down, and is always as wide as the widget needs.

    Parameters
    ----------
    inside
        What is scrolled.
    """

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inside)
        inside.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Follow the widget when its style or text asks for more room; keep the wheel for us."""
        if event.type() == QEvent.Type.Wheel and _is_valued(watched):
            event.ignore()  # it goes on to what holds the widget, and so to us
            return True
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.StyleChange, QEvent.Type.Show}:
            self.setMinimumWidth(self.minimumSizeHint().width())
            self._take_wheels()
        return bool(super().eventFilter(watched, event))

    def _take_wheels(self) -> None:
        """Hear the wheel over what it would change; forms bring new ones."""
        for one in self.widget().findChildren(QWidget):
            if _is_valued(one):
                one.installEventFilter(self)
                if one.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                    one.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the widget's width beside the scroll bar, and little height."""
        width = self.widget().minimumSizeHint().width()
        return QSize(width + self.verticalScrollBar().sizeHint().width(), 120)


def _is_valued(one: QObject) -> bool:
    """Whether the wheel would change a value of it."""
    valued = (QComboBox, QAbstractSpinBox, QAbstractSlider)
    return isinstance(one, valued) and not isinstance(one, QScrollBar)
