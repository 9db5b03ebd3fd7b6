"""*Live*: the fused picture of the slice on screen follows every change, beside the window."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import Signal, Slot
from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from napari_fusion.errors import FusionError
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.check.geometry import MOVES, is_told_of
from napari_fusion.gui.fuse.preview import Drawn, Spot, hide_preview, preview, show_preview
from napari_fusion.gui.layers import LayerData
from napari_fusion.gui.worker import Job

CHANGES = {"contrast_limits", "data", *MOVES}
"""What may happen to a source that changes the fused picture."""


class LiveBox(QWidget):
    """A checkbox; while it is ticked, the visible slice is shown fused.

    One slice is computed at a time, in a thread. A picture that is no longer the one asked for
    when it comes is thrown away and the next one begun.

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
        self._job: Job[LayerData] | None = None
        self._drawn = Drawn()
        self._stale = self._showing = False
        self.box = QCheckBox("Live")
        self.box.setToolTip("Show the slice on screen fused at once, while you scroll and choose.")
        self.words = QLabel()
        self.words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        layout.addWidget(self.words)
        self.words.hide()
        self.box.toggled.connect(self._toggle)
        for name in ("point", "order", "ndisplay"):
            getattr(viewer.dims.events, name).connect(self._changed)
        viewer.layers.events.connect(self._layer_changed)

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
        job, self._job, self._drawn = self._job, None, Drawn()
        if job is not None:
            job.cancel()
        self._tell("")
        hide_preview(self._viewer)

    def _compute(self) -> None:
        self._stale = False
        try:
            asked, spot = self._make(), Spot.of(self._viewer)
        except FusionError as error:
            self._fail(error)
            return
        drawn = self._drawn
        job: Job[LayerData] = Job(lambda tell: preview(asked, spot, drawn), self)
        job.returned.connect(self._finish)
        job.failed.connect(self._fail)
        self._job = job
        job.start()

    @Slot(object)
    def _finish(self, data: LayerData) -> None:
        self._job = None
        if self._stale:
            self._compute()
            return
        self._tell("")
        self._showing = True
        try:
            show_preview(self._viewer, data)
        finally:
            self._showing = False

    @Slot(object)
    def _fail(self, error: FusionError) -> None:
        self._job = None
        if self._stale:
            self._compute()
            return
        self._showing = True
        hide_preview(self._viewer)
        self._showing = False
        self._tell(str(error))

    def _tell(self, words: str) -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))

    def _tell_line(self) -> None:
        try:
            self.said.emit(self._make().line("preview_layers"))
        except FusionError:
            return  # said where the picture would be

    def _changed(self, event: object = None) -> None:
        if not isalive(self):  # napari deleted the dock; the viewer lives on
            for name in ("point", "order", "ndisplay"):
                getattr(self._viewer.dims.events, name).disconnect(self._changed)
            return
        self.refresh()

    def _layer_changed(self, event: Any) -> None:
        if not isalive(self):
            self._viewer.layers.events.disconnect(self._layer_changed)
            return
        if event.type in CHANGES and is_told_of(self._viewer, event):
            self.refresh()
