"""How a volume is shown by default: window, colours and blending, by modality."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.gui.colour.dressed import clear_name
from napari_fusion.palette import clear_below
from napari_fusion.slab import Window
from napari_fusion.volume import FUNCTIONAL, Volume

OVERLAY_OPACITY = 0.6
"""PET and SPECT are shown over anatomy."""

FLOOR_SUV, FLOOR_SHARE = 0.5, 0.1
"""Function at and below this, in SUV or in parts of the upper end of its window, is not drawn."""

FIRST_COLOUR, SECOND_COLOUR = (0.20, 0.45, 0.85), (0.95, 0.55, 0.10)
"""Blue and orange: told apart by almost every eye; the first and the second source."""


def look(volume: Volume) -> dict[str, Any]:
    """Choose the keywords of a napari Image layer for a volume.

    Anatomy is grey. PET and SPECT are hot iron, clear at and below a floor, over what lies below.
    A share runs from blue (none of this source) over grey to orange (all of it), a change from
    blue (much was lost) over pale (little) to orange (much was gained).
    """
    if volume.is_share:
        return _shown(Window(lower=0, upper=1), {"name": "share", "colors": share_colours()})
    if is_change(volume):
        known = volume.array[np.isfinite(volume.array)]
        most = float(np.percentile(np.abs(known[known != 0]), 99)) if known.any() else 1.0
        colours = {"name": "change", "colors": change_colours()}
        return _shown(Window(lower=-most, upper=most), colours)
    window = volume.window()
    if volume.modality in FUNCTIONAL:
        share = (floor_of(volume, window) - window.lower) / (window.upper - window.lower)
        colours = {
            "name": clear_name("hot iron", round(100 * share)),
            "colors": clear_below("hot iron", round(100 * share) / 100),
        }
        return _shown(window, colours, opacity=OVERLAY_OPACITY)
    return _shown(window, "gray")


def floor_of(volume: Volume, window: Window | None = None) -> float:
    """Give the value at and below which a functional volume lets anatomy through."""
    if volume.unit == "g/mL":
        return FLOOR_SUV
    window = window or volume.window()
    return FLOOR_SHARE * window.upper


def is_change(volume: Volume) -> bool:
    """Whether a volume says what changed between two dates."""
    return any(step.name == "change" for step in volume.history)


def _shown(window: Window, colormap: Any, *, opacity: float = 1.0) -> dict[str, Any]:
    return {
        "contrast_limits": (window.lower, window.upper),
        "colormap": colormap,
        "opacity": opacity,
        "blending": "translucent_no_depth",
        "interpolation2d": "linear",
    }


@cache
def share_colours() -> NDArray[np.float32]:
    """Give blue over grey to orange, (256, 4) RGBA in [0, 1]."""
    return _ramp(FIRST_COLOUR, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), SECOND_COLOUR)


@cache
def change_colours() -> NDArray[np.float32]:
    """Give blue to pale blue, and from the middle pale orange to orange, (256, 4) RGBA."""
    return _ramp(FIRST_COLOUR, (0.70, 0.85, 1.0), (1.0, 0.85, 0.60), SECOND_COLOUR)


def _ramp(*stops: tuple[float, float, float]) -> NDArray[np.float32]:
    """Run from the first colour to the second, and in the other half from the third to the last."""
    steps = np.linspace(0, 2, 256)
    rgb = np.stack([np.interp(steps, [0, 1, 1, 2], one) for one in np.transpose(stops)], axis=1)
    return np.concatenate([rgb, np.ones((256, 1))], axis=1).astype(np.float32)
