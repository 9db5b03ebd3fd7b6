"""Layers whose place a live picture of them has taken.

They are hidden, so that nobody waits for what the picture covers, but are windowed and told of as
if they were seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

Owner = Literal["live", "hand", "search"]
"""Who shows a picture in the place of layers: *Live*, *By hand*, or *Align* that is watched."""

COVERED = "napari_fusion_covered"
"""Key of a layer's metadata: whose pictures of it are shown, as long as it is hidden for them."""


def cover(viewer: Any, names: Collection[str], by: Owner) -> None:
    """Hide the layers a picture was made of; several may cover one layer."""
    for layer in viewer.layers:
        if layer.name in names and is_shown(layer):
            _tell(layer, _owners(layer) | {by})
            layer.visible = False


def uncover(layers: Iterable[Any], by: Owner) -> None:
    """Show those of some layers that were hidden for a picture that is gone, and for no other."""
    for layer in layers:
        owners = _owners(layer)
        if by in owners:
            _tell(layer, owners - {by})
            layer.visible |= owners == {by}


def hide(layer: Any) -> None:
    """Hide a layer for good: it is not shown again when a picture of it goes."""
    if _owners(layer):
        _tell(layer, frozenset())
    layer.visible = False


def is_shown(layer: Any) -> bool:
    """Whether a layer is seen, itself or in a picture of it."""
    return bool(layer.visible or _owners(layer))


def _owners(layer: Any) -> frozenset[Owner]:
    return frozenset(layer.metadata.get(COVERED, ()))


def _tell(layer: Any, owners: frozenset[Owner]) -> None:
    """Write down who covers a layer; metadata are set whole, so that the other views hear it."""
    kept = {key: value for key, value in layer.metadata.items() if key != COVERED}
    layer.metadata = kept | ({COVERED: owners} if owners else {})
