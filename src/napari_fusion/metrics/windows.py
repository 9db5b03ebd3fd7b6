"""Weighted means in a moving window, the statistics several metrics are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Means, variances and covariance of two pictures in every window inside them."""

    mean_a: Floats
    mean_b: Floats
    var_a: Floats
    var_b: Floats
    both: Floats


def gaussian(side: int, sigma: float) -> Floats:
    """Give a Gaussian of `side` taps that sums to 1."""
    x = np.arange(side) - (side - 1) / 2
    taps: Floats = np.exp(-(x**2) / (2 * sigma**2))
    taps /= taps.sum()
    return taps


def inside(picture: Floats, taps: Floats) -> Floats:
    """Filter rows and columns by `taps` and keep only windows that lie inside the picture."""
    import cv2

    blurred: Floats = cv2.sepFilter2D(picture, -1, taps, taps)  # type: ignore[assignment]
    half = len(taps) // 2
    return blurred[half : blurred.shape[0] - half, half : blurred.shape[1] - half]


def moments(a: Floats, b: Floats, taps: Floats) -> Moments:
    """Give the moments of two pictures in windows weighted by `taps` (variances biased)."""
    mean_a, mean_b = inside(a, taps), inside(b, taps)
    return Moments(
        mean_a,
        mean_b,
        inside(a * a, taps) - mean_a**2,
        inside(b * b, taps) - mean_b**2,
        inside(a * b, taps) - mean_a * mean_b,
    )
