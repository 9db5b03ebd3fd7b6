"""*Live*: every canvas shows its slice fused, and follows every change."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import Signal, Slot
from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from napari_fusion.errors import FusionError, Progress
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.check.geometry import MOVES, is_told_of
from napari_fusion.gui.covered import cover, uncover
from napari_fusion.gui.ending import at_end
from napari_fusion.gui.fuse.preview import (
    Drawn,
    Spot,
    find_preview,
    hide_preview,
    preview,
    show_preview,
)
from napari_fusion.gui.fuse.slices import Cut
from napari_fusion.gui.layers import LIVE, LayerData
from napari_fusion.gui.snapshot import SHARES
from napari_fusion.gui.widgets.hearing import hear
from napari_fusion.gui.worker import Job

CHANGES = {"contrast_limits", "data", *MOVES}
"""What may happen to a source that changes the fused picture."""


class LiveBox(QWidget):
    """A checkbox; while it is ticked, the visible slice is shown fused in place of its sources.

    Sources are drawn and the first slice is fused in a thread; from then on every canvas fuses what
    it shows when it shows it. Slices that take long are fused in a thread, one at a time, and are
    black until they come; meanwhile the box says that the picture is on its way. What is no longer
    asked for when it comes is thrown away.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    make
        Gives what *Fuse* would do now; raises FusionError when that cannot be.
    """

    said = Signal(str)
    """The line of Python that shows the same preview once."""

    def __init__(
        self, viewer: Any, make: Callable[[], Fusing], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._make = viewer, make
        self._job: Job[Any] | None = None
        self._drawn = Drawn()
        self._missed: list[Cut] = []
        self._stale = self._showing = False
        self._covering: tuple[str, ...] = ()
        self.box = QCheckBox("Live")
        self.box.setToolTip("Show the slice on screen fused at once, while you scroll and choose.")
        self.words = QLabel()
        self.words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        layout.addWidget(self.words)
        self.words.hide()
        at_end(self, self._end)
        self.box.toggled.connect(self._toggle)
        hear(self._turned, viewer.dims.events.ndisplay)
        hear(self._layer_changed, viewer.layers.events)

    @Slot()
    def refresh(self) -> None:
        """Compute the slice on screen anew, if live; what is being computed is out of date."""
        if not self.box.isChecked() or self._showing:
            return
        self._stale = True
        if self._job is None:
            self._compute()

    def stop(self) -> None:
        """Untick, and take the preview away."""
        self.box.setChecked(False)

    @Slot(bool)
    def _toggle(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        if on:
            self._tell_line()
            self.refresh()
            return
        job, self._drawn, self._missed = self._job, Drawn(), []
        self._set_job(None)
        if job is not None:
            job.cancel()
        self._tell("")
        self._hide()

    def _compute(self) -> None:
        self._stale = False
        try:
            asked, spot = self._make(), Spot.of(self._viewer)
        except FusionError as error:
            self._fail(error)
            return
        drawn = self._drawn
        self._start(lambda tell: preview(asked, drawn, spot), self._finish)

    def _start(self, work: Callable[[Progress], Any], then: Callable[[Any], None]) -> None:
        job: Job[Any] = Job(work, self)
        job.returned.connect(then)
        job.failed.connect(self._fail)
        self._set_job(job)
        job.start()

    def _set_job(self, job: Job[Any] | None) -> None:
        """Know what is being computed, and say so without moving the form."""
        self._job = job
        self.box.setText("Live" if job is None else "Live — fusing …")

    @Slot(object)
    def _finish(self, data: LayerData) -> None:
        self._set_job(None)
        if self._stale:
            self._compute()
            return
        self._tell("")
        self._missed = []
        slices: Any = data[0]
        slices.maker.missed = self._miss
        self._show(lambda: show_preview(self._viewer, data))
        self._cover(data[1]["metadata"][SHARES][0])

    def _cover(self, names: tuple[str, ...]) -> None:
        """Hide the sources, once: one that is shown again by hand stays so."""
        if names != self._covering:
            uncover(self._viewer.layers, "live")
            cover(self._viewer, names, "live")
        self._covering = names

    def _hide(self) -> None:
        """Take the preview away, and show the sources as they were."""
        self._covering = ()
        self._show(lambda: hide_preview(self._viewer))
        uncover(self._viewer.layers, "live")

    def _end(self) -> None:
        """Leave the viewer as it was; a preview that was asked for by its line of code stays."""
        if self._covering:
            self._hide()

    def _miss(self, cut: Cut) -> None:
        """Fuse a slice that takes long beside the window: of each plane the one asked for last."""
        if not isalive(self):
            return
        self._missed = [one for one in self._missed if one[0] != cut[0]] + [cut]
        if self._job is None:
            self._fetch()

    def _fetch(self) -> None:
        layer = find_preview(self._viewer)
        if layer is None or not self._missed:
            return
        cut, maker = self._missed.pop(), layer.data.maker
        self._start(lambda tell: maker.make(cut), self._come)

    @Slot(object)
    def _come(self, fused: object) -> None:
        """Look at the slices anew: one of them is there now."""
        self._set_job(None)
        layer = find_preview(self._viewer)
        if self._stale:
            self._compute()
        elif layer is not None:
            self._show(lambda: setattr(layer, "data", layer.data))
            if self._job is None:
                self._fetch()

    def _show(self, change: Callable[[], Any]) -> None:
        """Change the preview; what the viewer says meanwhile is our own doing."""
        self._showing = True
        try:
            change()
        finally:
            self._showing = False

    @Slot(object)
    def _fail(self, error: FusionError) -> None:
        self._set_job(None)
        if self._stale:
            self._compute()
            return
        self._hide()
        self._tell(str(error))

    def _tell(self, words: str) -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))

    def _tell_line(self) -> None:
        try:
            self.said.emit(self._make().line("preview_layers"))
        except FusionError:
            return  # said where the picture would be

    def _turned(self, event: object = None) -> None:
        self.refresh()

    def _layer_changed(self, event: Any) -> None:
        thrown_out = event.type == "removed" and event.value.metadata.get(LIVE) is True
        if thrown_out and not self._showing:
            self.stop()
        if event.type in CHANGES and is_told_of(self._viewer, event):
            self.refresh()
