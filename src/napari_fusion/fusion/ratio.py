"""Contrast (ratio-of-low-pass) and gradient pyramids: other ways to read the same bands."""

from functools import partial
from itertools import pairwise

import numpy as np

from napari_fusion.fusion.pyramid import Levels, mixed
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, presence, select, strongest
from napari_fusion.pyramid import Plane, expand, filtered, gaussian
from napari_fusion.slab import Stack

DARK = np.float32(0.05)
"""Brightness added before dividing, so that contrast on black stays finite."""

# Differences along four directions, of the twice-blurred kind of Burt & Kolczynski.
DIRECTIONS: tuple[Plane, ...] = (
    np.array([[0, 0, 0], [-2, 4, -2], [0, 0, 0]], np.float32) / np.float32(16),
    np.array([[0, -2, 0], [0, 4, 0], [0, -2, 0]], np.float32) / np.float32(16),
    np.array([[-1, 0, 0], [0, 2, 0], [0, 0, -1]], np.float32) / np.float32(16),
    np.array([[0, 0, -1], [0, 2, 0], [-1, 0, 0]], np.float32) / np.float32(16),
)


@method("contrast", title="Contrast pyramid", cite="Toet 1989, doi:10.1016/0167-8655(89)90003-2")
def contrast(sources: Stack, *, levels: Levels = 4) -> Stack:
    r"""Keep the detail of highest local contrast, and that contrast over the fused background.

    :math:`C_j^l = D_j^l / (E_j^l + \delta)` over the expanded coarser level :math:`E`; the winner
    gives :math:`C_j (E_F + \delta)`, its own detail times a gain, so parts stay exact.

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    """
    return each_slice(_contrast, sources, levels)


@method("gradient", title="Gradient pyramid", cite="Burt 1992; Burt & Kolczynski 1993")
def gradient(sources: Stack, *, levels: Levels = 4) -> Stack:
    r"""Choose details by direction: the strongest of each of four orientations.

    Each detail is the sum of four directional second differences :math:`\Delta_\theta` and what
    they leave over; :math:`p_j` takes each :math:`\Delta_\theta D_j^l` where it is the largest, the
    rest in the mean proportion. (The published pyramid is inverted approximately; this is exact.)

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    """
    return each_slice(_gradient, sources, levels)


def _contrast(planes: Planes, levels: int) -> Planes:
    pyramid = gaussian(planes, levels)
    parts = pyramid[-1] * presence(planes)
    for smaller, fine in pairwise(reversed(pyramid)):
        coarse, parts = expand(smaller, fine), expand(parts, fine)
        fused = np.maximum(parts.sum(axis=0), 0) + DARK
        ratio = (fine - coarse) / (coarse + DARK)
        ratio *= strongest(np.abs(ratio))
        parts += ratio * fused
    return parts


def _gradient(planes: Planes, levels: int) -> Planes:
    there = presence(planes)
    return mixed(
        planes, levels, lambda bands, _: _by_direction(bands, there), lambda base: base * there
    )


def _by_direction(details: Planes, there: Planes) -> Planes:
    import cv2

    rest, chosen = details.copy(), np.zeros_like(details)
    for kernel in DIRECTIONS:
        along = filtered(
            details, partial(cv2.filter2D, ddepth=-1, kernel=kernel), details.shape[1:]
        )
        chosen += select(along)
        rest -= along
    chosen += rest * there
    return chosen
