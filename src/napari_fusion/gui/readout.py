"""What lies under the cursor: each source's own value and unit, and who made the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.gui.layers import DARK, VOLUME, place_of, was_moved
from napari_fusion.gui.looks import is_share
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL, SHARES
from napari_fusion.volume import Volume

Point = NDArray[np.float64]


def readout(viewer: Any) -> str:
    """Say what lies under the cursor: one line per source, and one for the fused picture.

    A value is the nearest voxel of the volume as it was read: that of an aligned layer is looked
    up in its original, through the alignment. The brightness of a fused picture is no measurement
    and is not told; what each source gave to it is. Hidden sources are told too.
    """
    if viewer.dims.ndisplay != 2 or viewer.dims.ndim != 3:
        return ""
    world = cursor_point(viewer)
    placed = [(layer, place_of(layer)) for layer in viewer.layers if not was_moved(layer)]
    points = [(layer, place.frame.to_lps(world)) for layer, place in placed if place]
    replaced = {id(layer.metadata.get(ORIGINAL)) for layer, _ in points}
    lines = []
    for layer, lps in points:
        volume = layer.metadata[VOLUME]
        measured = volume.modality not in {"FUSED", "LABEL"} and not is_share(volume)
        if measured and id(volume) not in replaced:
            lines.append(_value(layer, volume, lps))
    fused = [(layer, lps) for layer, lps in points if layer.visible and SHARES in layer.metadata]
    if fused:
        lines.append(_shares(*fused[-1]))
    return "\n".join(filter(None, lines))


def cursor_point(viewer: Any) -> Point:
    """Give the point under the cursor on the slice that is shown, in viewer mm."""
    point = np.array(viewer.dims.point, float)
    shown = list(viewer.dims.displayed)
    point[shown] = np.array(viewer.cursor.position, float)[-3:][shown]
    return point


def _value(layer: Any, volume: Volume, lps: Point) -> str:
    if ORIGINAL in layer.metadata:
        volume = layer.metadata[ORIGINAL]
        lps = layer.metadata[ALIGNMENT].map_points(lps)
    value = _at(volume, lps)
    unit = "" if volume.unit == "1" else f" {volume.unit}"
    if value is None:
        return ""
    digits = np.format_float_positional(value, 4, unique=False, fractional=False, trim="-")
    return f"{layer.name}: {digits}{unit}"


def _shares(layer: Any, lps: Point) -> str:
    """Say what each source gave to the pixel; the one not kept is the rest of the whole."""
    brightness = _at(layer.metadata[VOLUME], lps)
    if brightness is None or brightness <= DARK:
        return ""
    names, kept = layer.metadata[SHARES]
    given = {name: _at(volume, lps) or 0.0 for name, volume in kept.items()}
    told = [(name, given.get(name, 1 - sum(given.values()))) for name in names]
    return "fused: " + ", ".join(f"{100 * share:.0f} % {name}" for name, share in told)


def _at(volume: Volume, lps: Point) -> float | None:
    """Give the voxel nearest to a patient point; None outside, or where there is no value."""
    index = np.round(volume.grid.lps_to_index(lps)).astype(int)
    if (index < 0).any() or (index >= volume.grid.shape).any():
        return None
    value = float(volume.array[tuple(index)])
    return value if np.isfinite(value) else None
