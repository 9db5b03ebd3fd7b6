"""A frame around what has the keyboard: napari's themes hardly show it."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

KINDS = [
    "QPushButton",
    "QToolButton",
    "QComboBox",
    "QCheckBox",
    "QAbstractSpinBox",
    "QLineEdit",
    "QSlider",
]

SHEET = "{all} {{border: 1px solid transparent}} {focused} {{border: 1px solid {colour}}}"
"""The frame has its place always, so that nothing moves when it comes."""


def frame_focus(widget: QWidget, theme: str) -> None:
    """Frame whatever of a widget has the keyboard, in the colour of a napari theme's words."""
    from napari.utils.theme import get_theme

    focused = ", ".join(f"{kind}:focus" for kind in KINDS)
    colour = get_theme(theme).text.as_hex()
    widget.setStyleSheet(SHEET.format(all=", ".join(KINDS), focused=focused, colour=colour))
