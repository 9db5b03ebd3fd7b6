"""Keys that act while a canvas or anything else that does not write has the keyboard."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QApplication, QWidget

Act = Callable[[], object]

ASIDE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
"""With these held, a key is not ours."""

SETTLE_MS = 25
"""So long a key must be up before it counts as let go."""


@dataclass(frozen=True)
class Binding:
    """What a key does.

    Parameters
    ----------
    keys
        As on the card: "Space", "[", "Ctrl+Z".
    words
        What it does.
    press
        Called when it is pressed.
    release
        Called when it is let go, for keys that are held.
    repeats
        Whether it acts again while held.
    """

    keys: str
    words: str
    press: Act
    release: Act | None = None
    repeats: bool = False


class Keys(QObject):
    """A table of keys, and the widgets in which they act.

    A widget that writes takes its keys itself; they never come here.

    Parameters
    ----------
    is_free
        Says whether a key is ours now, and not that of a tool of napari's.
    """

    def __init__(self, is_free: Callable[[str], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_free = is_free
        self._table: dict[int, Binding] = {}
        self._watched: list[QWidget] = []
        self._down: dict[int, Binding] = {}
        self._up_at: dict[int, int] = {}

    def bind(self, binding: Binding) -> None:
        """Add a key, or give it another meaning."""
        self._table[_code(binding.keys)] = binding

    @property
    def bindings(self) -> list[Binding]:
        """What is bound, in the order it was."""
        return list(self._table.values())

    def takes(self, keys: str) -> bool:
        """Whether a key is bound and would be taken now."""
        return any(one.keys == keys for one in self.bindings) and self._is_free(keys)

    def hold(self, widget: QWidget) -> None:
        """Take the keys of a widget."""
        if widget not in self._watched:
            self._watched.append(widget)
            widget.installEventFilter(self)

    def drop(self, widget: QWidget) -> None:
        """Give a widget its keys back."""
        if widget in self._watched:
            self._watched.remove(widget)
            widget.removeEventFilter(self)

    def release(self) -> None:
        """Give every widget its keys back."""
        for widget in list(self._watched):
            self.drop(widget)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take the keys of the table; a menu's shortcut of the same keys does not get them."""
        kind = event.type()
        if kind == QEvent.Type.KeyRelease:
            return self._let_go(event)
        if kind == QEvent.Type.WindowDeactivate or (
            kind == QEvent.Type.FocusOut and not self._still_ours(watched)
        ):
            self._let_all_go()
        if kind not in {QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride}:
            return False
        binding = self._table.get(_pressed(event))
        if binding is None or event.modifiers() & ASIDE or not self._is_free(binding.keys):
            return False
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if not self._is_repeat(event) or binding.repeats:
            self._down[event.key()] = binding
            binding.press()
        return True

    def _is_repeat(self, event: QKeyEvent) -> bool:
        """Whether a key is held and speaks again.

        While the window is busy, X11 says that it was let go and pressed again, in one moment.
        """
        up_at = self._up_at.pop(event.key(), None)
        return event.isAutoRepeat() or (up_at is not None and up_at == event.timestamp())

    def _let_go(self, event: QKeyEvent) -> bool:
        key, at = event.key(), event.timestamp()
        if key not in self._down:
            return False
        if not event.isAutoRepeat():
            self._up_at[key] = at
            if at:
                QTimer.singleShot(SETTLE_MS, partial(self._settle, key, at))
            else:  # nobody's hand
                self._settle(key, at)
        return True

    def _settle(self, key: int, at: int) -> None:
        """Take a key as let go, unless it was pressed again since."""
        if isalive(self) and self._up_at.get(key) == at:
            del self._up_at[key]
            binding = self._down.pop(key, None)
            if binding is not None and binding.release is not None:
                binding.release()

    def _still_ours(self, left: QObject) -> bool:
        """Whether the keyboard went from one widget of ours to another: planes, for one."""
        now = QApplication.focusWidget()
        return now is not left and now in self._watched

    def _let_all_go(self) -> None:
        """Take every key as let go: somebody else will hear when it is."""
        down, self._down, self._up_at = self._down, {}, {}
        for binding in down.values():
            if binding.release is not None:
                binding.release()


def has_key(layer: Any, keys: str) -> bool:
    """Whether napari gives a key to a layer of this kind: digits to labels, for one."""
    from app_model.types import KeyBinding

    try:
        wanted = KeyBinding.from_str(keys)
    except ValueError:  # a sign napari has no name for
        return False
    tables = [layer.keymap, *(vars(kind).get("class_keymap", {}) for kind in type(layer).__mro__)]
    return any(wanted in table for table in tables)


def _code(keys: str) -> int:
    """Give a key with its modifiers as one number."""
    found = QKeySequence.fromString(keys)[0]
    return int(found if isinstance(found, int) else found.toCombined())


def _pressed(event: QKeyEvent) -> int:
    """Do so for what was pressed; what Shift makes of a sign ("?") is in the key itself."""
    modifier = Qt.KeyboardModifier
    kept = modifier.ControlModifier
    if event.key() > 0xFFFF or chr(event.key()).isalpha():
        kept |= modifier.ShiftModifier
    return int(event.key()) | int((event.modifiers() & kept).value)
