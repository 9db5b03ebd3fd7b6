"""The same in Python: one line per click, to read and to copy."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

import sys

from qtpy.QtCore import Slot
from qtpy.QtGui import QFontDatabase, QTextOption
from qtpy.QtWidgets import QApplication, QGroupBox, QPlainTextEdit, QPushButton, QVBoxLayout


class CodeBox(QGroupBox):
    """Lines of Python that repeat what was clicked; they are also written to the terminal."""

    def __init__(self) -> None:
        super().__init__("The same in Python")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setMaximumHeight(110)
        self.text.setToolTip("One line per click; paste it into napari's console to repeat it.")
        self.copy_button = QPushButton("Copy last line")
        self.copy_button.setToolTip("To the clipboard.")
        self.copy_button.clicked.connect(self._copy)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(self.copy_button)

    @property
    def lines(self) -> list[str]:
        """Every line so far."""
        return str(self.text.toPlainText()).splitlines()

    def say(self, line: str) -> None:
        """Add a line, here and in the terminal."""
        self.text.appendPlainText(line)
        if sys.stdout is not None:  # a windowed Python on Windows has none
            sys.stdout.write(line + "\n")

    @Slot()
    def _copy(self) -> None:
        QApplication.clipboard().setText(self.lines[-1] if self.lines else "")
