"""One picture of a fusion, or of a change: rows of three planes, with side letters."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
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

Row = tuple[str, Callable[[Plane, int], RGB]]
"""A title, and what draws a slice."""

TILE = 320
"""Height and width of one picture, in pixels."""

SOURCE_COLOURS = np.array(
    [
        [86, 180, 233],
        [230, 159, 0],
        [0, 158, 115],
        [204, 121, 167],
        [240, 228, 66],
        [213, 94, 0],
        [0, 114, 178],
        [200, 200, 200],
    ],
    np.float32,
)
"""Okabe & Ito's colours, told apart in every common colour vision, with grey for their black."""

_GAP = 6
_LABEL = 22

LUMP_MM = 12.0
"""Side of a cube that a lesion fills."""


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
    greys = [*sources, fused.array]
    rows: list[Row] = [
        (name, partial(_grey_slice, array))
        for name, array in zip([*names, "fused"], greys, strict=True)
    ]
    rows.append(("attribution", partial(_coloured, fused.array, shares)))
    return _drawn(fused, rows, _centre(greys), names, caption)


def change_montage(
    change: Volume,
    dates: Sequence[NDArray[np.float32]],
    names: Sequence[str],
    caption: str,
) -> RGB:
    """Draw rows of baseline, follow-up and the change over the baseline, through its largest lump.

    Parameters
    ----------
    change
        Signed, NaN where nothing is known, axes in S, P, L order.
    dates
        Baseline and follow-up on its grid, in [0, 1].
    names
        One label per date.
    caption
        What stands below the pictures; the disclaimer is added.

    Returns
    -------
    RGB
        (h, w, 3) uint8.
    """
    size = np.abs(np.nan_to_num(change.array))
    most = float(np.percentile(size[size > 0], 99)) if size.any() else 1.0
    share = np.clip(np.nan_to_num(change.array) / most, -1, 1)
    rows: list[Row] = [
        (name, partial(_grey_slice, array)) for name, array in zip(names, dates, strict=True)
    ]
    rows.append(("change", partial(_signed, dates[0], share)))
    middle = _largest(size, change.grid.spacing) if size.any() else _centre(dates)
    signs = [f"less than before, full at -{most:.3g}", f"more, full at {most:.3g}"]
    return _drawn(change, rows, middle, signs, caption)


def colour_montage(
    fused: Volume, picture: RGB, functional: NDArray[np.float32], title: str, caption: str
) -> RGB:
    """Draw rows of the fused picture in grey and in colour, through where the function is highest.

    Parameters
    ----------
    fused
        Values in [0, 1], axes in S, P, L order.
    picture
        (d, h, w, 3) uint8 on its grid.
    functional
        What the colours stand for, on its grid.
    title
        What the second row is called.
    caption
        What stands below the pictures; the disclaimer is added.

    Returns
    -------
    RGB
        (h, w, 3) uint8.
    """

    def coloured(view: Plane, index: int) -> RGB:
        return np.ascontiguousarray(view.cut(picture, index))

    rows: list[Row] = [("fused", partial(_grey_slice, fused.array)), (title, coloured)]
    return _drawn(fused, rows, _most(np.nan_to_num(functional)), (), caption)


def _largest(size: NDArray[np.float32], spacing: NDArray[np.float64]) -> tuple[int, int, int]:
    """Give the middle of the cube that holds most change: a lump counts, a thin rim does not."""
    from scipy.ndimage import uniform_filter

    sides = np.maximum(1, np.rint(LUMP_MM / spacing)).astype(int)
    lumps = uniform_filter(size, sides.tolist(), mode="constant")
    d, h, w = (int(i) for i in np.unravel_index(np.argmax(lumps), lumps.shape))
    return d, h, w


def _most(array: NDArray[np.float32]) -> tuple[int, int, int]:
    """Give the slice of every axis that holds most."""
    d, h, w = (
        int(np.argmax(array.sum(axis=tuple(a for a in range(3) if a != axis)))) for axis in range(3)
    )
    return d, h, w


def _drawn(
    shown: Volume,
    rows: Sequence[Row],
    centre: tuple[int, int, int],
    legend: Sequence[str],
    caption: str,
) -> RGB:
    """Draw rows of slices through a voxel; the legend and the caption stand below."""
    from PIL import Image, ImageDraw

    views = [
        replace(v, letters=("", "", "", "")) if shown.sides_unknown else v
        for v in planes(shown.grid)
    ]
    notes = textwrap.wrap(f"{caption} Not a medical device.", 130)
    step = TILE + _LABEL + _GAP
    size = (3 * (TILE + _GAP) + _GAP, len(rows) * step + 20 * (len(notes) + 2))
    canvas = Image.new("RGB", size)
    draw = ImageDraw.Draw(canvas)
    for r, (title, cut) in enumerate(rows):
        for c, view in enumerate(views):
            corner = (_GAP + c * (TILE + _GAP), _GAP + r * step)
            _tile(canvas, corner, cut(view, centre[view.axis]), view)
            place = "" if shown.sides_unknown else f" · {_position(shown.grid, view, centre)}"
            label = f"{title} · {view.name}{place}"
            draw.text((corner[0] + 2, corner[1] + TILE + 2), label, fill="white", font=_font(13))
    bottom = len(rows) * step + _GAP
    _legend(draw, legend, (_GAP + 2, bottom))
    for i, line in enumerate(notes, start=1):
        draw.text((_GAP + 2, bottom + 20 * i), line, fill="white", font=_font(13))
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


def _grey_slice(array: NDArray[np.float32], view: Plane, index: int) -> RGB:
    levels = (np.clip(np.nan_to_num(view.cut(array, index)), 0, 1) * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def _signed(below: NDArray[np.float32], share: NDArray[np.float32], view: Plane, index: int) -> RGB:
    """Lay what became less (blue) or more (orange) over a grey picture; faint changes show."""
    grey = _grey_slice(below, view, index).astype(np.float32)
    signed = view.cut(share, index)[..., None]
    hue = np.where(signed < 0, SOURCE_COLOURS[0], SOURCE_COLOURS[1])
    cover = np.where(signed != 0, 0.3 + 0.7 * np.abs(signed), 0)
    mixed: RGB = (grey + cover * (hue - grey)).astype(np.uint8)
    return mixed


def _coloured(
    fused: NDArray[np.float32], shares: Sequence[NDArray[np.float32]], view: Plane, index: int
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
    x, y = corner
    for i, name in enumerate(names):
        colour = tuple(int(c) for c in SOURCE_COLOURS[i])
        draw.rectangle((x, y + 3, x + 10, y + 13), colour, "black")
        draw.text((x + 16, y), name, colour, _font(13))
        x += 16 + round(draw.textlength(name, _font(13))) + 24


def _position(grid: Grid, view: Plane, centre: tuple[int, int, int]) -> str:
    """Say where the slice lies, in mm along the axis nearest to it, on which side of the origin."""
    axis = {"axial": 2, "coronal": 1, "sagittal": 0}[view.name]
    place = float(grid.index_to_lps(centre)[axis])
    return f"{('LPS' if place >= 0 else 'RAI')[axis]} {abs(place):.1f} mm"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
