"""*Fusion models*: what a network is, and what pruning changed on the slice on screen."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt, QTimer, Slot
from qtpy.QtGui import QImage, QPixmap, QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFormLayout,
    QGridLayout,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from napari_fusion.errors import FusionError, Progress
from napari_fusion.fusion import networks
from napari_fusion.gui.actions import on_grid
from napari_fusion.gui.choices import keep_network
from napari_fusion.gui.colour.looks import FIRST_COLOUR, SECOND_COLOUR
from napari_fusion.gui.folder import ask_file
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.fuse.preview import Spot, slice_at
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.gui.steps.step import button
from napari_fusion.gui.widgets.combos import LayerCombo
from napari_fusion.gui.widgets.focus import FocusFrame
from napari_fusion.gui.widgets.scroll import UprightScroll
from napari_fusion.gui.worker import Job
from napari_fusion.gui.workspace import FusionWorkspace
from napari_fusion.slab import Window

if TYPE_CHECKING:
    import napari.viewer  # napari knows by this very annotation what to hand over

SIDE = 190
"""Rows and columns of a picture on the panel."""

FILES = "Networks (*.safetensors)"


@dataclass(frozen=True, eq=False)
class Comparing:
    """Two networks on the slice on screen: the job behind *Compare*.

    Parameters
    ----------
    snapshot
        The viewer's layers.
    spot
        The slice on screen.
    sources
        Names of two layers; the first one's grid is the picture's.
    first, second
        Networks: names of shipped ones, or files.
    """

    snapshot: Snapshot
    spot: Spot
    sources: tuple[str, str]
    first: str | Path
    second: str | Path

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work."""
        self.snapshot.check(self.sources)

    def compute(self, progress: Progress) -> tuple[networks.Comparison, bool]:
        """Fuse the slice twice; also says whether rows run upwards on the screen."""
        read = [self.snapshot.source(name) for name in self.sources]
        grid = read[0].volume.grid
        axis, index = slice_at(grid, self.snapshot.frame or Frame(), self.spot)
        planes = []
        for source, name in zip(read, self.sources, strict=True):
            progress(0.2, f"drawing {name} on the fixed grid")
            low, high = self.snapshot.window(name)
            plane = np.take(on_grid(source, grid).array, index, axis)
            planes.append(Window(lower=low, upper=high)(plane[None])[0])
        progress(0.8, "asking both networks")
        slices = np.stack(planes).astype(np.float32, copy=False)
        networks.compare(slices, self.first, self.second)  # the first time, torch makes ready
        return networks.compare(slices, self.first, self.second), axis != 0


