"""From measured values to colours: a window, a palette, and nothing where there is no value.

A picture is (h, w, 4) uint8: red, green, blue and coverage. Colours are already multiplied by the
coverage, so that pictures can be mixed by plain arithmetic, and what is not covered is black.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.slab import Window

Picture = NDArray[np.uint8]
"""(h, w, 4) uint8, colours multiplied by the last channel, their coverage."""

LEVELS = 256


def paint(
    values: NDArray[Any], window: Window, colours: NDArray[np.float32], *, gamma: float = 1.0
) -> Picture:
    """Colour a slice.

    Parameters
    ----------
    values
        (h, w) measured values; those that are not finite are left clear.
    window
        Values shown as the first and the last colour.
    colours
        (n, 3) or (n, 4) in [0, 1], lowest value first; a fourth column is opacity.
    gamma
        Exponent of the windowed value, as in the viewer.

    Raises
    ------
    ParameterError
        The values are no slice, or the colours no table.

    Examples
    --------
    >>> grey = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[:, None], 3, axis=1)
    >>> paint(np.array([[0.0, np.nan]]), Window(lower=-1, upper=1), grey).tolist()
    [[[128, 128, 128, 255], [0, 0, 0, 0]]]
    """
    if values.ndim != 2:
        raise ParameterError(f"a slice has two dimensions, this one has {values.ndim}")
    table = _table(colours, gamma)
    levels = window(values)
    levels *= LEVELS - 1
    levels += np.float32(0.5)
    index = levels.astype(np.uint8)
    packed = np.take(table, index)
    if not np.isfinite(values).all():
        packed[~np.isfinite(values)] = 0
    picture: Picture = packed.view(np.uint8).reshape(*values.shape, 4)
    return picture


def opaque(picture: Picture) -> Picture:
    """Lay a picture on black: what was not covered is covered by it."""
    laid = picture.copy()
    laid[..., 3] = LEVELS - 1
    return laid


def _table(colours: NDArray[np.float32], gamma: float) -> NDArray[np.uint32]:
    """Pack a palette into 256 words of red, green, blue and coverage."""
    if colours.ndim != 2 or colours.shape[0] < 2 or colours.shape[1] not in {3, 4}:
        raise ParameterError(f"colours are (n, 3) or (n, 4), not {colours.shape}")
    places = np.linspace(0, 1, LEVELS) ** gamma * (len(colours) - 1)
    chosen = np.clip(colours[np.rint(places).astype(int)], 0, 1).astype(np.float64)
    alpha = chosen[:, 3:] if chosen.shape[1] == 4 else np.ones((LEVELS, 1))
    words = np.rint(np.concatenate([chosen[:, :3] * alpha, alpha], axis=1) * (LEVELS - 1))
    table: NDArray[np.uint32] = np.ascontiguousarray(words, np.uint8).view(np.uint32).ravel()
    return table
