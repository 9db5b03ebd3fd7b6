"""What lies under the cursor: each source's own value and unit, and who made the picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_fusion.gui.colour.looks import is_change
from napari_fusion.gui.compare.comparison import find_comparison
from napari_fusion.gui.fuse.slices import Slices
from napari_fusion.gui.layers import DARK, VOLUME, index_at, place_of
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL, SHARES
from napari_fusion.gui.views.pixels import Point, cursor_point
from napari_fusion.volume import Volume

OUTSIDE = "outside"
"""Said of a source that does not reach to the point."""

NO_VALUE = "no value"
"""Said of a source that has a gap at the point."""


def readout(viewer: Any, point: Point | None = None, across: int | None = None) -> str:
    """Say what lies under the cursor: one line per source, and one for the fused picture.

    A value is the nearest voxel of the volume as it was read: that of an aligned layer is looked
    up in its original, through the alignment, and that of one moved by hand where it lies now. A
    source that does not reach to the point says so. The brightness of a fused picture is no
    measurement and is not told; what each source gave to it is. While two layers are compared,
    the last line says whose picture it is there. Hidden sources are told too.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    point
        (3,) in viewer mm; by default the cursor of this viewer, which may be over another canvas
        of the same layers.
    across
        The viewer's axis across the slice on that canvas; by default this viewer's.
    """
    if viewer.layers and viewer.dims.ndim != 3:
        return f"no values: some layer has {viewer.dims.ndim} axes, a volume has three"
    if viewer.dims.ndisplay != 2 or not viewer.layers:
        return ""
    world = cursor_point(viewer) if point is None else np.asarray(point, float)
    lines = [f"{layer.name}: {value_at(layer, world)}" for layer in sources(viewer)]
    axis = int(viewer.dims.order[0]) if across is None else across
    fused = fused_layer(viewer)
    if fused is not None:
        told = shares_at(fused, world, axis)
        lines += [f"fused: {told}"] if told else []
    compared = find_comparison(viewer)
    if compared is not None:
        told = compared.shown_at(axis, world)
        lines += [f"shown here: {told}"] if told else []
    return "\n".join(lines)


def sources(viewer: Any) -> list[Any]:
    """Give the layers that hold measured values, each volume once: an aligned one, not both."""
    ours = [layer for layer in viewer.layers if place_of(layer) is not None]
    replaced = {id(layer.metadata.get(ORIGINAL)) for layer in ours}
    return [
        layer
        for layer in ours
        if layer.metadata[VOLUME].is_measured and id(layer.metadata[VOLUME]) not in replaced
    ]


def fused_layer(viewer: Any) -> Any:
    """Give the uppermost fused layer that is seen; None where there is none."""
    seen = (one for one in reversed(viewer.layers) if one.visible and SHARES in one.metadata)
    return next(seen, None)


def value_at(layer: Any, world: Point) -> str:
    """Say a source's own value and unit at a point in viewer mm, or that it has none there."""
    volume, lps = layer.metadata[VOLUME], patient_point(layer, world)
    if ORIGINAL in layer.metadata:
        volume = layer.metadata[ORIGINAL]
        lps = layer.metadata[ALIGNMENT].map_points(lps)
    value = _at(volume, lps)
    if value is None:
        return OUTSIDE
    if not np.isfinite(value):
        return NO_VALUE
    if is_change(volume) and value == 0:
        return "nothing beyond error and noise"
    digits = np.format_float_positional(value, 4, unique=False, fractional=False, trim="-")
    return f"{digits} {unit_of(volume)}".rstrip()


def shares_at(layer: Any, world: Point, across: int) -> str:
    """Say what each source gave to a pixel of a fused layer; nothing where it is black.

    The one share that is not kept is the rest of the whole. A live layer is fused in each plane by
    itself: the slice across the viewer's axis `across` counts.
    """
    lps = patient_point(layer, world)
    brightness = _at(layer.metadata[VOLUME], lps, across)
    if brightness is None or not brightness > DARK:
        return ""
    names, kept = layer.metadata[SHARES]
    given = {name: _at(volume, lps, across) or 0.0 for name, volume in kept.items()}
    told = [(name, given.get(name, 1 - sum(given.values()))) for name in names]
    return ", ".join(f"{100 * share:.0f} % {name}" for name, share in told)


def unit_of(volume: Volume) -> str:
    """Write a volume's unit; of SUV also the kind, which decides what a value means."""
    if volume.unit == "1":
        return ""
    if volume.unit != "g/mL" or volume.modality != "PT":
        return str(volume.unit)
    kind = (volume.pet.suv_type if volume.pet else "").lower()
    return f"g/mL SUV{kind}"


def patient_point(layer: Any, world: Point) -> Point:
    """Give the point of a layer's volume, in LPS mm, that is shown at a point of the viewer."""
    place = place_of(layer)
    if place is None:
        raise LookupError("only layers of ours have a place in the patient")
    return place.grid.index_to_lps(index_at(layer, world))


def _at(volume: Volume, lps: Point, across: int = 0) -> float | None:
    """Give the voxel nearest to a patient point; None outside."""
    index = np.round(volume.grid.lps_to_index(lps)).astype(int)
    if (index < 0).any() or (index >= volume.grid.shape).any():
        return None
    array: Any = volume.array
    live = array.across(across) if isinstance(array, Slices) else array
    return float(live[tuple(index)])
