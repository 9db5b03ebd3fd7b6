"""Above the steps: the tour for who comes for the first time, and what this is."""

# mypy: allow-subclassing-any
from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QWidget

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
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self.tour_button)
        row.addWidget(self.about_button)

    def _show_about(self) -> None:
        show_about(self.window())
