"""Two buttons: keep all this, and open it again."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Signal, Slot
from qtpy.QtWidgets import QHBoxLayout, QMessageBox, QWidget

from napari_fusion.errors import Cancelled, FusionError
from napari_fusion.gui.folder import ask_file, ask_new_file
from napari_fusion.gui.line import line_of
from napari_fusion.gui.session.file import SUFFIX, open_session, save_session
from napari_fusion.gui.steps.step import button
from napari_fusion.volume import JSON

FILTER = f"Fusion session (*{SUFFIX})"


class SessionRow(QWidget):
    """Save what is open to a file, or open such a file.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    settings
        Gives what the workspace is set to.
    """

    said = Signal(str)
    """The line of Python that does the same."""

    opened = Signal(object)
    """A session was opened; what the workspace was set to."""

    def __init__(
        self,
        viewer: Any,
        settings: Callable[[], Mapping[str, JSON]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._settings = viewer, settings
        self.save_button = button(
            "Save session…",
            "Keep sources, alignments, fusions and the view in one file.",
            self._save,
        )
        self.open_button = button("Open session…", "Bring a saved session back.", self._open)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.save_button)
        row.addWidget(self.open_button)

    @Slot()
    def _save(self) -> None:
        path = ask_new_file(self, "Save session", f"session{SUFFIX}", FILTER)
        if not path:
            return
        self.save_to(path if path.endswith(SUFFIX) else path + SUFFIX)

    def save_to(self, path: str | Path) -> bool:
        """Save the session as the button does, once the user has said where; False if it failed."""
        try:
            save_session(self._viewer, path, workspace=self._settings())
        except FusionError as error:
            show_error(str(error))
            return False
        self.said.emit(line_of("save_session", str(path)))
        show_info("The session was saved, and read back the same.")
        return True

    @Slot()
    def _open(self) -> None:
        path = ask_file(self, "Open session", FILTER)
        if not path or (len(self._viewer.layers) and not self._may_close()):
            return
        try:
            settings = open_session(self._viewer, path, replace=True)
        except Cancelled:
            return
        except FusionError as error:
            show_error(str(error))
            return
        self.said.emit(line_of("open_session", path, replace=True))
        self.opened.emit(settings)

    def _may_close(self) -> bool:
        answer = QMessageBox.question(
            self, "Open session", "Close the layers that are open and open the session instead?"
        )
        return bool(answer == QMessageBox.StandardButton.Yes)
