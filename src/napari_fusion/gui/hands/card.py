"""The key card: what mouse and keys do, on one small page."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from napari_fusion.gui.hands.keys import Binding

MOUSE = (
    ("Wheel", "slice by slice"),
    ("Left drag", "width and level of the selected layer; of PET and SPECT the top"),
    ("Left click, Shift and move", "the crosshair goes there in every view"),
    ("Right drag, Ctrl and wheel", "nearer and farther"),
    ("Middle drag", "move the picture"),
    ("Double click", "one of the four views alone, and back"),
)


class KeyCard(QDialog):
    """Lists the keys that are bound; Escape or ? closes it.

    Parameters
    ----------
    bindings
        What is bound; keys that do the same stand in one row.
    further
        Rows of keys that are bound only at times: the keys, and what they do.
    """

    def __init__(
        self,
        bindings: Sequence[Binding],
        further: Sequence[tuple[str, str]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Mouse and keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.words = QLabel(_table([*MOUSE, *_rows(bindings), *further]))
        self.words.setTextFormat(Qt.TextFormat.RichText)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addWidget(buttons)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close the card by the key that opened it."""
        if event.text() == "?":
            self.close()
        else:
            super().keyPressEvent(event)


def _rows(bindings: Sequence[Binding]) -> list[tuple[str, str]]:
    """Put keys with the same words into one row: "1 … 9"."""
    keys: dict[str, list[str]] = {}
    for one in bindings:
        keys.setdefault(one.words, []).append(one.keys)
    return [
        (names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}", words)
        for words, names in keys.items()
    ]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = (
        f"<tr><td><b>{escape(keys)}</b>&nbsp;&nbsp;</td><td>{escape(words)}</td></tr>"
        for keys, words in rows
    )
    return f"<table>{''.join(cells)}</table>"
