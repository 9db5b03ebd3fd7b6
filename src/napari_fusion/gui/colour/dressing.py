"""PET and SPECT in the colours their readers expect: over anatomy, or alone."""

from __future__ import annotations

from typing import Any

from napari_fusion.gui.colour.dressed import DRESSED, Dressed
from napari_fusion.gui.colour.looks import OVERLAY_OPACITY, floor_of
from napari_fusion.gui.covered import is_shown
from napari_fusion.gui.layers import LIVE, VOLUME
from napari_fusion.volume import FUNCTIONAL, Volume

OVER, ALONE = "hot iron", "inverse grey"
"""Palettes of a functional layer: on anatomy, and with nothing below."""

OPACITY = {OVER: OVERLAY_OPACITY, ALONE: 1.0}
"""The opacity that comes with each."""

STIRRING = {"inserted", "removed", "visible", "reordered"}
"""What may change what lies below a layer."""


def dress(viewer: Any) -> None:
    """Colour every functional layer that nobody has coloured otherwise."""
    anatomy = any(is_shown(layer) and _is_anatomy(layer) for layer in viewer.layers)
    for layer in viewer.layers:
        volume = layer.metadata.get(VOLUME)
        if not isinstance(volume, Volume) or volume.modality not in FUNCTIONAL:
            continue
        worn = layer.metadata.get(DRESSED)
        if worn is None and str(layer.colormap.name).startswith(f"{OVER}, clear"):
            worn = layer.metadata[DRESSED] = Dressed(layer, OVER, floor_of(volume), automatic=True)
        if isinstance(worn, Dressed) and worn.automatic:
            _wear(worn, volume, over=anatomy)


def set_automatic(layer: Any, *, opacity_chosen: bool = False) -> None:
    """Leave a layer's palette to what lies below it; an opacity that somebody chose stays."""
    volume = layer.metadata.get(VOLUME)
    worn = layer.metadata.get(DRESSED)
    if isinstance(worn, Dressed):
        opacity_chosen = opacity_chosen or worn.opacity_chosen
        worn.forget()
    if isinstance(volume, Volume) and volume.modality in FUNCTIONAL:
        new = Dressed(layer, OVER, floor_of(volume), automatic=True)
        new.opacity_chosen = opacity_chosen
        layer.metadata[DRESSED] = new
        new.apply()


def _wear(worn: Dressed, volume: Volume, *, over: bool) -> None:
    """Change the palette, and the opacity that comes with it."""
    name = OVER if over else ALONE
    if worn.name != name:
        worn.dim(OPACITY[name])
        worn.name, worn.floor = name, floor_of(volume) if over else None
    worn.apply()


def _is_anatomy(layer: Any) -> bool:
    """Whether a layer is a picture that function is laid on."""
    volume = layer.metadata.get(VOLUME)
    if not isinstance(volume, Volume) or LIVE in layer.metadata or volume.is_share:
        return False
    return volume.modality not in FUNCTIONAL | {"LABEL"}
