"""Step 3: look whether the layers lie on each other, in every plane."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import Slot
from qtpy.QtWidgets import QWidget

from napari_fusion.errors import ParameterError
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.colour.palettebox import PaletteBox
from napari_fusion.gui.compare.comparer import Comparer
from napari_fusion.gui.compare.modebar import ModeBar
from napari_fusion.gui.compare.modes import CompareOptions, Mode, mode_of
from napari_fusion.gui.desk import Desk
from napari_fusion.gui.ending import at_end
from napari_fusion.gui.steps.step import Step
from napari_fusion.gui.views.planes import PlaneBar
from napari_fusion.gui.views.viewbar import ViewBar
from napari_fusion.volume import JSON


class CheckStep(Step):
    """Turn the view, and compare.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    desk
        The linked views and the hands.
    """

    def __init__(self, viewer: Any, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Chec&k", "Look whether they lie on each other.", parent)
        self._desk = desk
        self.planes = PlaneBar(viewer)
        self.planes.turned.connect(self.said)
        self.comparer = Comparer(viewer, self)
        self.comparer.said.connect(self.said)
        self.modes = ModeBar(self.comparer)
        self.palettes = PaletteBox(viewer)
        self.palettes.said.connect(self.said)
        self.planes.sided.connect(desk.quad.set_sides)
        desk.quad.set_sides(self.planes.left_on)
        self.views = ViewBar(desk)
        self.form.addRow(self.views)
        self.form.addRow(self.planes)
        self.form.addRow(self.modes)
        self.form.addRow(self.palettes)
        at_end(self, self.comparer.close)

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take what is to be compared."""
        self.palettes.choose(chosen)
        self.comparer.choose(chosen)

    def settings(self) -> dict[str, JSON]:
        """Give how the layers are compared, in which views, where they cross, and what C chose."""
        return {
            "mode": self.comparer.mode.value,
            "compare": self.comparer.options.model_dump(),
            "left_on": self.planes.left_on,
            "four_views": self._desk.quad.is_open,
            "crossing": self._desk.crossing.point.tolist(),
            "crosshair": self._desk.hands.crosshair,
            **self._desk.quad.settings(),
        }

    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Compare as was compared, where the words are still known."""
        self._desk.attach(self.window())
        camera = self._desk.viewers()[0].scene.camera
        looked = camera.center, camera.zoom
        self._desk.show_views(on=bool(settings.get("four_views", self._desk.quad.is_open)))
        self._desk.crossing.return_to(settings.get("crossing"))
        self.planes.take_up(str(settings.get("left_on", self.planes.left_on)))
        self._desk.quad.take_up(settings)  # after sides, which turn the projection
        crosshair = settings.get("crosshair", self._desk.hands.crosshair)
        self._desk.use_crosshair(on=crosshair is True)
        camera.center, camera.zoom = looked  # planes are fitted when they open or turn
        try:
            self.comparer.options = CompareOptions(**settings.get("compare", {}))
            mode = mode_of(settings.get("mode", Mode.FUSED))
        except ParameterError:
            return
        if mode is not self.comparer.mode:
            self.comparer.set_mode(mode)
