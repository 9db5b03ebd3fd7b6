"""How a volume is shown by default: window, colours and blending, by modality."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.slab import Window, default_window
from napari_fusion.volume import Volume

OVERLAY_OPACITY = 0.6
"""PET and SPECT are shown over anatomy."""

FIRST_COLOUR, SECOND_COLOUR = (0.20, 0.45, 0.85), (0.95, 0.55, 0.10)
"""Blue and orange: told apart by almost every eye; the first and the second source."""


def look(volume: Volume) -> dict[str, Any]:
    """Choose the keywords of a napari Image layer for a volume.

    Anatomy is grey. PET and SPECT are hot iron, transparent at zero, over what lies below. A share
    runs from blue (none of this source) over grey to orange (all of it).
    """
    if is_share(volume):
        return _shown(Window(lower=0, upper=1), {"name": "share", "colors": share_colours()})
    if volume.modality == "FUSED":
        return _shown(Window(lower=0, upper=1), "gray")
    window = default_window(volume.array, volume.modality, volume.unit)
    if volume.modality in {"PT", "NM"}:
        return _shown(window, {"name": "hot iron", "colors": hot_iron()}, opacity=OVERLAY_OPACITY)
    return _shown(window, "gray")


def is_share(volume: Volume) -> bool:
    """Whether a volume says what part of a fused picture one source gave."""
    return bool(volume.history) and volume.history[-1].name == "attribution"


def _shown(window: Window, colormap: Any, *, opacity: float = 1.0) -> dict[str, Any]:
    return {
        "contrast_limits": (window.lower, window.upper),
        "colormap": colormap,
        "opacity": opacity,
        "blending": "translucent_no_depth",
        "interpolation2d": "linear",
    }


@cache
def hot_iron() -> NDArray[np.float32]:
    """Give the Hot Iron palette of the DICOM standard, (256, 4) RGBA in [0, 1], clear at zero.

    Black to red to orange to white (DICOM PS3.6 B.1.1); its lightness only rises, so it reads the
    same to colour-blind eyes. The lowest tenth fades in, so that what lies below shows.
    """
    steps = np.arange(256)
    red = np.clip(steps * 2, 0, 255)
    green = np.clip((steps - 128) * 2, 0, 255)
    blue = np.clip((steps - 191) * 4, 0, 255)
    alpha = np.clip(steps * 10, 0, 255)
    return (np.stack([red, green, blue, alpha], axis=1) / 255).astype(np.float32)


@cache
def share_colours() -> NDArray[np.float32]:
    """Give blue over grey to orange, (256, 4) RGBA in [0, 1]."""
    ends = np.array([FIRST_COLOUR, (0.5, 0.5, 0.5), SECOND_COLOUR])
    steps = np.linspace(0, 2, 256)
    rgb = np.stack([np.interp(steps, [0, 1, 2], ends[:, i]) for i in range(3)], axis=1)
    return np.concatenate([rgb, np.ones((256, 1))], axis=1).astype(np.float32)
