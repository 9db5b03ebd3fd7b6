"""A frame around what has the keyboard: napari's themes hardly show it."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, Slot
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QApplication, QWidget


class FocusFrame(QObject):
    """Frames whatever of a widget has the keyboard, in the colour of the theme's words.

    A style sheet would do the same in one line, and take half a second to open the workspace.

    Parameters
    ----------
    room
        The widget inside which it is shown.
    """

    def __init__(self, room: QWidget) -> None:
        super().__init__(room)
        self._room = room
        self._outline: Outline | None = None
        QApplication.instance().focusChanged.connect(self._follow)

    @Slot("QWidget*", "QWidget*")
    def _follow(self, left: QWidget | None, entered: QWidget | None) -> None:
        """Go to the widget that has the keyboard now."""
        if self._outline is not None and isalive(self._outline):
            self._outline.hide()
            self._outline.deleteLater()
        inside = isalive(self._room) and entered is not None and self._room.isAncestorOf(entered)
        self._outline = Outline(entered) if inside else None


class Outline(QWidget):
    """A line along the edges of the widget it lies over."""

    def __init__(self, below: QWidget) -> None:
        super().__init__(below)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.resize(below.size())
        below.installEventFilter(self)
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Stay as large as the widget."""
        if event.type() == QEvent.Type.Resize:
            self.resize(event.size())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the line."""
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
