"""Layers whose place a live picture of them has taken.

They are hidden, so that nobody waits for what the picture covers, but are windowed and told of as
if they were seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

COVERED = "napari_fusion_covered"
"""Key of a layer's metadata: it is hidden as long as a picture of it is shown."""


def cover(viewer: Any, names: Collection[str]) -> None:
    """Hide the layers a picture was made of."""
    for layer in viewer.layers:
        if layer.name in names and layer.visible:
            layer.metadata = layer.metadata | {COVERED: True}  # set whole: the other views hear it
            layer.visible = False


def uncover(layers: Iterable[Any]) -> None:
    """Show those of some layers that were hidden for a picture that is gone."""
    for layer in layers:
        if layer.metadata.get(COVERED):
            _forget(layer)
            layer.visible = True


def hide(layer: Any) -> None:
    """Hide a layer for good: it is not shown again when a picture of it goes."""
    if layer.metadata.get(COVERED):
        _forget(layer)
    layer.visible = False


def _forget(layer: Any) -> None:
    layer.metadata = {key: value for key, value in layer.metadata.items() if key != COVERED}


def is_shown(layer: Any) -> bool:
    """Whether a layer is seen, itself or in a picture of it."""
    return bool(layer.visible or layer.metadata.get(COVERED))
