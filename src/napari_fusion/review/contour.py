"""Lines: where grey values jump, and where labels end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.review.paint import Picture

EDGE_COLOUR = (86, 180, 233)
"""Okabe & Ito's sky blue: seen on grey and on hot iron, and by colour-blind eyes."""

FAINTEST = 0.06
"""Step, in parts of the window, below which nothing is an edge."""

OVER_NOISE = 5.0
"""Times the middle gradient of a picture, above which an edge is no noise."""

_STEP = 0.68 * 4 * 255
"""What the Sobel filter gives at a smoothed step over the whole window of an 8-bit picture."""


def edges(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the edges of a windowed slice, one pixel wide (Canny 1986).

    Lines begin at steps above the noise of the slice and follow them down to half of that.

    Parameters
    ----------
    values
        (h, w) in [0, 1]; where there is no value (NaN) there is no edge, nor at its border.

    Returns
    -------
    numpy.ndarray
        bool (h, w).
    """
    import cv2

    known = np.isfinite(values)
    grey = np.rint(np.where(known, values, 0) * 255).astype(np.uint8)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    across, down = (
        np.asarray(cv2.Sobel(smooth, cv2.CV_16S, x, y, borderType=cv2.BORDER_REPLICATE), np.int16)
        for x, y in ((1, 0), (0, 1))
    )
    thin = (slice(None, None, 3),) * 2
    slope = np.hypot(across[thin].astype(np.float32), down[thin])[known[thin]]
    noise = float(np.median(slope)) if slope.size else 0.0
    strong = max(FAINTEST * _STEP, OVER_NOISE * noise)
    found = cv2.Canny(across, down, strong / 2, strong, L2gradient=True) > 0
    if not known.all():  # the end of the data is no edge of the patient
        found &= cv2.erode(known.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    lines: NDArray[np.bool_] = found
    return lines


def outlines(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the pixels of each label that touch another label or the background.

    Parameters
    ----------
    labels
        (h, w); 0 is background and has no outline.
    """
    border = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        ahead = [slice(None)] * 2
        behind = [slice(None)] * 2
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        differs = labels[tuple(ahead)] != labels[tuple(behind)]
        border[tuple(ahead)] |= differs
        border[tuple(behind)] |= differs
    rims: NDArray[np.bool_] = border & (labels != 0)
    return rims


def draw(
    picture: Picture,
    lines: NDArray[np.bool_],
    *,
    width_mm: float = 1.0,
    pixel_mm: tuple[float, float] = (1.0, 1.0),
    colour: tuple[int, int, int] = EDGE_COLOUR,
) -> Picture:
    """Draw lines on a picture.

    Parameters
    ----------
    picture
        What they lie on; it is not changed.
    lines
        bool (h, w), one pixel wide.
    width_mm
        How wide they are drawn; never less than a pixel.
    pixel_mm
        Height and width of a pixel.
    colour
        Red, green and blue, 0 to 255.

    Raises
    ------
    ParameterError
        The shapes differ, or a size is not above 0.
    """
    import cv2

    if picture.shape[:2] != lines.shape:
        raise ParameterError(f"lines {lines.shape} do not fit a picture {picture.shape[:2]}")
    if not width_mm > 0 or not min(pixel_mm) > 0:
        raise ParameterError(f"a line of {width_mm:g} mm cannot be drawn: give a width above 0")
    across = [max(1, round(width_mm / step)) for step in pixel_mm]
    wide = cv2.dilate(lines.astype(np.uint8), np.ones(across, np.uint8)) > 0
    drawn = picture.copy()
    drawn[wide] = (*colour, 255)
    return drawn
