"""What is known of layers lying on each other, quickly: nothing here reads a voxel it need not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_fusion.gui.gate import Source, Standing, standing
from napari_fusion.gui.layers import VOLUME, place_of, was_moved


def standing_of(layers: Sequence[Any]) -> Standing:
    """Say how far layers may be trusted to lie on the first one."""
    sources = []
    for layer in layers:
        place = place_of(layer)
        if place is None:
            return Standing("NOT REGISTERED", f"{layer.name} holds no patient position.")
        if was_moved(layer):
            return Standing("NOT REGISTERED", f"{layer.name} was moved by hand.")
        sources.append(Source(layer.name, layer.metadata[VOLUME], place.aligned))
    return standing(sources)
