"""How a layer and a view look, as JSON values, and the same put back."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_fusion.gui.colour.dressed import DRESSED, Dressed
from napari_fusion.gui.colour.dressing import OPACITY, set_automatic
from napari_fusion.gui.covered import is_shown
from napari_fusion.gui.layers import VOLUME

PLACE = ("scale", "translate", "rotate", "shear", "affine")
"""Where a layer lies; written for each, so that one moved by hand comes back where it was."""

SHOWN = ("name", "visible", "opacity", "blending")
IMAGE = ("contrast_limits", "gamma", "interpolation2d")
POINTS = ("size", "face_color", "border_color", "symbol")
"""How each point of a points layer is drawn."""


def look_of(layer: Any) -> dict[str, Any]:
    """Write how a layer is shown and where it lies."""
    look = {key: _plain(getattr(layer, key)) for key in (*SHOWN, *PLACE[:-1])}
    look["visible"] = is_shown(layer)
    look["affine"] = np.asarray(layer.affine.affine_matrix).tolist()
    look["units"] = [str(unit) for unit in layer.units]
    look["axis_labels"] = list(layer.axis_labels)
    if hasattr(layer, "contrast_limits"):
        look |= {key: _plain(getattr(layer, key)) for key in IMAGE}
        look["colormap"] = _colours(layer.colormap)
        worn = layer.metadata.get(DRESSED)
        look["automatic"] = isinstance(worn, Dressed) and worn.automatic
        look["opacity_chosen"] = isinstance(worn, Dressed) and worn.opacity_chosen
    if hasattr(layer, "border_color"):
        look |= {key: _plain(getattr(layer, key)) for key in POINTS[:-1]}
        look["symbol"] = [str(one.value) for one in layer.symbol]
    return look


def missing_of(look: dict[str, Any]) -> list[str]:
    """Name what a look written by `look_of` has and this one lacks."""
    image = IMAGE if "contrast_limits" in look else ()
    return [key for key in (*SHOWN, *PLACE, "units", "axis_labels", *image) if key not in look]


def dress(layer: Any, look: dict[str, Any]) -> None:
    """Show a layer as it was."""
    from napari.utils.colormaps import Colormap

    for key in (*PLACE, "units", "axis_labels", *SHOWN):
        if key in look:
            setattr(layer, key, look[key])
    for key in POINTS:
        if key in look and hasattr(layer, key) and len(look[key]) == len(layer.data):
            setattr(layer, key, look[key])
    if "contrast_limits" in look and hasattr(layer, "contrast_limits"):
        automatic = bool(look.get("automatic")) and VOLUME in layer.metadata
        if "colormap" in look and not automatic:
            layer.colormap = Colormap(**look["colormap"])
        low, high = look["contrast_limits"]
        reach = layer.contrast_limits_range
        layer.contrast_limits_range = (min(low, reach[0]), max(high, reach[1]))
        for key in IMAGE:
            setattr(layer, key, look[key])
        if automatic:  # older sessions do not say who set the opacity
            ours = look["opacity"] in OPACITY.values()
            set_automatic(layer, opacity_chosen=look.get("opacity_chosen", not ours))


def view_of(viewer: Any) -> dict[str, Any]:
    """Write what a viewer looks at: plane, slice, sides, zoom, and the layer that is chosen."""
    camera = viewer.scene.camera
    return {
        "order": list(viewer.dims.order),
        "point": _plain(viewer.dims.point),
        "ndisplay": viewer.dims.ndisplay,
        "orientation2d": [str(getattr(end, "value", end)) for end in camera.orientation2d],
        "center": _plain(camera.center),
        "zoom": float(camera.zoom),
        "active": str(getattr(viewer.layers.selection.active, "name", "")),
    }


def look_at(viewer: Any, view: dict[str, Any]) -> None:
    """Turn a viewer to what it looked at, and choose the layer that was chosen."""
    if view.get("active") in viewer.layers:
        viewer.layers.selection.active = viewer.layers[view["active"]]
    if not view or viewer.dims.ndim != len(view["order"]):
        return
    viewer.dims.ndisplay = view["ndisplay"]
    viewer.dims.order = tuple(view["order"])
    viewer.dims.point = tuple(view["point"])
    camera = viewer.scene.camera
    camera.orientation2d = tuple(view["orientation2d"])
    camera.center, camera.zoom = tuple(view["center"]), view["zoom"]


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bool)):
        return str(value) if isinstance(value, str) else value
    return np.asarray(value).tolist()


def _colours(colormap: Any) -> dict[str, Any]:
    return {
        "name": str(colormap.name),
        "colors": np.asarray(colormap.colors, float).tolist(),
        "controls": np.asarray(colormap.controls, float).tolist(),
        "interpolation": str(getattr(colormap.interpolation, "value", colormap.interpolation)),
    }
