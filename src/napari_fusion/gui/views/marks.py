"""What stands on a canvas beside the side letters: slice, windows, and the colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget

from napari_fusion.gui.check.status import spoken
from napari_fusion.gui.colour.rgb import RGB, Coloured
from napari_fusion.gui.compare.comparison import find_comparison
from napari_fusion.gui.compare.modes import Mode
from napari_fusion.gui.covered import is_shown
from napari_fusion.gui.layers import VOLUME, frame_of
from napari_fusion.gui.readout import fused_layer
from napari_fusion.gui.snapshot import SHARES
from napari_fusion.gui.views.bar import ColourBar
from napari_fusion.gui.views.letters import PLANES
from napari_fusion.gui.views.pixels import cells
from napari_fusion.gui.views.words import SIZES, Words
from napari_fusion.volume import FUNCTIONAL, Volume

WORDS, UNIT = "fusion_words", "fusion_unit"

_PLACES = {WORDS: "top_left", UNIT: "top_right"}

SIZE_PT = SIZES[max(SIZES)][1]
"""Size of the words: four of these canvases share a small screen."""

SCALE_PART = 0.25
"""The scale bar is at most this part of the canvas's width."""

NARROW = 400
"""On a canvas less wide, words for plane and slice would reach the letter in the middle."""

TIGHT = 170
"""In a picture less wide, as of two in a small canvas, words for windows would cover it."""

HEARD = frozenset({"inserted", "removed", "reordered", "visible", "contrast_limits", "name"})
"""What happens to layers that words may tell of; the name of a comparison tells its mode."""


class Marks:
    """Keep a viewer's marks true; they are part of the picture, screenshots have them too.

    Pictures are read on black, whatever the theme; the marks are bright on it.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        from napari.components.overlays import TextOverlay

        self._viewer = viewer
        self._words: Words | None = None
        self._bar = ColourBar(viewer, SIZE_PT)
        self._ground = viewer.canvas.background_color_override
        viewer.canvas.background_color_override = "black"
        for name, position in _PLACES.items():
            if name not in viewer.canvas.overlays:
                words = TextOverlay(position=position, font_size=SIZE_PT)
                viewer.canvas.overlays[name] = words
        viewer.canvas.overlay_tiling.top_right = "vertical"  # the unit above its bar
        self._heard = (
            (viewer.dims.events.point, self._tell),
            (viewer.dims.events.order, self._tell),
            (viewer.dims.events.ndisplay, self._tell),
            (viewer.layers.events, self._layers_changed),
            (viewer.scene.camera.events.zoom, self._measure),
            (viewer.canvas.events.size, self._measure),
            (viewer.canvas.events.size, self._tell),
            (viewer.canvas.grid.events.enabled, self._tell),
            (viewer.canvas.grid.events.enabled, self._choose_bar),
        )
        for event, heard in self._heard:
            event.connect(heard)
        self._tell()
        self._choose_bar()
        self._measure()

    def put_on(self, canvas: QWidget) -> None:
        """Tell words over this canvas of the viewer, at once; the picture has them at rest."""
        self._words = Words(canvas, self._viewer.canvas.overlays[WORDS])
        self._tell()

    @property
    def _room(self) -> int:
        """The width of a picture on the canvas, in pixels."""
        return int(self._viewer.canvas.size[1] // cells(self._viewer)[1])

    @property
    def words(self) -> str:
        """What is told of slice and windows now."""
        place = slice_words(self._viewer, brief=self._room < NARROW)
        windows = windows_told(self._viewer) if self._room >= TIGHT else []
        return "\n".join(filter(None, [place, *windows]))

    def close(self) -> None:
        """Take the marks away."""
        if self._words is not None and isalive(self._words):
            self._words.deleteLater()
        self._words = None
        for event, heard in self._heard:
            event.disconnect(heard)
        self._bar.put(None)
        self._viewer.canvas.overlays.scale_bar.length = None
        self._viewer.canvas.background_color_override = self._ground
        for name in _PLACES:
            self._write(name, "")

    def _layers_changed(self, event: Any) -> None:
        if event.type in HEARD:
            self._tell()
            self._choose_bar()

    def _tell(self, event: object = None) -> None:
        if self._words is None:
            self._write(WORDS, self.words)
        else:
            self._words.say(self.words, self._room)

    def _measure(self, event: object = None) -> None:
        """Keep the scale bar short: four canvases have little room."""
        most = SCALE_PART * self._viewer.canvas.size[1] / self._viewer.scene.camera.zoom
        bar, length = self._viewer.canvas.overlays.scale_bar, round_down(most)
        if bar.length != length:
            bar.length = length
            bar.events.font_size.emit(bar.font_size)  # else napari draws it at the next zoom only

    def _choose_bar(self, event: object = None) -> None:
        self._write(UNIT, self._bar.choose())

    def _write(self, name: str, words: str) -> None:
        overlay = self._viewer.canvas.overlays[name]
        if overlay.text != words:
            overlay.text = words
        if overlay.visible != bool(words):
            overlay.visible = bool(words)


def round_down(value: float) -> float:
    """Give the largest of 1, 2 and 5 times a power of ten that is not larger than a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)) * power)


