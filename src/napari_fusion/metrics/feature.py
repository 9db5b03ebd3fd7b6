"""Feature mutual information: how much each small window of a feature tells of the source's."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from napari_fusion.metrics.registry import Picture, Pictures, metric

Floats = NDArray[np.float64]

PAPER = "Haghighat & Razian 2014, doi:10.1109/ICAICT.2014.7036000"
CHUNK = 512
"""Windows looked at together: few enough for the processor's cache."""


@metric("FMI (gradient)", PAPER, range=(0, 1), gamed_by="copying one source")
def fmi(fused: Picture, sources: Pictures) -> float:
    """Give the mean feature mutual information with the sources, feature: horizontal gradient."""
    return (
        _fmi(np.gradient(fused, axis=1), np.gradient(sources, axis=2)) if _wide(fused) else np.nan
    )


@metric("FMI (pixel)", PAPER, range=(0, 1), gamed_by="copying one source")
def fmi_pixel(fused: Picture, sources: Pictures) -> float:
    """Give the mean feature mutual information with the sources, feature: the grey level itself."""
    return _fmi(fused, sources) if _wide(fused) else np.nan


def _wide(picture: Picture) -> bool:
    return bool(min(picture.shape) >= 3)


def _fmi(fused: Picture, sources: Pictures) -> float:
    windows = _windows(fused)
    return float(np.mean([_similar(_windows(source), windows) for source in sources]))


def _windows(feature: Picture) -> Floats:
    """Give every 3 × 3 window as a row of nine, columns first as in the reference code."""
    windows = sliding_window_view(feature, (3, 3)).swapaxes(2, 3)
    return windows.reshape(-1, 9)


def _similar(a: Floats, b: Floats) -> float:
    """Average over pairs of windows; two windows that are the same count 1."""
    differ = ~(a == b).all(axis=1)
    count, a, b = len(a), a[differ], b[differ]
    total = sum(
        float(_normalised(a[i : i + CHUNK], b[i : i + CHUNK]).sum())
        for i in range(0, len(a), CHUNK)
    )
    return (count - len(a) + total) / count


def _normalised(a: Floats, b: Floats) -> Floats:
    """Give twice the mutual information over the entropies, for pairs of windows (m, 9).

    The joint distribution is Nelsen's mixture of independence and the Fréchet bound, in the
    proportion that gives the correlation observed.
    """
    pdf_a, pdf_b = _distribution(a), _distribution(b)
    correlation = _correlation(pdf_a, pdf_b)
    cdf_a, cdf_b = pdf_a.cumsum(axis=1)[:, :, None], pdf_b.cumsum(axis=1)[:, None, :]
    product = cdf_a * cdf_b
    upper = np.minimum(cdf_a, cdf_b)
    lower = np.maximum(cdf_a + cdf_b - 1, 0)
    bound = np.where((correlation >= 0)[:, None, None], upper, lower)
    reach = (bound - product).sum(axis=(1, 2))
    spread = _spread(pdf_a) * _spread(pdf_b)
    moving = (correlation != 0) & (spread > 0) & (reach != 0)
    mix = np.divide(correlation * spread, reach, out=np.zeros_like(reach), where=moving)
    mix = mix[:, None, None]
    joint = mix * _density(bound) + (1 - mix) * pdf_a[:, :, None] * pdf_b[:, None, :]
    entropies = _entropy(pdf_a) + _entropy(pdf_b)
    shared = entropies - _entropy(joint.reshape(len(a), -1))
    ratio: Floats = np.divide(2 * shared, entropies, out=np.zeros_like(shared), where=entropies > 0)
    return ratio


def _distribution(windows: Floats) -> Floats:
    low, high = windows.min(axis=1, keepdims=True), windows.max(axis=1, keepdims=True)
    stretched = np.divide(windows - low, high - low, out=np.ones_like(windows), where=(high > low))
    spread: Floats = stretched / stretched.sum(axis=1, keepdims=True)
    return spread


def _correlation(a: Floats, b: Floats) -> Floats:
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    size = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    flat = size < 1e-15  # a constant window, up to rounding
    correlation: Floats = np.zeros(len(a))
    np.divide((a * b).sum(axis=1), size, out=correlation, where=~flat)
    return correlation


def _spread(pdf: Floats) -> Floats:
    """Give the standard deviation of the position in the window."""
    position = np.arange(1, 10)
    variance = pdf @ (position**2) - (pdf @ position) ** 2
    deviation: Floats = np.sqrt(variance.clip(0))
    return deviation


def _density(cdf: Floats) -> Floats:
    padded = np.pad(cdf, ((0, 0), (1, 0), (1, 0)))
    density: Floats = np.diff(np.diff(padded, axis=1), axis=2)
    return density


def _entropy(pdf: Floats) -> Floats:
    size = np.abs(pdf)
    logs = np.log2(size, out=np.zeros_like(size), where=size > 0)
    entropy: Floats = -(pdf * logs).sum(axis=1)
    return entropy
