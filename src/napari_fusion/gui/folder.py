"""Ask for a file, beginning in the folder where the last one was."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_fusion.gui.choices import chosen, keep


def ask_file(parent: QWidget, title: str, kinds: str) -> str:
    """Ask which file to open; empty when the user does not want any."""
    path, _ = QFileDialog.getOpenFileName(parent, title, _last(), kinds)
    return _kept(path)


def ask_new_file(parent: QWidget, title: str, name: str, kinds: str) -> str:
    """Ask where to write a file that is called `name` unless the user says otherwise."""
    path, _ = QFileDialog.getSaveFileName(parent, title, str(Path(_last()) / name), kinds)
    return _kept(path)


def _last() -> str:
    """Give the folder that is remembered, if it is still there."""
    folder = str(chosen("last", "folder"))
    return folder if folder and Path(folder).is_dir() else ""


def _kept(path: str) -> str:
    if path:
        keep("last", "folder", str(Path(path).parent))
    return path
