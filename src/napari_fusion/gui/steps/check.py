"""Step 3: look whether the layers lie on each other, in every plane."""

# mypy: allow-subclassing-any
from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_fusion.gui.planes import PlaneBar
from napari_fusion.gui.steps.step import Step


class CheckStep(Step):
    """Turn the view, and compare.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("&Check", "Look whether they lie on each other.", parent)
        self.planes = PlaneBar(viewer)
        self.planes.turned.connect(self.said)
        self.form.addRow(self.planes)
