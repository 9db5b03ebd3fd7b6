"""The fusion workspace: open, align, check, fuse, keep, from top to bottom in one dock."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt, QTimer, Slot
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from napari_fusion.gui.check.status import state_of
from napari_fusion.gui.desk import Desk
from napari_fusion.gui.guide.helprow import HelpRow
from napari_fusion.gui.guide.tour import Tour, open_sample_head
from napari_fusion.gui.hands.keys import Binding
from napari_fusion.gui.jobs import JobRow
from napari_fusion.gui.steps.align import AlignStep
from napari_fusion.gui.steps.check import CheckStep
from napari_fusion.gui.steps.fuse import FuseStep
from napari_fusion.gui.steps.keep import KeepStep
from napari_fusion.gui.steps.open import OpenStep
from napari_fusion.gui.steps.step import Step
from napari_fusion.gui.values import Values
from napari_fusion.gui.views.letters import show_letters
from napari_fusion.gui.widgets.focus import FocusFrame
from napari_fusion.gui.widgets.scroll import UprightScroll
from napari_fusion.volume import JSON

if TYPE_CHECKING:
    import napari.viewer  # napari knows by this very annotation what to hand over


class FusionWorkspace(QWidget):
    """Five steps below the state in words; every click is one line of Python.

    Steps know each other only by signals: *Open* tells what is chosen, *Align* what it added. What
    is loaded is in the viewer's layers, and nowhere else.

    Parameters
    ----------
    viewer
        The napari viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # napari hands plugins a proxy that also wraps whatever lives in a module called napari*,
        # our own volumes included; only public names are used below.
        self.viewer: Any = getattr(viewer, "__wrapped__", viewer)
        self.desk = Desk(self.viewer, self)
        self.desk.closing.connect(self.leave)
        self._make_ends()
        self._make_steps()
        self._lay_out()
        show_letters(self.viewer)
        self._bind_keys()
        self._tell_state()
        FocusFrame(self)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Take mouse and keys of the window it is shown in."""
        super().showEvent(event)
        QTimer.singleShot(0, self._attach)  # by then it lies in its dock

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed: napari takes the widget out of it, and forgets it.

        Left to Python's collector, it would go when the viewer it has to be parted from is gone.
        """
        orphaned = event.type() == QEvent.Type.ParentChange and self.parentWidget() is None
        if orphaned or event.type() == QEvent.Type.DeferredDelete:
            self.leave()
        if orphaned:
            self.deleteLater()
        return bool(super().event(event))

    @Slot()
    def leave(self) -> None:
        """Give mouse, keys and the window's middle back."""
        self.align.leave()
        self.help.leave()
        self.desk.release()

    @Slot()
    def _attach(self) -> None:
        self.desk.attach(self.window())
        window = getattr(self.viewer, "window", None)  # a viewer model has none
        if window is not None and not self.help.stands_in_menu:
            self.help.join(window.help_menu)

    def _make_ends(self) -> None:
        """Make what is always in sight: the state above the steps, values and progress below."""
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.state.setToolTip("How far the chosen layers may be trusted to lie on each other.")
        self.values = Values(self.viewer, self.desk.crossing)
        self.jobs = JobRow(self.viewer, self.desk.undo)

    def _make_steps(self) -> None:
        self.open = OpenStep(self.viewer)
        self.align = AlignStep(self.viewer, self.jobs)
        self.desk.hand, self.desk.landmarks = self.align.hand, self.align.landmarks
        self.align.hand.viewers = self.desk.viewers
        self.desk.quad.toggled.connect(self.align.hand.bind)
        self.check = CheckStep(self.viewer, self.desk)
        self.fuse = FuseStep(self.viewer, self.jobs)
        self.keep = KeepStep(self.viewer, self.settings, self.desk.crossing)
        self.steps: tuple[Step, ...] = (self.open, self.align, self.check, self.fuse, self.keep)
        for listener in (self.align, self.check, self.fuse, self.desk.lens, self.desk.quad):
            listener.choose(self.open.current)
            self.open.chosen.connect(listener.choose)
        self.open.chosen.connect(self._tell_state)
        self.align.aligned.connect(self.open.move_on)
        self.align.aligned.connect(self._tell_state)
        self.fuse.windows.asked.connect(self.desk.window_by)
        self.fuse.fused.connect(self._tell_state)
        self.fuse.fused.connect(self.check.comparer.stop)
        for heard in (self.check.comparer.changed, self.check.comparer.said):
            heard.connect(self.values.read)
        self.keep.geometry_panel.moved.connect(self._tell_state)
        self.keep.geometry_panel.moved.connect(self.align.tell)
        self.keep.session.opened.connect(self.take_up)
        self.tour = Tour(self, partial(open_sample_head, self.viewer))
        self.help = HelpRow(self.tour)
        for speaker in (self.jobs, *self.steps):
            speaker.said.connect(self.keep.code.say)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 0, 4, 0)
        for step in self.steps:
            column.addWidget(step)
        column.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(4, 4, 4, 4)
        outer.addWidget(self.help)
        outer.addWidget(self.state)
        outer.addWidget(self.tour)
        outer.addWidget(UprightScroll(inside), 1)
        outer.addWidget(self.values)
        outer.addWidget(self.jobs)
        for choice in self.findChildren(QComboBox):  # else letters would choose, and not be keys
            choice.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def settings(self) -> dict[str, JSON]:
        """Give what is chosen, as JSON values, for a session to keep."""
        told: dict[str, JSON] = {}
        for step in (self.open, self.align, self.check, self.fuse):
            told |= step.settings()
        opened: list[JSON] = [name for name, step in self._named_steps() if step.is_open]
        return told | {"steps_open": opened}

    @Slot(object)
    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Choose what was chosen when a session was saved; what is not there is left alone."""
        for step in (self.open, self.align, self.check, self.fuse):
            step.take_up(settings)
        opened = settings.get("steps_open")
        if isinstance(opened, list):
            for name, step in self._named_steps():
                step.set_open(on=name in opened)

    def _named_steps(self) -> Iterator[tuple[str, Step]]:
        yield from zip(("open", "align", "check", "fuse", "keep"), self.steps, strict=True)
        yield "hand", self.align.hand
        yield "landmarks", self.align.landmarks

    def _bind_keys(self) -> None:
        """Give keys what only the steps can do."""
        planes, comparer, lens = self.check.planes, self.check.comparer, self.desk.lens
        for binding in (
            Binding(
                "L",
                "held: lens with A, B, or who made it; tap or wheel: the next",
                lens.begin,
                lens.end,
            ),
            Binding("Space", "compare: fused, A, B, swipe, checkerboard, edges", comparer.next),
            Binding("X", "patient's left on the other side", planes.left.toggle),
        ):
            self.desk.keys.bind(binding)

    @Slot()
    def _tell_state(self) -> None:
        self.state.setText(state_of(self.open.layers))
