"""A step of the workspace: a heading that opens and closes what is below it."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal, Slot
from qtpy.QtWidgets import (
    QFormLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

TIP = "tip"
"""Property of a button: its tip while it is enabled."""
HELD = "held"
"""Property of a button: whether it had the focus when it was disabled."""


class Step(QWidget):
    """A heading with an arrow; its content is a form that subclasses fill.

    The heading takes the focus with Tab and its mnemonic, and opens with Space. (superqt's
    collapsible fixes the height of its content, which words that wrap do not keep to.)

    Parameters
    ----------
    title
        Words of the heading; the letter after ``&`` opens it with Alt.
    """

    said = Signal(str)
    """The line of Python that repeats what was done here."""

    def __init__(self, title: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setToolTip(tip)
        self.heading.setCheckable(True)
        self.heading.setChecked(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.content = QWidget()
        self.form = QFormLayout(self.content)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.setContentsMargins(8, 2, 2, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.heading)
        layout.addWidget(self.content)
        self.heading.toggled.connect(self._toggle)
        self._toggle(True)  # noqa: FBT003 - Qt's signature

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return bool(self.heading.isChecked())

    def set_open(self, *, on: bool) -> None:
        """Open or close the step."""
        self.heading.setChecked(on)

    @Slot(bool)
    def _toggle(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        self.content.setVisible(on)
        arrow = Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow
        self.heading.setArrowType(arrow)


def button(words: str, tip: str, action: Callable[..., object]) -> QPushButton:
    """Make a button with words, a tip and what it does."""
    made = QPushButton(words)
    made.setToolTip(tip)
    made.clicked.connect(action)
    return made


def allow(one: QPushButton, *, on: bool, why: str) -> None:
    """Enable a button, or disable it and let its tip say why.

    A disabled button keeps no focus, and Qt would give it to the next widget: the dock would
    scroll there, and what is typed next would change it. The button has it back once enabled,
    unless the user has put it elsewhere.
    """
    if one.property(TIP) is None:
        one.setProperty(TIP, one.toolTip())
    if one.isEnabled() and not on:
        one.setProperty(HELD, one.window().focusWidget() is one)
        one.clearFocus()
    one.setEnabled(on)
    if on and one.property(HELD):
        one.setProperty(HELD, False)  # noqa: FBT003 - Qt's signature
        if one.window().focusWidget() is None:
            one.setFocus()
    one.setToolTip(one.property(TIP) if on else why)