class ModelsPanel(QWidget):
    """Choose a network, read its card, and compare it with another one.

    Parameters
    ----------
    viewer
        The napari viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer: Any = getattr(viewer, "__wrapped__", viewer)
        self._job: Job[tuple[networks.Comparison, bool]] | None = None
        self._make_choices()
        self._make_pictures()
        self._lay_out()
        self._list()
        FocusFrame(self)
        self._has_place = False

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take a place in the window, once it is known which napari gives; later the user's."""
        super().showEvent(event)
        if not self._has_place:
            self._has_place = True
            QTimer.singleShot(0, self._take_place)

    @Slot()
    def _take_place(self) -> None:
        """Be a tab beside the workspace: below it, napari leaves the workspace a few lines."""
        window, docks = self.window(), self.window().findChildren(QDockWidget)
        own = next((dock for dock in docks if dock.isAncestorOf(self)), None)
        other = next((dock for dock in docks if dock.findChild(FusionWorkspace)), None)
        if own is None or other is None or own.isFloating() or other.isFloating():
            return
        if window.dockWidgetArea(own) == window.dockWidgetArea(other):
            window.tabifyDockWidget(other, own)
            own.raise_()

    def _make_choices(self) -> None:
        self.network, self.other = QComboBox(), QComboBox()
        self.network.setToolTip("The network whose card is shown.")
        self.other.setToolTip("The network it is compared with.")
        self.fixed, self.moving = LayerCombo(self.viewer), LayerCombo(self.viewer)
        self.fixed.setToolTip("The first source; the picture lies on its grid.")
        self.moving.setToolTip("The second source, aligned before.")
        self.moving.setCurrentIndex(min(1, self.moving.count() - 1))
        self.file_button = button("Open file…", "A network of your own.", self._open)
        self.compare_button = button(
            "Compare on this slice", "Fuse the slice on screen by both.", self._compare
        )
        self.card = QPlainTextEdit()
        self.card.setReadOnly(True)
        self.card.setMinimumHeight(120)
        self.network.currentIndexChanged.connect(self._show_card)

    def _make_pictures(self) -> None:
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.pictures = tuple(QLabel() for _ in range(3))
        self.titles = tuple(QLabel() for _ in range(3))
        for picture in self.pictures:
            picture.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Network", self.network)
        form.addRow(self.file_button)
        form.addRow(self.card)
        form.addRow("Against", self.other)
        form.addRow("Sources", self.fixed)
        form.addRow("", self.moving)
        form.addRow(self.compare_button)
        form.addRow(self.words)
        grid = QGridLayout()
        for i, (title, picture) in enumerate(zip(self.titles, self.pictures, strict=True)):
            grid.addWidget(title, 2 * (i // 2), i % 2)
            grid.addWidget(picture, 2 * (i // 2) + 1, i % 2)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(form)
        layout.addLayout(grid)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(UprightScroll(inside))

    def _list(self) -> None:
        """List the shipped networks; without torch, say what is missing and offer nothing."""
        try:
            shipped = networks.shipped_networks()
        except FusionError as error:
            self.words.setText(str(error))
            for one in (self.network, self.other, self.file_button, self.compare_button):
                one.setDisabled(True)
            return
        for box, first in ((self.network, "pruned"), (self.other, "dense")):
            with QSignalBlocker(box):
                for name in sorted(shipped, key=lambda n: n != first):
                    box.addItem(f"{name}, shipped", name)
        self._show_card()

    @Slot()
    def _open(self) -> None:
        path = ask_file(self, "Open a network", FILES)
        if path:
            self.choose_file(Path(path))

    def choose_file(self, path: Path) -> None:
        """List a network of the user's own and choose it, if it is one."""
        try:
            networks.card(path)
        except FusionError as error:
            self.words.setText(str(error))
            return
        keep_network(str(path))
        self.words.setText("Fuse offers it too, as the network of the method Pruned network.")
        for box in (self.network, self.other):
            box.addItem(path.name, path)
        self.network.setCurrentIndex(self.network.count() - 1)

    @Slot()
    def _show_card(self) -> None:
        try:
            self.card.setPlainText(networks.card(self.network.currentData()))
        except FusionError as error:
            self.card.clear()
            self.words.setText(str(error))

    @Slot()
    def _compare(self) -> None:
        chosen = self.fixed.currentText(), self.moving.currentText()
        first, second = self.network.currentData(), self.other.currentData()
        try:
            asked = Comparing(Snapshot.of(self.viewer), Spot.of(self.viewer), chosen, first, second)
        except FusionError as error:
            self.words.setText(str(error))
            return
        self.compare_button.setDisabled(True)
        self.words.setText("Comparing …")
        job: Job[tuple[networks.Comparison, bool]] = Job(asked.compute, self)
        job.returned.connect(self._show)
        job.failed.connect(lambda error: self.words.setText(str(error)))
        job.ended.connect(lambda: self.compare_button.setEnabled(True))
        self._job = job
        job.start()

    @Slot(object)
    def _show(self, answer: tuple[networks.Comparison, bool]) -> None:
        found, upwards = answer
        most = float(np.abs(found.difference).max())
        names = (self.network.currentText(), self.other.currentText())
        told = (
            f"{names[0]}: {found.first_ms:.0f} ms",
            f"{names[1]}: {found.second_ms:.0f} ms",
            f"Difference, at most {most:.1%}",
        )
        drawn = (grey(found.first), grey(found.second), told_apart(found.difference))
        for words, rgb, title, picture in zip(told, drawn, self.titles, self.pictures, strict=True):
            title.setText(words)
            picture.setPixmap(pixmap(rgb[::-1] if upwards else rgb))
        self.words.setText(
            "Time is the processor's, for this slice. Orange: the first is brighter; "
            "blue: the second is."
        )


def grey(picture: networks.Picture) -> Any:
    """Give (h, w, 3) uint8 of a picture in [0, 1]."""
    return np.repeat(np.round(255 * picture)[..., None], 3, axis=2).astype(np.uint8)


def told_apart(difference: networks.Picture) -> Any:
    """Give (h, w, 3) uint8: orange where positive, blue where negative, full at the largest."""
    share = difference / max(float(np.abs(difference).max()), 1e-9)
    orange = share.clip(0)[..., None] * np.array(SECOND_COLOUR, np.float32)
    blue = (-share).clip(0)[..., None] * np.array(FIRST_COLOUR, np.float32)
    return np.round(255 * (orange + blue)).astype(np.uint8)


def pixmap(rgb: Any) -> QPixmap:
    """Make a picture of (h, w, 3) uint8 for the panel."""
    bits = np.ascontiguousarray(rgb)
    height, width, _ = bits.shape
    image = QImage(bits.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(
        SIDE,
        SIDE,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
