"""What this is, which version, made of what, under which licence, and what it is not."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from importlib import metadata

from qtpy.QtCore import Qt, Slot
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from napari_fusion.export import NOTICE, versions

WINDOW = ("napari", "qtpy", "vispy")
"""What draws the window, beside what the numbers depend on."""


def about() -> str:
    """Give the page as plain text, to be read and pasted into a report."""
    told = versions() | {name: metadata.version(name) for name in WINDOW}
    of_ours, *others = [f"{name} {version}" for name, version in told.items()]
    licence = metadata.metadata("napari-fusion")["License-Expression"]
    return "\n".join([of_ours, NOTICE, f"Licence: {licence}", "", *others])


class AboutBox(QDialog):
    """Shows the page; its words can be selected and copied. Escape closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Fusion")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.words = QLabel(about())
        self.words.setWordWrap(True)
        flags = Qt.TextInteractionFlag
        self.words.setTextInteractionFlags(
            flags.TextSelectableByMouse | flags.TextSelectableByKeyboard
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        self.copy_button = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.setToolTip("The whole page, to the clipboard.")
        self.copy_button.clicked.connect(self._copy)
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addWidget(buttons)

    @Slot()
    def _copy(self) -> None:
        QApplication.clipboard().setText(self.words.text())


def show_about(parent: QWidget | None = None) -> AboutBox:
    """Show the page over a window; it goes with it."""
    box = AboutBox(parent)
    box.show()
    return box


def about_command() -> None:
    """Show the page over the window that is open: a command of napari's palette.

    The palette itself is the active window while its command runs, and is gone right after it.
    """
    windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, QMainWindow)]
    show_about(next((one for one in windows if one.isVisible()), None))
