"""Metrics of local structure: means, variances and covariances in a small moving window."""

import numpy as np
from numpy.typing import NDArray

from napari_fusion.metrics.registry import Picture, Pictures, metric

Floats = NDArray[np.float64]

SIDE = 7
"""Side of the uniform window of `ssim`, in pixels."""

C1, C2 = 0.01**2, 0.03**2
"""The constants that keep SSIM's two quotients finite, for pictures in [0, 1]."""


@metric(
    "SSIM",
    "Wang et al. 2004, doi:10.1109/TIP.2003.819861",
    range=(-1, 1),
    gamed_by="an empty background",
    fast=True,
)
def ssim(fused: Picture, sources: Pictures) -> float:
    """Give the mean structural similarity to the sources, 7 × 7 uniform window, range 1.

    Windows that leave the picture are not counted, nor are pictures smaller than the window: NaN.
    """
    if min(fused.shape) < SIDE:
        return np.nan
    return float(np.mean([_similarity(fused, source).mean() for source in sources]))


@metric(
    "SSIM on the foreground",
    "Wang et al. 2004, averaged where any source is above zero",
    range=(-1, 1),
    fast=True,
)
def ssim_foreground(fused: Picture, sources: Pictures) -> float:
    """Give the mean structural similarity where any source shows something; NaN if none does."""
    half = SIDE // 2
    seen = (sources > 0).max(axis=0)[half:-half, half:-half]
    if min(fused.shape) < SIDE or not seen.any():
        return np.nan
    return float(np.mean([_similarity(fused, source)[seen].mean() for source in sources]))


def _similarity(a: Picture, b: Picture) -> Floats:
    """Give the SSIM map, as scikit-image does (unbiased variances), without the border."""
    import cv2

    half, count = SIDE // 2, SIDE * SIDE

    def mean(picture: Floats) -> Floats:
        blurred: Floats = cv2.blur(picture, (SIDE, SIDE))  # type: ignore[assignment]
        return blurred[half:-half, half:-half]

    mean_a, mean_b = mean(a), mean(b)
    unbiased = count / (count - 1)
    var_a = (mean(a * a) - mean_a**2) * unbiased
    var_b = (mean(b * b) - mean_b**2) * unbiased
    both = (mean(a * b) - mean_a * mean_b) * unbiased
    quotient: Floats = ((2 * mean_a * mean_b + C1) * (2 * both + C2)) / (
        (mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2)
    )
    return quotient
