"""Step 5: what was done, in millimetres and in Python."""

# mypy: allow-subclassing-any
from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_fusion.gui.code import CodeBox
from napari_fusion.gui.geometry import GeometryPanel
from napari_fusion.gui.steps.step import Step


class KeepStep(Step):
    """Read what was done to a layer, and copy the Python that repeats it.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("&Measure and keep", "What was done, and how to do it again.", parent)
        self.geometry_panel = GeometryPanel(viewer)
        self.code = CodeBox()
        self.form.addRow(self.geometry_panel)
        self.form.addRow(self.code)
