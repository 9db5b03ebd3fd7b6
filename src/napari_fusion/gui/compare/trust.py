"""Hold L: the lens follows the mouse over every canvas; each tap or notch shows the next source."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.utils.notifications import show_error
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Slot
from qtpy.QtWidgets import QWidget

from napari_fusion.errors import FusionError
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.compare.lens import RADIUS, Lens, square
from napari_fusion.gui.compare.pictures import Seen
from napari_fusion.gui.layers import VOLUME, place_of
from napari_fusion.gui.readout import fused_layer, shares_at, value_at
from napari_fusion.gui.snapshot import SHARES
from napari_fusion.gui.views.pixels import is_flat, to_world
from napari_fusion.review import Sheet
from napari_fusion.review.lens import shares
from napari_fusion.review.paint import Picture
from napari_fusion.volume import Volume

Look = Callable[[Sheet], Picture]


@dataclass(frozen=True, eq=False)
class Content:
    """One thing the lens can show: its picture on a sheet, and what it says of a point."""

    look: Look
    say: Callable[[NDArray[np.float64], int], str]


class TrustLens(QObject):
    """Shows A, B, or who gave what to the fused picture, in a disc under the mouse.

    Parameters
    ----------
    viewer
        The viewer whose layers are looked at.
    """

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._names: tuple[str, str] = ("", "")
        self._held: dict[QWidget, Any] = {}
        self._at: tuple[QWidget, tuple[float, float]] | None = None
        self._lens: Lens | None = None
        self._contents: list[Content] = []
        self._turn = 0

    @Slot(object)
    def choose(self, chosen: Chosen) -> None:
        """Take the layers A (fixed) and B (moving)."""
        self._names = chosen.fixed, chosen.moving

    def hold(self, canvas: QWidget, viewer: Any) -> None:
        """Follow the mouse over a canvas of a viewer."""
        if canvas not in self._held:
            self._held[canvas] = viewer
            canvas.setMouseTracking(True)
            canvas.installEventFilter(self)

    def drop(self, canvas: QWidget) -> None:
        """Leave a canvas alone."""
        if self._held.pop(canvas, None) is not None and isalive(canvas):
            canvas.removeEventFilter(self)
        if self._at is not None and self._at[0] is canvas:
            self.end()
            self._at = None

    def release(self) -> None:
        """Leave every canvas alone."""
        for canvas in list(self._held):
            self.drop(canvas)

    @property
    def is_on(self) -> bool:
        """Whether the disc is to be seen."""
        return bool(self._contents)

    @Slot()
    def begin(self) -> None:
        """Show the disc under the mouse, or say why it cannot be."""
        try:
            self._contents = self._made()
        except FusionError as error:
            show_error(str(error))
            return
        self._draw()

    @Slot()
    def end(self) -> None:
        """Take the disc away; the next time it shows the next thing."""
        if not self._contents:
            return
        self._contents = []
        self._turn += 1
        lens, self._lens = self._lens, None
        if lens is not None and isalive(lens):
            lens.hide()
            lens.deleteLater()

    def next(self, by: int = 1) -> None:
        """Show the next thing, or one before."""
        self._turn += by
        self._draw()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Follow the mouse; while the disc is seen, the wheel is its."""
        if event.type() == QEvent.Type.MouseMove:
            self._at = (watched, (float(event.position().x()), float(event.position().y())))
            if self.is_on:
                self._draw()
        elif event.type() == QEvent.Type.Wheel and self.is_on:
            self.next(1 if event.angleDelta().y() < 0 else -1)
            return True
        elif event.type() == QEvent.Type.Leave and self._at is not None and self._at[0] is watched:
            self._at = None
            if self._lens is not None:
                self._lens.hide()
        return False

    def _draw(self) -> None:
        if not self._contents or self._at is None:
            return
        canvas, pixel = self._at
        viewer = self._held.get(canvas)
        if viewer is None or not is_flat(viewer):
            return
        point = to_world(viewer, pixel, (canvas.width(), canvas.height()))
        axis, corner, step = square(viewer, point, RADIUS)
        side = 2 * RADIUS
        sheet = Sheet(axis, (corner[0], corner[1], corner[2]), step, (side, side))
        content = self._contents[self._turn % len(self._contents)]
        picture = content.look(sheet)
        down, right = viewer.dims.displayed
        if down > right:
            picture = picture.swapaxes(0, 1)
        self._over(canvas).put(np.ascontiguousarray(picture), content.say(point, axis), pixel)

    def _over(self, canvas: QWidget) -> Lens:
        """Give the lens over a canvas; it moves along when the mouse does."""
        if self._lens is None or not isalive(self._lens) or self._lens.parentWidget() is not canvas:
            if self._lens is not None and isalive(self._lens):
                self._lens.deleteLater()
            self._lens = Lens(canvas)
        return self._lens

    def _made(self) -> list[Content]:
        """List what can be shown now: A, B, and the shares where something is fused."""
        found = []
        for side, name in zip("AB", self._names, strict=True):
            if name in self._viewer.layers:
                found.append(_source(side, self._viewer.layers[name]))
        fused = fused_layer(self._viewer)
        return [*found, *([] if fused is None else [_attribution(fused)])]


def _source(side: str, layer: Any) -> Content:
    seen = Seen.of(layer)
    known = VOLUME in layer.metadata

    def say(point: NDArray[np.float64], axis: int) -> str:
        told = f": {value_at(layer, point)}" if known else ""
        return f"{side}  {layer.name}{told}"

    return Content(seen.picture, say)


def _attribution(layer: Any) -> Content:
    """Colour a fused layer by who made it; of several sources, the last one's share."""
    names, kept = layer.metadata[SHARES]
    share = kept.get(names[-1]) or next(iter(kept.values()))
    fused = Seen.of(layer)
    place = _placed(share, layer)

    def look(sheet: Sheet) -> Picture:
        return shares(sheet.values(share.array, place), fused.values(sheet))

    def say(point: NDArray[np.float64], axis: int) -> str:
        told = shares_at(layer, point, axis) or "nothing"
        return f"who made it  {told}\nblue {names[0]}, orange {names[-1]}"

    return Content(look, say)


def _placed(volume: Volume, layer: Any) -> NDArray[np.float64]:
    """Give where a volume lies in the frame a layer is shown in: index → viewer mm, (4, 4)."""
    place = place_of(layer)
    turned = np.eye(4)
    turned[:3, :3] = np.eye(3) if place is None else place.frame.axes.T
    return np.asarray(turned @ volume.grid.affine, np.float64)
