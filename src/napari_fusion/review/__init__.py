"""Pictures for the eye: arrays in, arrays out, no Qt.

`Sheet` cuts a slice and `paint` colours it; `blend`, `swipe`, `checkerboard`, `over`,
`two_colours`, `difference`, `edges` with `draw`, and `disc` compare two of them.
"""

from napari_fusion.review.compose import blend, checkerboard, difference, over, swipe, two_colours
from napari_fusion.review.contour import draw, edges, outlines
from napari_fusion.review.lens import disc
from napari_fusion.review.montage import change_montage, colour_montage, montage
from napari_fusion.review.paint import opaque, paint
from napari_fusion.review.sheet import Sheet

__all__ = [
    "Sheet",
    "blend",
    "change_montage",
    "checkerboard",
    "colour_montage",
    "difference",
    "disc",
    "draw",
    "edges",
    "montage",
    "opaque",
    "outlines",
    "over",
    "paint",
    "swipe",
    "two_colours",
]
