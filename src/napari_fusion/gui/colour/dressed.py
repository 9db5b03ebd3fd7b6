"""The palette a layer wears; what is clear stays clear when the window changes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fusion.palette import clear_below, palette, palettes

if TYPE_CHECKING:
    from napari.utils.colormaps import Colormap

DRESSED = "napari_fusion_dressed"
"""Key of a layer's metadata: the `Dressed` that keeps its palette."""

NAPARI_NAMES = {"grey": "gray", "orange": "fusion orange", "blue": "fusion blue"}
"""Names in napari's list, where ours differ from them or are taken by other colours there."""


class Dressed:
    """Keeps the floor of a layer's palette at a measured value, until another one is chosen.

    Parameters
    ----------
    layer
        An image layer.
    name
        A name from `napari_fusion.palette.palettes`.
    floor
        Value at and below which nothing is drawn; None draws everything.
    automatic
        Whether nobody chose it: what lies below the layer may change it.

    Attributes
    ----------
    opacity_chosen
        Whether somebody set the layer's opacity since it wears this; heard, not guessed.

    Raises
    ------
    ParameterError
        There is no such palette.
    """

    def __init__(
        self, layer: Any, name: str, floor: float | None = None, *, automatic: bool = False
    ) -> None:
        palette(name)  # refuses a name there is not
        self.layer, self.name, self.floor, self.automatic = layer, name, floor, automatic
        self.opacity_chosen = self._applying = False
        layer.events.contrast_limits.connect(self.apply)
        layer.events.colormap.connect(self._chosen_otherwise)
        layer.events.opacity.connect(self._opacity_set)

    def apply(self, event: object = None) -> None:
        """Colour the layer for the window it has now."""
        low, high = map(float, self.layer.contrast_limits)
        share = None if self.floor is None else (self.floor - low) / (high - low)
        new = colours(self.name, share)
        if self.layer.colormap.name == new.name:
            return
        self._set("colormap", new)

    def dim(self, opacity: float) -> None:
        """Give the layer an opacity, unless somebody chose one."""
        if not self.opacity_chosen:
            self._set("opacity", opacity)

    def forget(self) -> None:
        """Leave the layer as it is, and its palette to others."""
        self.layer.events.contrast_limits.disconnect(self.apply)
        self.layer.events.colormap.disconnect(self._chosen_otherwise)
        self.layer.events.opacity.disconnect(self._opacity_set)
        if self.layer.metadata.get(DRESSED) is self:
            del self.layer.metadata[DRESSED]

    def _set(self, name: str, value: Any) -> None:
        self._applying = True
        try:
            setattr(self.layer, name, value)
        finally:
            self._applying = False

    def _opacity_set(self, event: object = None) -> None:
        if not self._applying:
            self.opacity_chosen = True

    def _chosen_otherwise(self, event: object = None) -> None:
        if not self._applying:
            self.forget()


def colours(name: str, share: float | None = None) -> Colormap:
    """Make napari's colours of a palette; at and below a share of the window they are clear.

    Shares are whole percents: napari keeps every colormap it was ever given in its list.
    """
    from napari.utils.colormaps import Colormap

    known = NAPARI_NAMES.get(name, name)
    if share is None or share < 0:  # a floor below the window hides nothing in it
        return Colormap(_opaque(name), name=known)
    percent = int(np.clip(round(100 * share), 0, 100))
    return Colormap(clear_below(name, percent / 100), name=clear_name(name, percent))


def clear_name(name: str, percent: int) -> str:
    """Name a palette that is clear at and below some percent of the window."""
    return f"{NAPARI_NAMES.get(name, name)}, clear below {percent} %"


@cache
def register() -> None:
    """Put every palette into napari's list, under its name; only the first call takes time."""
    from napari.utils.colormaps import ensure_colormap

    for name in palettes():
        ensure_colormap(colours(name))


def _opaque(name: str) -> Any:
    table = palette(name)
    return np.concatenate([table, np.ones((len(table), 1), np.float32)], axis=1)