def measured(viewer: Any) -> list[Any]:
    """List the visible layers that hold measured values, the topmost first."""
    found = []
    for layer in reversed(viewer.layers):
        volume = layer.metadata.get(VOLUME)
        if is_shown(layer) and isinstance(volume, Volume) and volume.is_measured:
            found.append(layer)
    return found


def slice_words(viewer: Any, *, brief: bool = False) -> str:
    """Name the plane and where its slice lies: "axial · S 12.0 mm"; nothing in 3-D.

    Brief, the place alone: its letter tells the plane.
    """
    frame = frame_of(viewer)
    if frame is None or viewer.dims.ndisplay != 2 or viewer.dims.ndim != 3:
        return ""
    axis = viewer.dims.order[0]
    at = float(viewer.dims.point[axis])
    low, high = frame.letters(axis)
    name = next(name for name, order in PLANES.items() if order[0] == axis)
    place = f"{high if at >= 0 else low} {abs(at):.1f} mm"
    return place if brief else f"{name} · {place}"


def windows_told(viewer: Any) -> list[str]:
    """Say what is seen, and how it is windowed: of compared layers, the sources of what is shown.

    Of a picture in colours, or else a fused one, those it was made with: it has none of its own.
    """
    compared = find_comparison(viewer)
    if compared is not None:
        both = {Mode.A: [compared.a], Mode.B: [compared.b]}
        return [window_words(one) for one in both.get(compared.mode, [compared.a, compared.b])]
    words = [window_words(one) for one in measured(viewer) if one.visible]
    layers = {str(layer.name): layer for layer in viewer.layers}
    for name, window in _made_with(viewer):
        if name in layers:
            words.append(window_words(layers[name], window))
        elif window is not None:  # closed, or renamed
            words.append(f"{name} {_number(window[0])} to {_number(window[1])}")
    return list(dict.fromkeys(words))


def _made_with(viewer: Any) -> list[tuple[str, Any]]:
    """Name what the picture in colours, or else the fused one, was made of, with the windows."""
    coloured = (one.metadata.get(RGB) for one in reversed(viewer.layers) if one.visible)
    made = next((one for one in coloured if isinstance(one, Coloured)), None)
    if made is not None:
        measured_ones = [volume.modality != "FUSED" for volume in made.sources]
        return list(compress(zip(made.names, made.windows, strict=True), measured_ones))
    fused = fused_layer(viewer)
    if fused is None:
        return []
    names = fused.metadata[SHARES][0]
    asked = [step.parameters.get("windows") for step in fused.metadata[VOLUME].history]
    windows: Any = next(filter(None, reversed(asked)), [None] * len(names))
    return list(zip(names, windows, strict=False))


def window_words(layer: Any, window: Sequence[float] | None = None) -> str:
    """Say how a layer is windowed: "CT W 80 L 40", and of PET "PET 0 to 5 g/mL"."""
    low, high = (float(limit) for limit in window or layer.contrast_limits)
    volume = layer.metadata[VOLUME]
    if volume.modality in FUNCTIONAL:
        unit = "" if volume.unit == "1" else volume.unit
        return f"{spoken(layer)} {_number(low)} to {_number(high)} {unit}".rstrip()
    return f"{spoken(layer)} W {_number(high - low)} L {_number((high + low) / 2)}"


def _number(value: float) -> str:
    """Write a number in three digits, or more where they stand before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
