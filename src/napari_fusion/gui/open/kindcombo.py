"""A list of what a layer may show, asked where its file does not say."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any, get_args

from napari.utils.notifications import show_error
from qtpy.QtCore import Signal, Slot
from qtpy.QtWidgets import QComboBox, QWidget

from napari_fusion.errors import FusionError
from napari_fusion.gui.line import line_of
from napari_fusion.gui.open.naming import Kind, is_unsaid, kind_of, name_modality


class KindCombo(QComboBox):
    """Choose what a layer shows; seen only where its file does not say.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    told = Signal(str)
    """The line of Python that repeats the choice."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Any = None
        self.addItems(["not said", *get_args(Kind)])
        self.setToolTip("The file does not say what was scanned; window and unit follow from it.")
        self.activated.connect(self._choose)

    def ask_about(self, layer: Any) -> bool:
        """Take a layer, or None; whether there is something to ask."""
        self._layer = layer
        asked = layer is not None and is_unsaid(layer)
        self.setCurrentText(kind_of(layer) or "not said" if asked else "not said")
        return asked

    @Slot(int)
    def _choose(self, index: int) -> None:
        if index < 1 or self._layer is None:
            return
        kind = get_args(Kind)[index - 1]
        try:
            name_modality(self._viewer, self._layer, kind)
        except FusionError as error:
            show_error(str(error))
            return
        self.told.emit(line_of("name_modality", self._layer.name, kind))
