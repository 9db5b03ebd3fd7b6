"""A picture in colours as a layer: no volume of values, but with a grid and a history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.gui.colour.dressed import colours
from napari_fusion.gui.frame import AXIS_LABELS, Frame
from napari_fusion.gui.layers import SHOWN, LayerData, drawn
from napari_fusion.palette import Palette
from napari_fusion.volume import Step, Volume

RGB = "napari_fusion_rgb"
"""Key of a colour layer's metadata: its `Coloured`."""


@dataclass(frozen=True, eq=False)
class Coloured:
    """Colours on a grid, and how they came about.

    Parameters
    ----------
    picture
        (n0, n1, n2, 3) uint8 along the axes of `grid`.
    grid
        Where they lie.
    frame
        The viewer's axes they are drawn along.
    sources
        The volumes they were made of: the grey one, and the functional one.
    names, windows
        The layers that showed them, and with which (lower, upper).
    palette
        The functional one's.
    history
        What was done, the last step first asked for here.
    """

    picture: NDArray[np.uint8]
    grid: Grid
    frame: Frame
    sources: tuple[Volume, ...]
    names: tuple[str, ...]
    windows: tuple[tuple[float, float], ...]
    palette: Palette
    history: tuple[Step, ...]


def rgb_layer(coloured: Coloured, name: str) -> LayerData:
    """Make the data, keywords and type of a napari layer from colours, along their frame."""
    places = [
        drawn(Volume(coloured.picture[..., c], coloured.grid), coloured.frame) for c in range(3)
    ]
    place = places[0]
    keywords: dict[str, Any] = {
        "name": name,
        "rgb": True,
        "scale": tuple(place.grid.spacing.tolist()),
        "translate": tuple(place.frame.to_world(place.grid.origin).tolist()),
        "units": ("mm",) * 3,
        "axis_labels": AXIS_LABELS,
        "colormap": colours(coloured.palette),  # colours nothing; the colour bar shows it
        "blending": "translucent_no_depth",
        "interpolation2d": "linear",
        "metadata": {RGB: coloured, SHOWN: coloured.sources},
    }
    channels = [np.nan_to_num(one.array) for one in places]  # black where a turned one has an end
    return np.stack(channels, axis=-1).astype(np.uint8), keywords, "image"
