"""What the buttons, sliders and the Space key of a viewer compare."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal, Slot

from napari_fusion.errors import FusionError, ParameterError
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.compare.comparing import compare_layers, compare_line
from napari_fusion.gui.compare.comparison import Comparison, find_comparison, leave_comparison
from napari_fusion.gui.compare.modes import CompareOptions, Mode
from napari_fusion.gui.widgets.hearing import hear

QUIET_MS = 400
"""A slider that stood still for so long is where the user wants it: the line of Python is said."""


class Comparer(QObject):
    """Compares the chosen layers of one viewer; what is compared is read from its layers.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    changed = Signal()
    """The mode is another one."""

    said = Signal(str)
    """The line of Python that shows the same."""

    refused = Signal(str)
    """Why the layers cannot be compared, in one sentence; empty once they can."""

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._chosen = Chosen()
        self.options = CompareOptions()
        self._told = Mode.FUSED
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(QUIET_MS)
        self._pause.timeout.connect(self._say)
        hear(self._layers_changed, viewer.layers.events)

    @property
    def mode(self) -> Mode:
        """What is shown now."""
        found = self._found
        return Mode.FUSED if found is None else found.mode

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take the layers A (fixed) and B (moving); what is compared goes on with them."""
        before, self._chosen = self._chosen, chosen
        if (before.fixed, before.moving) != (chosen.fixed, chosen.moving) and self._found:
            names = self._found.a.name, self._found.b.name
            if names != (chosen.fixed, chosen.moving):
                self.set_mode(self.mode)

    def set_mode(self, mode: Mode) -> None:
        """Show the chosen layers in a mode."""
        try:
            self._show(mode)
        except FusionError as error:
            self._refuse(error)
            return
        self.refused.emit("")
        self._say()
        self._tell()

    @Slot()
    def next(self) -> None:
        """Show the next mode of the round: fused, A, B, swipe, checkerboard, edges."""
        self.set_mode(self.mode.after)

    def set_options(self, **changes: float | str) -> None:
        """Change what the mode looks at; the picture follows at once."""
        self.options = self.options.model_copy(update=changes)
        found = self._found
        if found is None:
            return
        try:
            found.show(found.mode, self.options)
        except FusionError as error:  # a layer of other axes came meanwhile
            self._refuse(error)
            return
        self._pause.start()

    def _refuse(self, error: FusionError) -> None:
        """End comparing, and say why."""
        leave_comparison(self._viewer)
        self.refused.emit(str(error))
        self._tell()

    @Slot()
    def stop(self) -> None:
        """End comparing; the layers are seen as they are."""
        leave_comparison(self._viewer)

    def close(self) -> None:
        """End comparing and hear of nothing more: the window it speaks to goes away."""
        self._viewer.layers.events.disconnect(self._layers_changed)
        self.stop()

    @property
    def _found(self) -> Comparison | None:
        return find_comparison(self._viewer)

    def _show(self, mode: Mode) -> None:
        if mode is Mode.FUSED:
            leave_comparison(self._viewer)
            return
        chosen = self._chosen
        if not chosen.fixed or not chosen.moving:
            raise ParameterError("choose a fixed and a moving layer first")
        compare_layers(self._viewer, chosen.fixed, chosen.moving, mode, **self.options.model_dump())

    @Slot()
    def _say(self) -> None:
        names = self._chosen.fixed, self._chosen.moving
        if not all(names):  # nothing is open: there is nothing to repeat
            return
        self.said.emit(compare_line(*names, self.mode, self.options))

    def _tell(self) -> None:
        if self._found is not None:
            self.options = self._found.options
        if self.mode is not self._told:
            self._told = self.mode
            self.changed.emit()

    def _layers_changed(self, event: Any) -> None:
        if event.type in {"inserted", "removed", "name"}:
            self.refused.emit("")  # what was said may not be so any more
            self._tell()
