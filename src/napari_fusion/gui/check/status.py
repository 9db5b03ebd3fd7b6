"""What is known of layers lying on each other, quickly: nothing here reads a voxel it need not."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from napari_fusion.gui.check.gate import Source, Standing, standing
from napari_fusion.gui.layers import VOLUME, place_of, was_moved
from napari_fusion.gui.origin import ORIGIN, Made
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL
from napari_fusion.volume import Volume

SCANNER = "aligned by the scanner"


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


def state_of(layers: Sequence[Any]) -> str:
    """Write the state of chosen layers: "PET on CT: aligned by registration, PASS, 1.3 mm".

    Returns
    -------
    str
        Rich text: shape and words in bold, and below them the sentence of the gate.
    """
    if len(layers) < 2 or len(set(map(id, layers))) < len(layers):
        return "Open two volumes, or choose two different layers."
    stands = standing_of(layers)
    first, *others = [spoken(layer) for layer in layers]
    others = [name.removesuffix(f" on {first}") for name in others]
    told = ", ".join(
        filter(None, (_how(layers, stands), stands.word, _millimetres(layers, stands)))
    )
    words = f"{stands.sign} {' and '.join(others)} on {first}: {told}"
    return f"<b>{escape(words)}</b><br>{escape(_doubts(layers) or stands.sentence)}"


def _doubts(layers: Sequence[Any]) -> str:
    """Say what is in doubt about each of several layers; empty where it is one thing or none."""
    each = [(spoken(layer), standing_of([layers[0], layer])) for layer in layers[1:]]
    doubts = {f"{name}: {one.sentence}": one.sentence for name, one in each if one.word != "PASS"}
    return " ".join(doubts) if len(set(doubts.values())) > 1 else ""


def spoken(layer: Any) -> str:
    """Name a layer by its modality as people say it; by its own name when that is not known."""
    volume = layer.metadata.get(VOLUME)
    return (isinstance(volume, Volume) and volume.spoken) or str(layer.name)


def _how(layers: Sequence[Any], stands: Standing) -> str:
    if stands.word in {"NOT REGISTERED", "DIFFERENT PATIENTS"}:
        return ""
    kept = [_keeps_the_scanners_pose(layer, layers[0]) for layer in layers[1:]]
    if all(ALIGNMENT in layer.metadata for layer in layers[1:]) and not any(kept):
        return f"aligned by {' and '.join(sorted(set(map(_found_by, layers[1:]))))}"
    if all(kept):
        return SCANNER
    frames = {layer.metadata[VOLUME].frame_uid for layer in layers}
    derived = any(place is not None and place.aligned for place in map(place_of, layers))
    return "" if derived or len(frames | {None}) > 2 else SCANNER


def _found_by(layer: Any) -> str:
    """Name what found a layer's alignment: registration, landmarks or the hand."""
    origin = layer.metadata.get(ORIGIN)
    arguments = origin.arguments if isinstance(origin, Made) else {}
    return str(arguments.get("by", "registration"))


def _keeps_the_scanners_pose(layer: Any, fixed: Any) -> bool:
    """Whether registration left a layer of the fixed one's frame of reference where it was."""
    found, before = (layer.metadata.get(key) for key in (ALIGNMENT, ORIGINAL))
    if found is None or before is None or found.field is not None:
        return False
    frame = fixed.metadata[VOLUME].frame_uid
    still = np.allclose(found.matrix, np.eye(4), rtol=0, atol=1e-9)
    return bool(still and frame is not None and before.frame_uid == frame)


def _millimetres(layers: Sequence[Any], stands: Standing) -> str:
    """Give the largest measured uncertainty, where registration found the alignment."""
    if _how(layers, stands) in {"", SCANNER}:
        return ""
    measured = [layer.metadata[ALIGNMENT].quality.uncertainty_mm for layer in layers[1:]]
    known = [spread for spread in measured if spread is not None]
    return f"{max(known):.1f} mm" if known else ""
