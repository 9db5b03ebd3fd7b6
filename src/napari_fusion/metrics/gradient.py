"""Metrics of edges: how much of every source's gradient arrives in the fused picture."""

import numpy as np
from numpy.typing import NDArray

from napari_fusion.metrics.registry import Picture, Pictures, metric

Floats = NDArray[np.float64]

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float64)

# Sigmoids of Xydeas & Petrović: gain, slope, and the value that counts half.
STRENGTH = (0.9994, -15.0, 0.5)
ANGLE = (0.9879, -22.0, 0.8)


@metric(
    "Q^AB/F",
    "Xydeas & Petrović 2000, doi:10.1049/el:20000267",
    range=(0, 1),
    gamed_by="contrast of a dim picture",
    fast=True,
)
def q_abf(fused: Picture, sources: Pictures) -> float:
    r"""Measure how well edge strength and angle are preserved, weighted by source edge strength.

    :math:`Q = \sum_k \sum g_k Q^{kF} / \sum_k \sum g_k` with Sobel gradients :math:`g`. NaN when no
    source has an edge.
    """
    strength, _ = sobel(grey_levels(sources))
    total = strength.sum()
    return float((strength * preserved(fused, sources)).sum() / total) if total > 0 else np.nan


def preserved(fused: Picture, sources: Pictures) -> Floats:
    """Give the preservation Q^kF (k, h, w) of every source's edges at every pixel."""
    strength, angle = sobel(grey_levels(sources))
    seen, towards = sobel(grey_levels(fused[None]))
    strongest = np.maximum(strength, seen)
    ratio = np.divide(
        np.minimum(strength, seen), strongest, out=np.ones_like(strength), where=strongest > 0
    )
    return sigmoid(ratio, STRENGTH) * sigmoid(1 - np.abs(angle - towards) * 2 / np.pi, ANGLE)


def grey_levels(pictures: Pictures) -> Floats:
    """Scale to grey levels of 255, to the nearest 1/1024.

    Such numbers add up exactly. Rounding noise in a derivative that should be zero would turn an
    angle of π/2 into -π/2, which the metric takes for the opposite direction.
    """
    levels: Floats = np.rint(np.asarray(pictures, np.float64) * (255 * 1024)) / 1024
    return levels


def sobel(pictures: Pictures) -> tuple[Floats, Floats]:
    """Give strength and angle (-π/2 to π/2) of the gradient (k, h, w); zeros beyond the border."""
    import cv2

    strength, angle = np.empty(pictures.shape), np.empty(pictures.shape)
    for i, picture in enumerate(np.asarray(pictures, np.float64)):
        dx, dy = (
            np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT))
            for kernel in (-SOBEL, SOBEL.T)
        )
        strength[i] = np.hypot(dx, dy)
        flat = np.full(dx.shape, np.inf)
        angle[i] = np.arctan(np.divide(dy, dx, out=flat, where=dx != 0))
    return strength, angle


def sigmoid(values: Floats, shape: tuple[float, float, float]) -> Floats:
    """Give ``gain / (1 + exp(slope (values - half)))``."""
    gain, slope, half = shape
    curve: Floats = gain / (1 + np.exp(slope * (values - half)))
    return curve
