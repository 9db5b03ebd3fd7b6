"""Two layers compared in a viewer: a layer of pictures on top, nothing below is touched."""

from __future__ import annotations

import math
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QCoreApplication, QTimer

from napari_fusion.errors import GeometryError, ParameterError
from napari_fusion.gui.check.status import standing_of
from napari_fusion.gui.compare.modes import CompareOptions, Mode
from napari_fusion.gui.compare.pictures import Pictures, Raster, Seen
from napari_fusion.gui.frame import AXIS_LABELS, check_slice
from napari_fusion.gui.layers import LIVE, SHOWN, VOLUME, place_of

if TYPE_CHECKING:
    from napari.layers import Layer

COMPARED = "napari_fusion_compared"
"""Key of a layer's metadata: the `Comparison` it is a picture of."""

SOUGHT = frozenset(
    {
        "contrast_limits",
        "colormap",
        "gamma",
        "data",
        "paint",
        "labels_update",
        "scale",
        "translate",
        "rotate",
        "shear",
        "affine",
        "name",
    }
)
"""What may happen to a source that changes the pictures."""

FRAME_MS = 80
"""A picture that moves by itself is drawn anew at most this often."""


class Comparison:
    """Keeps the pictures true to the two layers, and goes when one of them goes.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    a, b
        Its layers; they are read and never changed.
    """

    def __init__(self, viewer: Any, a: Any, b: Any, mode: Mode, options: CompareOptions) -> None:
        self._viewer = viewer
        self.a, self.b, self.mode, self.options = a, b, mode, options
        self._layers: list[Any] = []
        self._grid: dict[str, Any] | None = None
        self._listening = self._drawing = False
        self._timer: Any = None
        self._take()

    def show(self, mode: Mode, options: CompareOptions) -> Layer:
        """Show the layers in a mode.

        Raises
        ------
        GeometryError
            The layers have no point in common.
        ParameterError
            The viewer shows no slice.
        """
        check_slice(self._viewer, "comparing")
        self._raster = Raster.over(*self._seen)
        was_split = self.mode is Mode.SIDES and bool(self._layers)
        self.mode, self.options = mode, options
        self._began = time.monotonic()
        if was_split != (mode is Mode.SIDES):
            self._drawing = True  # until drawn: its own layers that go are no news
            self._remove()
        self._listen()
        self._draw()
        self._still()
        if mode.moves:
            half = 500 / options.rate_hz
            self._timer = _beating(self, FRAME_MS if mode is Mode.ROCK else round(half))
        return self._layers[-1]

    def leave(self) -> None:
        """Take the pictures away; everything is as it was before."""
        self._still()
        self._hush()
        self._remove()

    def shown_at(self, axis: int, world: NDArray[np.float64]) -> str:
        """Name whose picture is at a point (3,) in viewer mm on a slice across an axis."""
        if len(self._layers) != 1:  # of two side by side a point does not tell which
            return ""
        return str(self._layers[-1].data.owner(axis, world))

    # drawing

    def _take(self) -> None:
        self._seen = Seen.of(self.a), Seen.of(self.b)

    def _draw(self) -> None:
        """Put the pictures of now into the viewer."""
        modes = (Mode.A, Mode.B) if self.mode is Mode.SIDES else (self.mode,)
        shown = [Pictures(*self._seen, mode, self._now(), self._raster) for mode in modes]
        self._drawing = True
        try:
            if self._layers:
                for layer, pictures, mode in zip(self._layers, shown, modes, strict=True):
                    self._replace(layer, pictures, mode)
            else:
                self._add(shown, modes)
        finally:
            self._drawing = False

    def _now(self) -> CompareOptions:
        """Give the options of this moment: what moves by itself is a blend that changes."""
        turns = (time.monotonic() - self._began) * self.options.rate_hz
        if self.mode is Mode.FLICKER:
            return self.options.model_copy(update={"share": float(turns % 1 >= 0.5)})
        if self.mode is Mode.ROCK:
            return self.options.model_copy(
                update={"share": 0.5 - 0.5 * math.cos(2 * math.pi * turns)}
            )
        return self.options

    def _replace(self, layer: Any, pictures: Pictures, mode: Mode) -> None:
        for name, value in (("scale", self._raster.step), ("translate", self._raster.origin)):
            if tuple(getattr(layer, name)) != value:
                setattr(layer, name, value)
        layer.data = pictures
        name = self._named(mode)
        if layer.name != name:
            layer.name = name

    def _add(self, shown: list[Pictures], modes: tuple[Mode, ...]) -> None:
        from napari.layers import Image

        layers, active = self._viewer.layers, self._viewer.layers.selection.active
        made = [
            Image(
                pictures,
                rgb=True,
                multiscale=False,
                name=self._named(mode),
                scale=self._raster.step,
                translate=self._raster.origin,
                units=("mm",) * 3,
                axis_labels=AXIS_LABELS,
                blending="translucent_no_depth",
                interpolation2d="linear",
                projection_mode="none",
                metadata={LIVE: "compare", COMPARED: self, SHOWN: self._volumes()},
            )
            for pictures, mode in zip(shown, modes, strict=True)
        ]
        if len(made) == 2:  # A tops the lower half of the layers, B the upper: a cell for each
            half = (len(layers) + 3) // 2
            layers.insert(half - 1, made[0])
            layers.append(made[1])
            self._split(half)
        else:
            layers.append(made[0])
        self._layers = made
        layers.selection.active = active

    def _volumes(self) -> list[Any]:
        return [one.metadata[VOLUME] for one in (self.a, self.b) if VOLUME in one.metadata]

    def _split(self, stride: int) -> None:
        grid = self._viewer.canvas.grid
        self._grid = {name: getattr(grid, name) for name in ("enabled", "stride", "shape")}
        grid.stride, grid.shape, grid.enabled = stride, (1, 2), True
        self._viewer.scene.camera.zoom /= 2  # half the width is left for each

    def _remove(self) -> None:
        layers, self._layers = self._layers, []
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        grid, self._grid = self._grid, None
        if grid is not None:
            self._viewer.canvas.grid.update(grid)
            self._viewer.scene.camera.zoom *= 2

    def _named(self, mode: Mode) -> str:
        said = mode.value if self.mode is not Mode.SIDES else f"{self.mode.value}, {mode.value}"
        name = f"{said}: {self.a.name} | {self.b.name}"
        known = all(place_of(layer) is not None for layer in (self.a, self.b))
        return standing_of([self.a, self.b]).label(name) if known else name

    # what happens in the viewer

    def _listen(self) -> None:
        if self._listening:
            return
        self._listening = True
        for layer in (self.a, self.b):
            layer.events.connect(self._source_changed)
        self._viewer.layers.events.inserted.connect(self._inserted)
        self._viewer.layers.events.removed.connect(self._removed)
        self._viewer.dims.events.ndisplay.connect(self._turned)

    def _hush(self) -> None:
        if not self._listening:
            return
        self._listening = False
        for layer in (self.a, self.b):
            layer.events.disconnect(self._source_changed)
        self._viewer.layers.events.inserted.disconnect(self._inserted)
        self._viewer.layers.events.removed.disconnect(self._removed)
        self._viewer.dims.events.ndisplay.disconnect(self._turned)

    def _source_changed(self, event: Any) -> None:
        if event.type == "set_data":  # perhaps voxels were changed in place
            for seen in self._seen:
                seen.kept.clear()
        if event.type not in SOUGHT or self._drawing:
            return
        try:
            self._take()
            self._raster = Raster.over(*self._seen)
        except (GeometryError, ParameterError):  # moved apart: there is nothing to compare
            self.leave()
            return
        self._draw()

    def _inserted(self, event: Any) -> None:
        """Stay above a live picture; in a split view, keep a cell for each."""
        if self._drawing:
            return
        if self.mode is Mode.SIDES:
            self._again()
        elif LIVE in event.value.metadata and self._layers:
            layers = self._viewer.layers
            layers.move(layers.index(self._layers[-1]), len(layers))

    def _removed(self, event: Any) -> None:
        if self._drawing:
            return
        if event.value in (self.a, self.b) or event.value in self._layers:
            self.leave()
        elif self.mode is Mode.SIDES:
            self._again()

    def _again(self) -> None:
        self._drawing = True
        self._remove()
        self._draw()

    def _turned(self, event: Any = None) -> None:
        if self._viewer.dims.ndisplay != 2:
            self.leave()

    def _still(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.deleteLater()


def _beating(comparison: Comparison, every_ms: int) -> QTimer:
    """Draw a comparison again and again; ends by itself when the comparison is forgotten."""
    timer, known = QTimer(QCoreApplication.instance()), weakref.ref(comparison)

    def beat() -> None:
        found = known()
        if found is not None:
            found._draw()
        else:
            timer.stop()
            timer.deleteLater()

    timer.timeout.connect(beat)
    timer.start(every_ms)
    return timer


def find_comparison(viewer: Any) -> Comparison | None:
    """Give what a viewer compares now, or None."""
    found = (layer.metadata.get(COMPARED) for layer in viewer.layers)
    return next((one for one in found if isinstance(one, Comparison)), None)


def leave_comparison(viewer: Any) -> None:
    """Show the layers as they are."""
    found = find_comparison(viewer)
    if found is not None:
        found.leave()
