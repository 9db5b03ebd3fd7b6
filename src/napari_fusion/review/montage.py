"""One picture of a fusion: sources, fused and attribution in three planes, with side letters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.review.planes import Plane, planes
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

RGB = NDArray[np.uint8]
"""(h, w, 3) uint8."""

TILE = 320
"""Height and width of one picture, in pixels."""

# Okabe & Ito's sky blue, orange, green, purple, yellow: told apart in every common colour vision.
SOURCE_COLOURS = np.array(
    [[86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167], [240, 228, 66]], np.float32
)
_GAP = 6
_LABEL = 22


def montage(
    fused: Volume,
    sources: Sequence[NDArray[np.float32]],
    shares: Sequence[NDArray[np.float32]],
    names: Sequence[str],
    caption: str,
) -> RGB:
    """Draw rows of sources, fused and attribution; columns axial, coronal, sagittal.

    Parameters
    ----------
    fused
        Values in [0, 1], axes in S, P, L order; where its sides are unknown, no letters are drawn.
    sources, shares
        Arrays on its grid in [0, 1]; one share per source, summing to 1.
    names
        One label per source.
    caption
        What stands below the pictures; the disclaimer is added.

    Returns
    -------
    RGB
        (h, w, 3) uint8.
    """
    from PIL import Image, ImageDraw

    grid = fused.grid
    centre = _centre([*sources, fused.array])
    views = [
        replace(v, letters=("", "", "", "")) if fused.sides_unknown else v for v in planes(grid)
    ]
    titles = [*names, "fused", "attribution"]
    greys = [*sources, fused.array]
    notes = textwrap.wrap(f"{caption} Not a medical device.", 130)
    step = TILE + _LABEL + _GAP
    size = (3 * (TILE + _GAP) + _GAP, len(titles) * step + 20 * (len(notes) + 1))
    canvas = Image.new("RGB", size)
    draw = ImageDraw.Draw(canvas)
    for r, title in enumerate(titles):
        for c, view in enumerate(views):
            corner = (_GAP + c * (TILE + _GAP), _GAP + r * step)
            index = centre[view.axis]
            coloured = r == len(greys)
            picture = (
                _coloured(view, index, fused.array, shares)
                if coloured
                else _grey(view.cut(greys[r], index))
            )
            _tile(canvas, corner, picture, view)
            label = f"{title} · {view.name} · {_position(grid, view, centre)}"
            draw.text((corner[0] + 2, corner[1] + TILE + 2), label, fill="white", font=_font(13))
    _legend(draw, names, (_GAP + 26, _GAP + (len(titles) - 1) * step + 4))
    for i, line in enumerate(notes):
        draw.text(
            (_GAP + 2, len(titles) * step + _GAP + 20 * i), line, fill="white", font=_font(13)
        )
    return np.asarray(canvas)


def _centre(arrays: Sequence[NDArray[np.float32]]) -> tuple[int, int, int]:
    """Give the index in the middle of what every array shows, or of the grid when nothing is."""
    middle = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        seen = np.all([a.max(axis=others) > 0.1 for a in arrays], axis=0)
        where = np.flatnonzero(seen) if seen.any() else np.arange(arrays[0].shape[axis])
        middle.append(int(where[len(where) // 2]))
    return middle[0], middle[1], middle[2]


def _grey(image: NDArray[np.float32]) -> RGB:
    levels = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def _coloured(
    view: Plane, index: int, fused: NDArray[np.float32], shares: Sequence[NDArray[np.float32]]
) -> RGB:
    """Mix the sources' colours by their shares; as bright as the fused picture."""
    colours = np.stack([view.cut(share, index) for share in shares], axis=-1)
    hue = colours @ SOURCE_COLOURS[: len(shares)]
    brightness = np.sqrt(np.clip(view.cut(fused, index), 0, 1))[..., None]
    mixed: RGB = np.clip(hue * brightness, 0, 255).astype(np.uint8)
    return mixed


def _tile(canvas: Image.Image, corner: tuple[int, int], picture: RGB, view: Plane) -> None:
    """Paste one picture at true proportions into its square, with the letters of its sides."""
    from PIL import Image, ImageDraw

    height_mm = picture.shape[0] * view.pixel_mm[0]
    width_mm = picture.shape[1] * view.pixel_mm[1]
    scale = TILE / max(height_mm, width_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    image = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    canvas.paste(image, (corner[0] + (TILE - size[0]) // 2, corner[1] + (TILE - size[1]) // 2))
    draw = ImageDraw.Draw(canvas)
    half = TILE // 2
    spots = ((4, half, "lm"), (TILE - 4, half, "rm"), (half, 4, "mt"), (half, TILE - 4, "mb"))
    for letter, (x, y, anchor) in zip(view.letters, spots, strict=True):
        at = (corner[0] + x, corner[1] + y)
        font = _font(16)
        draw.text(at, letter, "yellow", font, anchor, stroke_width=2, stroke_fill="black")


def _legend(draw: ImageDraw.ImageDraw, names: Sequence[str], corner: tuple[int, int]) -> None:
    for i, name in enumerate(names):
        colour = tuple(int(c) for c in SOURCE_COLOURS[i])
        x, y = corner[0], corner[1] + 18 * i
        draw.rectangle((x, y + 3, x + 10, y + 13), colour, "black")
        draw.text((x + 16, y), name, colour, _font(13), stroke_width=2, stroke_fill="black")


def _position(grid: Grid, view: Plane, centre: tuple[int, int, int]) -> str:
    """Say where the slice lies, in LPS mm along the axis nearest to it."""
    point = grid.index_to_lps(centre)
    axis = "LPS".index({"axial": "S", "coronal": "P", "sagittal": "L"}[view.name])
    return f"{'LPS'[axis]} {point[axis]:.1f} mm"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
