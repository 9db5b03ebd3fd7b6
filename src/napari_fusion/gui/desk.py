"""Linked views, mouse, keys and undo of one viewer, from the day they are taken until they go."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Signal, Slot
from qtpy.QtWidgets import QWidget

from napari_fusion.gui.align.nudges import nudge_rows
from napari_fusion.gui.compare.trust import TrustLens
from napari_fusion.gui.hands.card import KeyCard
from napari_fusion.gui.hands.deeds import Deeds
from napari_fusion.gui.hands.hands import Hands
from napari_fusion.gui.hands.hints import Hints
from napari_fusion.gui.hands.keys import Binding, Keys, has_key
from napari_fusion.gui.hands.presets import Preset, presets_of
from napari_fusion.gui.statusbar import StatusBar
from napari_fusion.gui.undo import UndoStack
from napari_fusion.gui.views.cross import Cross
from napari_fusion.gui.views.crossing import Crossing
from napari_fusion.gui.views.marks import Marks, window_words
from napari_fusion.gui.views.quad import Quad, canvas_of

if TYPE_CHECKING:
    from napari_fusion.gui.steps.hand import HandBox
    from napari_fusion.gui.steps.landmarks import LandmarkBox

OPACITY_STEP = 0.1


class Desk(QObject):
    """What lies ready around a viewer while the workspace is open.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    crosshair_changed = Signal(bool)
    """The left button moves the crosshair now, or windows again."""

    closing = Signal()
    """The window is about to close."""

    layer_changed = Signal()
    """Another layer is windowed by a drag now."""

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._window: QWidget | None = None
        self._cross: Cross | None = None
        self._card: KeyCard | None = None
        self._released = False
        self.undo = UndoStack(self)
        self.crossing = Crossing(viewer, self)
        self.quad = Quad(viewer, self.crossing, self)
        self._marks = Marks(viewer)
        self._status = StatusBar(viewer, self.crossing, self)
        self._deeds = Deeds(viewer, self.undo, self)
        self.hands = Hands(viewer, self.crossing, self._deeds.windowed, self)
        self.keys = Keys(self._is_free, self)
        self.lens = TrustLens(viewer, self)
        self.hand: HandBox | None = None  # while it holds a picture, nudges are what is taken back
        self.landmarks: LandmarkBox | None = None  # while it marks places, marks are
        self.quad.toggled.connect(self._views_toggled)
        self.hands.enlarged.connect(self.quad.enlarge)
        self._heard = (viewer.layers.selection.events.active, viewer.layers.events.removed)
        for event in self._heard:
            event.connect(self._choose_layer)
        for binding in self._bindings():
            self.keys.bind(binding)
        self._hints = Hints(viewer, self.keys.takes)

    # taking and giving back

    def attach(self, window: QWidget) -> None:
        """Take mouse and keys of a napari window, once; other windows have nothing to take."""
        _, main = canvas_of(window, self._viewer)
        if main is None or self._window is not None or self._released:
            return
        self._window = window
        window.installEventFilter(self)
        self.keys.hold(window)
        if isinstance(room := self.parent(), QWidget):
            self.keys.hold(room)  # napari's dock, around it, gives keys to napari alone
        self._marks.put_on(main.canvas.native)
        self._cross = Cross(self._viewer, main.canvas.native, self.crossing)
        self._hold(main.canvas.native, self._viewer)
        self._show_cross()

    @Slot()
    def release(self) -> None:
        """Close the views and give mouse and keys back to napari; once and for all."""
        if self._released:
            return
        self._released = True
        if self._window is not None and isalive(self._window):
            self._window.removeEventFilter(self)
            self.quad.dispose()
            self.hands.release()
            self.keys.release()
            self.lens.release()
        self._window = None
        if self._cross is not None and isalive(self._cross):
            self._cross.deleteLater()
        if self._card is not None and isalive(self._card):
            self._card.close()
        self.undo.clear()
        for event in self._heard:
            event.disconnect(self._choose_layer)
        self._marks.close()
        self._status.close()
        self._hints.close()
        self._deeds.close()
        self.crossing.leave(self._viewer)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Tell that the window closes, while everything is still there."""
        if event.type() == QEvent.Type.Close and watched is self._window:
            self.closing.emit()
        return False

    def _choose_layer(self, event: object = None) -> None:
        self.layer_changed.emit()

    def _hold(self, canvas: QWidget, viewer: Any) -> None:
        self.hands.hold(canvas, viewer)
        self.keys.hold(canvas)
        self.lens.hold(canvas, viewer)

    @Slot(bool)
    def _views_toggled(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        for canvas in self.hands.canvases:
            if self.hands.viewer_at(canvas) is not self._viewer:
                self.hands.drop(canvas)
                self.keys.drop(canvas)
                self.lens.drop(canvas)
        for view in self.quad.views:
            self._hold(view.canvas, view.model)
        self._show_cross()

    def _show_cross(self) -> None:
        if self._cross is not None:
            self._cross.setVisible(self.quad.is_open or self.hands.crosshair)

    def _is_free(self, keys: str) -> bool:
        """Whether a key is not that of a layer that is drawn on, or may be."""
        from napari.layers import Image

        active = self._viewer.layers.selection.active
        ours = active is None or isinstance(active, Image)
        marking = self.landmarks is not None and self.landmarks.is_marking
        return (self.hands.is_free or marking) and (ours or not has_key(active, keys))

    # what can be done

    def viewers(self) -> list[Any]:
        """Give the viewers of all canvases, the window's own first."""
        return [self._viewer, *(view.model for view in self.quad.views)]

    def show_views(self, *, on: bool) -> None:
        """Open the four views, or close them."""
        if not on:
            self.quad.close()
        elif self._viewer.layers and self._viewer.dims.ndim != 3:
            show_error("Four views need volumes of three axes: close the layer that has others.")
        elif self._window is not None:
            self.quad.open(self._window)

    def use_crosshair(self, *, on: bool) -> None:
        """Let the left button move the crosshair instead of the window."""
        self.hands.crosshair = on
        self._show_cross()
        self.crosshair_changed.emit(on)

    @Slot(object, object)
    def window_by(self, preset: Preset, layer: Any = None) -> None:
        """Window a layer; by default the one a drag would window."""
        layer = self.hands.layer() if layer is None else layer
        if layer is None:
            return
        before = tuple(layer.contrast_limits)
        layer.contrast_limits = (preset.low, preset.high)
        self._deeds.windowed(layer, before)
        self._viewer.status = f"{layer.name}: {preset.name}, {window_words(layer)}"

    @Slot()
    def show_card(self) -> None:
        """Show what mouse and keys do; once more, and it goes."""
        if self._card is not None and isalive(self._card) and self._card.isVisible():
            self._card.close()
            return
        self._card = KeyCard(self.keys.bindings, nudge_rows(), self._window)
        self._card.show()

    def _preset(self, number: int) -> None:
        layer = self.hands.layer()
        presets = [] if layer is None else presets_of(layer)
        if number <= len(presets):
            self.window_by(presets[number - 1])

    def _fade(self, by: float) -> None:
        layer = self.hands.layer()
        if layer is not None:
            layer.opacity = round(min(max(layer.opacity + by, 0.0), 1.0), 3)
            self._viewer.status = f"{layer.name}: opacity {layer.opacity:.0%}"

    def _project(self) -> None:
        """Show the projection; when it is shown, turn it or stop it."""
        if self.quad.turning is None or self.quad.shows_pair:
            self.quad.show_pair(on=False)
            self.show_views(on=True)
        else:
            self.quad.turning.turn(on=not self.quad.turning.is_turning)

    def _reset(self) -> None:
        if self.quad.is_open:
            self.quad.fit()
        else:
            self._viewer.reset_view()

    def _undo(self) -> None:
        if self.hand is not None and self.hand.hand is not None:
            self.hand.take_back()
            return
        if self.landmarks is not None and self.landmarks.take_back():
            return
        self._viewer.status = f"Taken back: {self.undo.undo() or 'nothing'}"

    def _redo(self) -> None:
        if self.hand is not None and self.hand.hand is not None:
            self.hand.do_again()
            return
        self._viewer.status = f"Done again: {self.undo.redo() or 'nothing'}"

    def _bindings(self) -> list[Binding]:
        digits = [
            Binding(str(n), "window presets of the selected layer", partial(self._preset, n))
            for n in range(1, 10)
        ]
        return [
            *digits,
            Binding("[", "layer fainter", partial(self._fade, -OPACITY_STEP), repeats=True),
            Binding("]", "layer stronger", partial(self._fade, OPACITY_STEP), repeats=True),
            Binding("F", "four views, or one", lambda: self.show_views(on=not self.quad.is_open)),
            Binding("M", "projection; once more, turn it or stop", self._project),
            Binding(
                "C",
                "left button: crosshair or window",
                lambda: self.use_crosshair(on=not self.hands.crosshair),
            ),
            Binding("R", "show everything", self._reset),
            Binding("Ctrl+Z", "take back", self._undo, repeats=True),
            Binding("Ctrl+Shift+Z", "do again", self._redo, repeats=True),
            Binding("?", "this card", self.show_card),
        ]
