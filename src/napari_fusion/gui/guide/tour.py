"""A tour of five steps: one sentence at each, and on it goes when the user has done it."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal, Slot
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_fusion.gui.steps.step import Step, button

if TYPE_CHECKING:
    import napari.viewer  # napari knows by this very annotation what to hand over

    from napari_fusion.gui.workspace import FusionWorkspace

FRAME = "border: 2px solid rgb(243, 139, 24);"
"""Around the heading that is spoken of: orange, and a line for those who do not see it."""


@dataclass(frozen=True)
class Stop:
    """One step of the tour.

    Parameters
    ----------
    words
        What to do.
    done
        Signals that say it was done.
    """

    words: str
    done: tuple[Any, ...] = ()


class Tour(QFrame):
    """A panel above the steps. Esc closes it; nothing of it is left, steps lie as they lay.

    Parameters
    ----------
    workspace
        The workspace whose steps are shown.
    open_sample
        Opens CT and MR of the digital head, misaligned.
    """

    closed = Signal()
    """The tour is over, or was closed."""

    def __init__(
        self,
        workspace: FusionWorkspace,
        open_sample: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent or workspace)
        self._workspace, self._at = workspace, -1
        self._were_open: list[bool] = []
        self._stops = _stops(workspace)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.title, self.words = QLabel(), QLabel()
        self.words.setWordWrap(True)
        self.sample_button = button(
            "Open sample head", "CT and MR of a digital head that do not lie together.", open_sample
        )
        self.next_button = button("Next", "Go on without doing it.", self.go_on)
        self.close_button = button("Close", "End the tour (Esc).", self.stop)
        row = QHBoxLayout()
        for one in (self.sample_button, self.next_button, self.close_button):
            row.addWidget(one)
        layout = QVBoxLayout(self)
        layout.addWidget(self.title)
        layout.addWidget(self.words)
        layout.addLayout(row)
        self.hide()
        QShortcut(QKeySequence("Esc"), self, self.stop)  # in all of the window, while it is shown

    @property
    def step(self) -> Step | None:
        """The step that is spoken of; None before and after the tour."""
        return self._workspace.steps[self._at] if 0 <= self._at < len(self._stops) else None

    @Slot()
    def start(self) -> None:
        """Begin at the first step, or begin again."""
        self.stop()
        self._were_open = [one.is_open for one in self._workspace.steps]
        self.show()
        self._go_to(0)

    @Slot()
    def go_on(self) -> None:
        """Go to the next step; after the last, the tour is over."""
        if self._at < 0:
            return
        if self._at + 1 < len(self._stops):
            self._go_to(self._at + 1)
        else:
            self.stop()

    @Slot()
    def stop(self) -> None:
        """End the tour; the steps are open or closed as they were."""
        if self._at < 0:
            return
        self._leave()
        self._at = -1
        for step, was_open in zip(self._workspace.steps, self._were_open, strict=True):
            step.set_open(on=was_open)
        self.hide()
        self.closed.emit()

    def _go_to(self, number: int) -> None:
        self._leave()
        self._at = number
        stop, step = self._stops[number], self._workspace.steps[number]
        for one in self._workspace.steps:
            one.set_open(on=one is step)
        step.heading.setStyleSheet(FRAME)
        last = number + 1 == len(self._stops)
        name = step.heading.text().replace("&", "")
        self.title.setText(f"<b>Tour, step {number + 1} of {len(self._stops)}: {name}</b>")
        self.words.setText(stop.words)
        self.sample_button.setVisible(number == 0)
        self.next_button.setText("Done" if last else "Next")
        for signal in stop.done:
            signal.connect(self._done)
        self.next_button.setFocus()
        _bring_into_sight(step.heading)

    def _leave(self) -> None:
        """Take the frame away and hear no more of the step that was spoken of."""
        if self.step is None:
            return
        self.step.heading.setStyleSheet("")
        for signal in self._stops[self._at].done:
            signal.disconnect(self._done)

    @Slot()
    @Slot(object)
    def _done(self, what: object = None) -> None:
        chosen = self._workspace.open.current
        if self._at == 0 and ("" in chosen.names or chosen.fixed == chosen.moving):
            return  # one volume is open, the other is still to come
        self.go_on()


def _stops(workspace: FusionWorkspace) -> tuple[Stop, ...]:
    return (
        Stop(
            "Open two volumes of one patient: drop files or folders on the window, or take the "
            "sample head. Fixed stays, Moving is brought onto it.",
            (workspace.open.chosen,),
        ),
        Stop(
            "Press Align, and read the verdict above the steps: PASS, CHECK or FAIL, and why.",
            (workspace.align.aligned,),
        ),
        Stop(
            "Do not believe the verdict: look. Press Checkerboard or Edges and scroll; edges must "
            "meet. Space goes from one way to the next.",
            (workspace.check.comparer.changed,),
        ),
        Stop(
            "Press Fuse. The picture is made of both; the layer share of … says, voxel by voxel, "
            "from which.",
            (workspace.fuse.fused,),
        ),
        Stop(
            "Move the mouse over the picture and read each source's own value below. Save session "
            "keeps all of this in one file.",
        ),
    )


def _bring_into_sight(widget: QWidget) -> None:
    above = widget.parent()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parent()
    if above is not None:
        above.ensureWidgetVisible(widget)


def open_sample_head(viewer: Any) -> None:
    """Open CT and MR of the digital head, which do not lie on each other."""
    viewer.open_sample("napari-fusion", "ct_t1")


def start_tour(viewer: napari.viewer.Viewer) -> None:
    """Open the workspace, if it is not open, and begin the tour: a command of napari's palette."""
    _, workspace = viewer.window.add_plugin_dock_widget("napari-fusion", "Fusion workspace")
    workspace.tour.start()
