"""Do something when a widget is destroyed, safely."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QObject, Slot
from qtpy.QtWidgets import QWidget


class _Ending(QObject):
    """Lives as long as the application, so that it is there when the widget no longer is."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(QCoreApplication.instance())
        self._act: Callable[[], object] | None = act

    @Slot()
    def come(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()
        self.deleteLater()


def at_end(widget: QWidget, act: Callable[[], object]) -> None:
    """Call `act` once, while a widget is being destroyed; its children are still there.

    A function that is connected to ``destroyed`` itself goes with the Python side of the widget,
    which may be gone before Qt calls it: PyQt then calls freed memory. A slot of an object that
    stays is safe.
    """
    ending = _Ending(act)
    widget.destroyed.connect(ending.come)
