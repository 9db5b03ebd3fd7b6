"""Within *Align*: move the moving picture by hand, and place it or refine it from there."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal, Slot
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from napari_fusion.errors import FusionError
from napari_fusion.gui.align.aligning import RIGID, Aligning
from napari_fusion.gui.align.ghost import GHOST, Ghost, hide_ghost, show_ghost
from napari_fusion.gui.align.hand import Hand, Placing, Screen, start_of
from napari_fusion.gui.align.nudges import COARSE, FINE, NUDGES, Nudge
from napari_fusion.gui.align.pose import STILL, Pose, posed
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.covered import cover, uncover
from napari_fusion.gui.frame import Frame, check_slice
from napari_fusion.gui.fuse.preview import find_preview
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.gui.steps.step import Step, allow, button
from napari_fusion.gui.views.quad import canvas_of

LOOKS = ("contrast_limits", "colormap", "gamma")
"""What the ghost has of the layer whose ghost it is."""

KEYS = f"Arrows: {COARSE:g} mm. Alt+← →: {COARSE:g}°. With Shift: {FINE:g}."


class HandBox(Step):
    """Nudge the moving picture with the arrow keys; nothing is added until it is placed.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.

    Attributes
    ----------
    viewers
        Gives the viewers of all canvases; the arrows act in each, along its own screen.
    """

    asked = Signal(object)
    """A function that makes the job to be run: *Place* or *Align from here*."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("By han&d", "Move the moving picture with the arrow keys.", parent)
        self._viewer, self._chosen = viewer, Chosen()
        self._hand: Hand | None = None
        self._moving = ""
        self._kept: list[tuple[Any, str, Any]] = []
        self.viewers: Callable[[], list[Any]] = lambda: [viewer]
        self._left: tuple[Chosen, Hand] | None = None
        self.move_button = QPushButton("Move with the arrow keys")
        self.move_button.setCheckable(True)
        self.move_button.setToolTip(KEYS)
        self.move_button.toggled.connect(self._grasp)
        self.words = QLabel(KEYS)
        self.words.setWordWrap(True)
        self.undo_button = button("Undo", "Take the last nudge back.", self._undo)
        self.redo_button = button("Redo", "Do it again.", self._redo)
        self.place_button = button(
            "Place", "Draw it here, and judge how well it lies.", self._place
        )
        self.refine_button = button(
            "Align from here", "Search near this pose only.", self._align_from_here
        )
        self.form.addRow(self.move_button)
        self.form.addRow(self.words)
        self.form.addRow(_row(self.undo_button, self.redo_button))
        self.form.addRow(_row(self.place_button, self.refine_button))
        self.set_open(on=False)
        self._tell()

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take which layers are meant; moving by hand ends."""
        if self._hand is not None and self._is_renamed(chosen):
            self._chosen, self._moving = chosen, str(self._held[1].name)
        elif chosen != self._chosen:
            self._chosen, self._left = chosen, None
            if self._hand is not None:
                self._hand = None  # the ghost goes later: napari may be removing layers just now
                QTimer.singleShot(0, self._stop_if_alive)

    def _is_renamed(self, chosen: Chosen) -> bool:
        """Whether what is chosen are the layers in hand, be it by other names."""
        fixed, _, moving = self._held
        return (chosen.fixed, chosen.moving) == (str(fixed.name), str(moving.name))

    def stop(self) -> None:
        """Let go: the ghost and the keys are as before; taken in hand again, so is the pose."""
        self.move_button.setChecked(False)

    def take_back(self) -> bool:
        """Take the last nudge back, as Ctrl+Z does while something is in hand."""
        taken = self._hand is not None and self._hand.undo()
        self._draw()
        return taken

    def do_again(self) -> bool:
        """Do a nudge again that was taken back."""
        done = self._hand is not None and self._hand.redo()
        self._draw()
        return done

    @property
    def hand(self) -> Hand | None:
        """The pose in hand, if there is one."""
        return self._hand

    @Slot(bool)
    def _grasp(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        if not on:
            self._let_go()
            return
        try:
            self._take()
        except FusionError as error:
            show_error(str(error))
            self.move_button.setChecked(False)
            return
        self._viewer.layers.events.removed.connect(self._removed)
        self.bind()
        main = canvas_of(self.window(), self._viewer)[1]
        if main is not None:
            main.canvas.native.setFocus()  # where arrows are heard, and Ctrl+Z
        self._tell()

    def _take(self) -> None:
        """Take the moving layer in hand.

        Raises
        ------
        FusionError
            Nothing that can be moved is chosen, or it cannot be shown in this view.
        """
        snapshot = Snapshot.of(self._viewer)
        snapshot.check([self._chosen.fixed, self._chosen.moving])
        self._moving, drawn = start_of(self._viewer, self._chosen.moving)
        fixed, moving = (snapshot.source(n).volume for n in (self._chosen.fixed, self._moving))
        here = drawn or posed(fixed.grid, moving.grid, STILL)
        layer = self._viewer.layers[self._moving]
        ghost = Ghost.of(layer, moving, snapshot.frame or Frame())
        hand = self._left[1] if self._left and self._left[0] == self._chosen else Hand(here)
        self._left = None
        show_ghost(self._viewer, ghost, hand.now)
        self._hand, self._ghost = hand, ghost
        chosen = (self._viewer.layers[n] for n in (self._chosen.fixed, self._chosen.moving))
        self._held = (next(chosen), layer, next(chosen))
        cover(self._viewer, {str(one.name) for one in self._held[1:]}, "hand")
        for name in LOOKS:
            getattr(layer.events, name).connect(self._look)

    def _let_go(self) -> None:
        if not self._kept:  # nothing is in hand
            return
        if self._hand is not None:
            self._left, self._hand = (self._chosen, self._hand), None
        self._viewer.layers.events.removed.disconnect(self._removed)
        self._unbind()
        for name in LOOKS:
            getattr(self._held[1].events, name).disconnect(self._look)
        hide_ghost(self._viewer)
        uncover(self._held[1:], "hand")
        self._tell()

    def _removed(self, event: object = None) -> None:
        """Hear that a layer was closed; napari is not done with it yet."""
        if isalive(self):
            QTimer.singleShot(0, self._stop_if_gone)
        else:  # napari deleted the dock; the viewer lives on
            self._viewer.layers.events.removed.disconnect(self._removed)
            self._unbind()

    def _stop_if_gone(self) -> None:
        """Let go when a layer was closed that the ghost is made of, or the ghost itself."""
        if not isalive(self) or self._hand is None:
            return
        names = {str(layer.name) for layer in self._viewer.layers}
        if (
            find_preview(self._viewer, GHOST) is None
            or not {
                self._chosen.fixed,
                self._moving,
            }
            <= names
        ):
            self.stop()

    def _stop_if_alive(self) -> None:
        if isalive(self):
            self.stop()

    def _draw(self) -> None:
        if self._hand is None:
            return
        try:
            show_ghost(self._viewer, self._ghost, self._hand.now)
        except FusionError as error:  # in 3-D there are no slices
            show_error(str(error))
        self._tell()

    def _look(self, event: object = None) -> None:
        """Let the ghost look as the layer does whose ghost it is."""
        ghost = find_preview(self._viewer, GHOST)
        if self._hand is None or ghost is None or self._moving not in self._viewer.layers:
            return
        layer = self._viewer.layers[self._moving]
        self._ghost = Ghost.of(layer, self._ghost.moving, self._ghost.frame)
        for name, value in self._ghost.look.items():
            setattr(ghost, name, value)

    def _nudge(self, viewer: Any, nudge: Nudge) -> None:
        screen = self._screen(viewer)
        if self._hand is None or screen is None:
            return
        if nudge.degrees:
            self._hand.turn(screen, nudge.degrees)
        else:
            self._hand.shift(nudge.right_mm * screen.right + nudge.down_mm * screen.down)
        self._draw()

    def _screen(self, viewer: Any) -> Screen | None:
        """Give the directions of a canvas that shows a slice; of another, say so."""
        try:
            check_slice(viewer, "moving by hand")
        except FusionError as error:
            show_error(str(error))
            return None
        return Screen.of(viewer, self._ghost.frame)

    @Slot()
    def _undo(self) -> None:
        self.take_back()

    @Slot()
    def _redo(self) -> None:
        self.do_again()

    @Slot()
    def _place(self) -> None:
        self._ask(self._placing)

    @Slot()
    def _align_from_here(self) -> None:
        self._ask(self._aligning)

    def _ask(self, make: Callable[[Pose], Any]) -> None:
        if self._hand is not None:
            pose = self._hand.pose
            self.asked.emit(lambda: make(pose))

    def _placing(self, pose: Pose) -> Placing:
        chosen = self._chosen
        snapshot = Snapshot.of(self._viewer)
        return Placing(snapshot, chosen.fixed, self._moving, pose, chosen.different_patients)

    def _aligning(self, pose: Pose) -> Aligning:
        chosen = self._chosen
        names = chosen.fixed, self._moving
        snapshot = Snapshot.of(self._viewer)
        return Aligning(snapshot, *names, RIGID, chosen.different_patients, pose)

    @Slot()
    def bind(self) -> None:
        """Take the arrow keys of every canvas, and keep what they did before."""
        if self._hand is None:
            return
        self._unbind()
        for viewer in self.viewers():
            for nudge in NUDGES:
                self._key(viewer, nudge.key, partial(self._nudge, nudge=nudge))

    def _key(self, viewer: Any, key: str, act: Callable[[Any], None]) -> None:
        from app_model.types import KeyBinding

        self._kept.append((viewer, key, viewer.keymap.get(KeyBinding.from_str(key))))
        viewer.bind_key(key, lambda viewer: act(viewer), overwrite=True)

    def _unbind(self) -> None:
        for viewer, key, before in self._kept:
            viewer.bind_key(key, before, overwrite=True)
        self._kept = []

    def _tell(self) -> None:
        held = self._hand is not None
        for one in (self.undo_button, self.redo_button, self.place_button, self.refine_button):
            allow(one, on=held, why=f"First press {self.move_button.text()!r}.")
        if self._hand is None:
            self.words.setText(KEYS)
            return
        shift, degrees = self._hand.picture
        told = " ".join(f"{side} {x:+.1f}" for side, x in zip("LPS", shift, strict=True))
        turned = " ".join(f"{side} {x:+.1f}°" for side, x in zip("LPS", degrees, strict=True))
        self.words.setText(f"Moved by {told} mm, turned by {turned}\n{KEYS}")


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row
