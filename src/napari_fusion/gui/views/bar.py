"""The colour bar of a canvas, and the unit that stands above it."""

from __future__ import annotations

from typing import Any

from napari_fusion.gui.colour.rgb import RGB, Coloured
from napari_fusion.gui.layers import LIVE, VOLUME
from napari_fusion.volume import FUNCTIONAL, Volume

SIZE = (10, 90)
"""Width and height, in pixels."""


class ColourBar:
    """Shows the bar of the topmost layer that has colours; of compared layers none.

    A picture in colours has 0 to 255 in its voxels, which mean nothing: its bar has no ticks, and
    the words tell the values at its ends.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    size_pt
        Size of the numbers.
    """

    def __init__(self, viewer: Any, size_pt: float) -> None:
        self._viewer, self._size_pt = viewer, size_pt
        self._barred: Any = None

    def choose(self) -> str:
        """Show the right bar, and give the words above it."""
        compared = any(layer.metadata.get(LIVE) == "compare" for layer in self._viewer.layers)
        coloured = (one for one in reversed(self._viewer.layers) if _has_colours(one))
        layer = None if compared else next(coloured, None)
        self.put(layer)
        # the bar stands in its cell, the words would not
        return "" if layer is None or self._viewer.canvas.grid.enabled else _words(layer)

    def put(self, layer: Any) -> None:
        """Show the bar of one layer; None hides it."""
        if self._barred is not None and self._barred is not layer:
            self._barred.colorbar.visible = False
        self._barred = layer
        if layer is None:
            return
        bar = layer.colorbar
        bar.size, bar.font_size, bar.box = SIZE, self._size_pt, True
        if RGB in layer.metadata:
            bar.color = (0, 0, 0, 0)
        bar.visible = True


def _has_colours(layer: Any) -> bool:
    if not layer.visible:
        return False
    if RGB in layer.metadata:
        return True
    volume = layer.metadata.get(VOLUME)
    if not isinstance(volume, Volume) or not volume.is_measured:
        return False
    return volume.modality in FUNCTIONAL or len(layer.colormap.colors) > 2


def _words(layer: Any) -> str:
    """Give the unit; of a picture in colours the values at the ends too."""
    coloured = layer.metadata.get(RGB)
    if not isinstance(coloured, Coloured):
        unit = layer.metadata[VOLUME].unit
        return "" if unit == "1" else str(unit)
    low, high = coloured.windows[1]
    unit = coloured.sources[1].unit
    return f"{low:g} to {high:g} {'' if unit == '1' else unit}".rstrip()
