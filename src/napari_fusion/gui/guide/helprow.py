"""Above the steps and in napari's Help menu: the tour for newcomers, and what this is."""

# mypy: allow-subclassing-any
from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QHBoxLayout, QMenu, QWidget

from napari_fusion.gui.guide.about import show_about
from napari_fusion.gui.guide.tour import Tour
from napari_fusion.gui.steps.step import button


class HelpRow(QWidget):
    """Two buttons.

    Parameters
    ----------
    tour
        Is begun by the first one.
    """

    def __init__(self, tour: Tour, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tour_button = button(
            "Tour", "Five steps on a digital head, one sentence each.", tour.start
        )
        self.about_button = button(
            "About", "Version, licence, and what this is not.", self._show_about
        )
        self._actions: list[QAction] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self.tour_button)
        row.addWidget(self.about_button)

    @property
    def stands_in_menu(self) -> bool:
        """Whether it joined a menu and has not left."""
        return bool(self._actions)

    def join(self, menu: QMenu) -> None:
        """Stand in the window's Help menu, too; napari's manifest lets no plugin in there."""
        for words, one in (
            ("About napari-fusion", self.about_button),
            ("Tour of napari-fusion", self.tour_button),
        ):
            action = QAction(words, self)
            action.triggered.connect(one.click)
            menu.addAction(action)
            self._actions.append(action)

    def leave(self) -> None:
        """Go from the menu."""
        for action in self._actions:
            if isalive(action):
                action.deleteLater()
        self._actions.clear()

    def _show_about(self) -> None:
        show_about(self.window())
