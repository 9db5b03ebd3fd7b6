"""Our own classic method: one balanced decision, blended at every scale."""

from typing import Annotated

import numpy as np

from napari_fusion.fusion.pyramid import Levels, expand, merge, reduce, split
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Plane, Planes, each_slice, proportional, smooth
from napari_fusion.slab import Stack

FAINT = np.float32(1e-3)
"""Saliency that counts as nothing: a quarter of a grey level of 255."""

DARK = np.float32(0.02)
"""Brightness that counts as nothing: five grey levels of 255."""

QUIET = np.float32(2e-3)
"""Mean saliency of a slice below which a source is not lifted any further."""

FADE = np.float32(0.9)
"""How much less each coarser scale says about saliency."""


@method("auto", title="Automatic", cite="This project; blending of Burt & Adelson 1983")
def auto(
    sources: Stack,
    *,
    levels: Levels = 4,
    balance: Annotated[float, {"min": 0, "max": 1}] = 0.45,
) -> Stack:
    r"""Decide once who speaks where, each source by its own standard, and blend at every scale.

    With the saliency :math:`S_j` of a pixel, the detail of all scales around it, its mean over the
    slice :math:`\bar S_j` and the local brightness :math:`B_j`, the decision is
    :math:`W_j \propto (S_j / \bar S_j^{\,\beta})^6\, B_j^3`. Dividing by a source's own mean keeps
    a faint source (SPECT over MR) from being drowned by a crisp one. One map for all scales leaves
    no contradictions between them, and its Gaussian pyramid blends without seams; the energy
    :math:`E_j^l` around each detail lets small structure, a lesion, through:
    :math:`p_j = \sum_l \uparrow^l (V_j^l D_j^l) + \uparrow^L (U_j B_j^L)`,
    :math:`V_j^l \propto W_j^l E_j^l / \bar S_j^{\,\beta}`. The base weights :math:`U` are half
    :math:`W^L`, half by brightness, so that bone stays bright.

    Parameters
    ----------
    levels
        Number of detail bands over which sources are blended.
    balance
        From 0, where the most salient source wins, to 1, where each counts by its own standard.
    """
    return each_slice(_auto, sources, levels, balance)


def _auto(planes: Planes, levels: int, balance: float) -> Planes:
    pyramids = [split(plane, levels) for plane in planes]
    *details, bases = (np.stack(bands) for bands in zip(*pyramids, strict=True))
    if not details:  # a single pixel
        return planes * _bright(planes)
    saliency = np.stack([_saliency(pyramid[:-1]) for pyramid in pyramids])
    standard = (saliency.mean(axis=(1, 2), keepdims=True) + QUIET) ** np.float32(balance)
    weights = _decision(planes, saliency / standard)
    bands = []
    for detail in details:
        energy = np.stack([smooth(np.abs(band), 1) for band in detail])
        bands.append(detail * proportional(weights * (energy / standard + FAINT)))
        weights = np.stack([reduce(weight) for weight in weights])
    base = bases * (weights + _bright(bases)) / 2
    return np.stack([merge([*part]) for part in zip(*bands, base, strict=True)])


def _decision(planes: Planes, saliency: Planes) -> Planes:
    """Give every source's weight (k, h, w) at the finest scale."""
    bright = np.stack([_blur(plane, 9) for plane in planes])
    votes = (saliency + FAINT) ** 2 * (bright + DARK)
    return proportional(votes * votes * votes)


def _saliency(details: list[Plane]) -> Plane:
    """Add up the magnitudes of all details around each pixel, coarse ones a little less."""
    total = smooth(np.abs(details[-1]), 1)
    for detail in reversed(details[:-1]):
        total = FADE * expand(total, detail)
        total += smooth(np.abs(detail), 1)
    return _blur(total, 6)


def _bright(bases: Planes) -> Planes:
    """Share in proportion to the tenth power of brightness: nearly the maximum, without seams."""
    lit = np.maximum(bases, 0) + DARK
    return proportional(lit**10)


def _blur(plane: Plane, radius: int) -> Plane:
    import cv2

    side = 2 * radius + 1
    blurred: Plane = cv2.GaussianBlur(plane, (side, side), 0.6 * radius)  # type: ignore[assignment]
    return blurred
