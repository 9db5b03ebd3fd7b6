"""A disc that shows another picture than what lies around it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.palette import palette
from napari_fusion.review.paint import Picture, paint
from napari_fusion.slab import Window

RIM = (240, 228, 66)
"""Okabe & Ito's yellow: the ring that tells where the disc ends."""

WHOLE = Window(lower=0, upper=1)


def disc(picture: Picture, rim: int = 2) -> Picture:
    """Cut a round piece out of a square picture, with a ring; outside it is clear.

    Parameters
    ----------
    picture
        (n, n, 4); within the disc what is not covered becomes black.
    rim
        Width of the ring in pixels.

    Raises
    ------
    ParameterError
        The picture is not square.
    """
    if picture.shape[0] != picture.shape[1]:
        raise ParameterError(f"a disc is cut out of a square, not of {picture.shape[:2]} pixels")
    inside, ring = _masks(picture.shape[0], rim)
    cut = picture.copy()
    cut[..., 3] = 255
    cut[~inside] = 0
    cut[ring] = (*RIM, 255)
    return cut


def shares(second: NDArray[np.float32], brightness: NDArray[np.float32]) -> Picture:
    """Colour a fused picture by who made it: blue the first source, orange the second.

    Parameters
    ----------
    second
        (h, w) share of the second source in [0, 1]; NaN is clear.
    brightness
        (h, w) the fused picture in [0, 1]; where it is black there is nothing to attribute.
    """
    blue, orange = palette("blue")[-1], palette("orange")[-1]
    steps = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    picture = paint(second, WHOLE, blue + steps * (orange - blue))
    light = np.sqrt(WHOLE(brightness))[..., None]
    picture[..., :3] = np.rint(picture[..., :3] * light).astype(np.uint8)
    return picture


@lru_cache(maxsize=4)
def _masks(size: int, rim: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    middle = (size - 1) / 2
    rows, columns = np.ogrid[:size, :size]
    distance = np.hypot(rows - middle, columns - middle)
    radius = size / 2
    return distance <= radius, (distance <= radius) & (distance > radius - rim)
