"""Step 5: what lies in a region, and what was done, in millimetres and in Python."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_fusion.gui.check.geometry import GeometryPanel
from napari_fusion.gui.measure.box import MeasureBox
from napari_fusion.gui.session.row import SessionRow
from napari_fusion.gui.steps.step import Step
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.widgets.code import CodeBox
from napari_fusion.volume import JSON


class KeepStep(Step):
    """Measure regions, read what was done to a layer, and copy the Python that repeats it.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    settings
        Gives what the workspace is set to, for a session to keep.
    crossing
        Where a sphere is measured.
    """

    def __init__(
        self,
        viewer: Any,
        settings: Callable[[], Mapping[str, JSON]],
        crossing: Crossing,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            "&Measure and keep",
            "What lies in a region, what was done, and how to do it again.",
            parent,
        )
        self.measure = MeasureBox(viewer, crossing)
        self.measure.said.connect(self.said)
        self.session = SessionRow(viewer, settings)
        self.session.said.connect(self.said)
        self.geometry_panel = GeometryPanel(viewer)
        self.code = CodeBox()
        self.form.addRow(self.measure)
        self.form.addRow(self.session)
        self.form.addRow(self.geometry_panel)
        self.form.addRow(self.code)
