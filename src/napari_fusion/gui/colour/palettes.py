"""Palettes on layers: by name in napari's lists, clear below a floor over anatomy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ParameterError
from napari_fusion.gui.actions import named
from napari_fusion.gui.colour.dressed import DRESSED, Dressed
from napari_fusion.gui.layers import LIVE
from napari_fusion.gui.line import line_of

if TYPE_CHECKING:
    from napari.layers import Layer


def set_palette(
    viewer: Any, layer: str | Layer, palette: str, *, clear_below: float | None = None
) -> Layer:
    """Colour an image layer; its voxels, window and opacity stay as they are.

    Parameters
    ----------
    viewer
        The napari viewer.
    layer
        An image layer or its name.
    palette
        A name from `napari_fusion.palette.palettes`: "hot iron", "PET", "hot metal blue",
        "PET 20 step", "inverse grey", "orange", "blue", …
    clear_below
        Value, in the layer's unit, at and below which nothing is drawn, so that anatomy shows; it
        stays this value when the window changes. None draws everything.

    Returns
    -------
    napari.layers.Image
        The layer.

    Raises
    ------
    ParameterError
        There is no such image layer or palette.
    """
    found = image_layer(viewer, named(layer))
    before = found.metadata.get(DRESSED)
    new = Dressed(found, palette, clear_below)
    if isinstance(before, Dressed):
        new.opacity_chosen = before.opacity_chosen
        before.forget()
    found.metadata[DRESSED] = new
    new.apply()
    return found


def palette_line(layer: str, palette: str, clear_below: float | None) -> str:
    """Write the Python that colours a layer."""
    return line_of("set_palette", layer, palette, clear_below=clear_below)


def image_layer(viewer: Any, name: str) -> Any:
    """Find an image layer of single values by its name.

    Raises
    ------
    ParameterError
        There is none.
    """
    from napari.layers import Image

    images = [
        one
        for one in viewer.layers
        if isinstance(one, Image) and not one.rgb and LIVE not in one.metadata
    ]
    for one in images:
        if one.name == name:
            return one
    have = ", ".join(repr(one.name) for one in images) or "none"
    raise ParameterError(f"there is no image layer {name!r}; there are: {have}")
