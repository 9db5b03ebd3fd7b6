"""Two pictures of one place, put together so that an eye can compare them.

Every function takes pictures as `paint` makes them, one raster for both, and gives another one.
None of them changes its inputs.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.palette import palette
from napari_fusion.review.paint import LEVELS, Picture, paint
from napari_fusion.slab import Window

Direction = Literal["left-right", "top-bottom"]
"""Where A and B are when a curtain is drawn: A comes first."""

_MIDDLE = 0.15
"""Brightness of a difference of nothing: dark, and not the black of no value."""


def blend(a: Picture, b: Picture, share: float) -> Picture:
    """Mix two pictures linearly: 0 is A, 1 is B, each to the bit.

    Raises
    ------
    ParameterError
        The shapes differ, or the share is not in 0 to 1.
    """
    import cv2

    _same(a, b)
    _within("the share of B", share)
    return np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0), np.uint8)


def swipe(
    a: Picture, b: Picture, position: float = 0.5, direction: Direction = "left-right"
) -> Picture:
    """Draw a curtain: A before a line, B behind it.

    Parameters
    ----------
    position
        Part of the picture that is A: 0 is all B, 1 is all A.
    direction
        Whether the curtain moves along the rows or along the columns.

    Raises
    ------
    ParameterError
        The shapes differ, the position is not in 0 to 1, or there is no such direction.
    """
    _same(a, b)
    _within("the curtain's position", position)
    if direction not in get_args(Direction):
        raise ParameterError(
            f"a curtain goes {' or '.join(get_args(Direction))}, not {direction!r}"
        )
    drawn = b.copy()
    if direction == "left-right":
        edge = round(position * a.shape[1])
        drawn[:, :edge] = a[:, :edge]
    else:
        edge = round(position * a.shape[0])
        drawn[:edge] = a[:edge]
    return drawn


def checkerboard(
    a: Picture, b: Picture, size_mm: float = 20.0, pixel_mm: tuple[float, float] = (1.0, 1.0)
) -> Picture:
    """Alternate squares of A and B; the first one, top left, is A.

    Parameters
    ----------
    size_mm
        Side of a square.
    pixel_mm
        Height and width of a pixel.

    Raises
    ------
    ParameterError
        The shapes differ, or a size is not above 0.
    """
    _same(a, b)
    odd = is_b(a.shape[:2], size_mm, pixel_mm)
    words = (np.ascontiguousarray(one).view(np.uint32)[..., 0] for one in (b, a))
    board: Picture = np.where(odd, *words)[..., None].view(np.uint8)
    return board


def is_b(
    shape: tuple[int, ...], size_mm: float, pixel_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """Say which pixels of a checkerboard are those of B; as `checkerboard`."""
    if not size_mm > 0 or not min(pixel_mm) > 0:
        raise ParameterError(
            f"squares of {size_mm:g} mm on pixels of {pixel_mm[0]:g} × {pixel_mm[1]:g} mm cannot "
            "be drawn: give sizes above 0"
        )
    rows, columns = (
        (np.arange(n) * step // size_mm).astype(int) % 2 == 1
        for n, step in zip(shape, pixel_mm, strict=True)
    )
    odd: NDArray[np.bool_] = rows[:, None] ^ columns[None, :]
    return odd


def over(below: Picture, above: Picture, opacity: float = 1.0) -> Picture:
    """Lay one picture over another; where the upper one is clear the lower one shows.

    Raises
    ------
    ParameterError
        The shapes differ, or the opacity is not in 0 to 1.
    """
    _same(below, above)
    _within("the opacity", opacity)
    import cv2

    left = cv2.convertScaleAbs(above[..., 3], alpha=-opacity, beta=LEVELS - 1)  # for what is below
    dimmed = cv2.multiply(below, cv2.merge([left] * 4), scale=1 / (LEVELS - 1))
    return np.asarray(cv2.addWeighted(above, opacity, dimmed, 1, 0), np.uint8)


def two_colours(a: Picture, b: Picture) -> Picture:
    """Show the brightness of A in orange and of B in blue; where they agree the sum is grey."""
    _same(a, b)
    import cv2

    first, second = _brightness(a), _brightness(b)
    middle = cv2.addWeighted(first, 0.5, second, 0.5, 0)
    cover = np.maximum(a[..., 3], b[..., 3])
    return np.asarray(cv2.merge([first, middle, second, cover]), np.uint8)


def difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> Picture:
    """Show by how much B is above A (orange) or below it (blue); dark where they agree.

    Parameters
    ----------
    a, b
        (h, w) windowed values in [0, 1]; NaN in either leaves the pixel clear.

    Raises
    ------
    ParameterError
        The shapes differ.
    """
    if a.shape != b.shape:
        raise ParameterError(f"the pictures differ in shape: {a.shape} and {b.shape}")
    return paint(np.asarray(b - a), Window(lower=-1, upper=1), _signed())


def _signed() -> NDArray[np.float32]:
    """Give blue over near-black to orange, 511 steps, the middle one for no difference."""
    steps = np.linspace(0, 1, LEVELS, dtype=np.float32)[:, None]
    dark = np.full(3, _MIDDLE, np.float32)
    halves = [dark + steps * (palette(name)[-1] - dark) for name in ("blue", "orange")]
    return np.concatenate([halves[0][::-1], halves[1][1:]])


def _brightness(picture: Picture) -> NDArray[np.uint8]:
    """Give the strongest of the three colours of each pixel (h, w)."""
    brightest: NDArray[np.uint8] = np.maximum(picture[..., 0], picture[..., 1])
    np.maximum(brightest, picture[..., 2], out=brightest)
    return brightest


def _same(a: Picture, b: Picture) -> None:
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 4:
        raise ParameterError(
            f"two pictures (h, w, 4) of one raster are needed, not {a.shape} and {b.shape}"
        )


def _within(what: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ParameterError(f"{what} runs from 0 to 1, not {value:g}")
