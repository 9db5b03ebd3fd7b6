"""Metrics of local structure: means, variances and covariances in a small moving window."""

import numpy as np

from napari_fusion.metrics.registry import Picture, Pictures, metric
from napari_fusion.metrics.windows import Floats, Moments, gaussian, moments

UNIFORM = np.full(7, 1 / 7)
"""The window of `ssim`: 7 × 7 pixels of equal weight, as scikit-image has it."""

GAUSSIAN = gaussian(11, 1.5)
"""The window of Wang et al., 11 × 11 pixels."""

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM, finest first."""

C1, C2 = 0.01**2, 0.03**2
"""The constants that keep SSIM's two quotients finite, for pictures in [0, 1]."""

EVEN = 0.5 / 255**2
"""What the reference code of Q_W puts for the variances of a window where every source is flat."""


@metric(
    "SSIM",
    "Wang et al. 2004, doi:10.1109/TIP.2003.819861",
    range=(-1, 1),
    gamed_by="an empty background, contrast of a dim picture",
    fast=True,
)
def ssim(fused: Picture, sources: Pictures) -> float:
    """Give the mean structural similarity to the sources, 7 × 7 uniform window, range 1.

    Windows that leave the picture are not counted, nor are pictures smaller than the window: NaN.
    """
    if min(fused.shape) < len(UNIFORM):
        return np.nan
    return float(np.mean([_unbiased(fused, source).mean() for source in sources]))


@metric(
    "SSIM on the foreground",
    "Wang et al. 2004, averaged where any source is above zero",
    range=(-1, 1),
    gamed_by="contrast of a dim picture",
    fast=True,
)
def ssim_foreground(fused: Picture, sources: Pictures) -> float:
    """Give the mean structural similarity where any source shows something; NaN if none does."""
    half = len(UNIFORM) // 2
    seen = (sources > 0).max(axis=0)[half:-half, half:-half]
    if min(fused.shape) < len(UNIFORM) or not seen.any():
        return np.nan
    return float(np.mean([_unbiased(fused, source)[seen].mean() for source in sources]))


@metric(
    "MS-SSIM",
    "Wang, Simoncelli & Bovik 2003, doi:10.1109/ACSSC.2003.1292216",
    range=(-1, 1),
    gamed_by="an empty background, the plain average",
)
def ms_ssim(fused: Picture, sources: Pictures) -> float:
    """Give the mean multi-scale structural similarity to the sources, five scales.

    Not the exposure-fusion index (MEF-SSIM) that some fusion tool boxes print under this name.
    NaN for pictures under 176 pixels, where the coarsest scale has no window.
    """
    if min(fused.shape) < len(GAUSSIAN) * 2 ** (len(SCALES) - 1):
        return np.nan
    return float(np.mean([_multiscale(fused, source) for source in sources]))


@metric(
    "Q_W (weighted, Piella)",
    "Piella & Heijmans 2003, doi:10.1109/ICIP.2003.1247209",
    range=(-1, 1),
    gamed_by="contrast of a dim picture",
)
def q_w(fused: Picture, sources: Pictures) -> float:
    r"""Weigh similarity to each source by its local variance, and windows by the largest one.

    :math:`Q_W = \sum_w c(w) \sum_k \lambda_k(w)\, SSIM(k, F|w)`,
    :math:`\lambda_k = \sigma_k^2 / \sum_j \sigma_j^2`, :math:`c \propto \max_k \sigma_k^2`.
    """
    if min(fused.shape) < len(GAUSSIAN):
        return np.nan
    windows = [moments(fused, source, GAUSSIAN) for source in sources]
    variance = np.stack([window.var_b for window in windows]).clip(0)
    variance[:, variance.sum(axis=0) == 0] = EVEN
    share = variance / variance.sum(axis=0)
    saliency = variance.max(axis=0)
    similar = np.stack([_similarity(window) for window in windows])
    return float((saliency * (share * similar).sum(axis=0)).sum() / saliency.sum())


@metric(
    "Q_E (edge-dependent, Piella)",
    "Piella & Heijmans 2003, doi:10.1109/ICIP.2003.1247209",
    range=(-1, 1),
    gamed_by="contrast of a dim picture",
)
def q_e(fused: Picture, sources: Pictures) -> float:
    """Multiply Q_W of the pictures by Q_W of their edge maps (Prewitt)."""
    edges = np.stack([_prewitt(picture) for picture in (fused, *sources)])
    return q_w(fused, sources) * q_w(edges[0], edges[1:])


def _similarity(window: Moments) -> Floats:
    return _luminance(window) * _contrast(window)


def _luminance(m: Moments) -> Floats:
    return (2 * m.mean_a * m.mean_b + C1) / (m.mean_a**2 + m.mean_b**2 + C1)


def _contrast(m: Moments) -> Floats:
    return (2 * m.both + C2) / (m.var_a + m.var_b + C2)


def _unbiased(a: Picture, b: Picture) -> Floats:
    """Give the SSIM map as scikit-image does: variances divided by count - 1."""
    m = moments(a, b, UNIFORM)
    more = len(UNIFORM) ** 2 / (len(UNIFORM) ** 2 - 1)
    return _similarity(Moments(m.mean_a, m.mean_b, m.var_a * more, m.var_b * more, m.both * more))


def _multiscale(a: Picture, b: Picture) -> float:
    product = 1.0
    for scale, exponent in enumerate(SCALES):
        window = moments(a, b, GAUSSIAN)
        coarsest = scale == len(SCALES) - 1
        term = _similarity(window) if coarsest else _contrast(window)
        product *= max(float(term.mean()), 0.0) ** exponent
        a, b = _halved(a), _halved(b)
    return product


def _halved(picture: Picture) -> Floats:
    import cv2

    means = cv2.blur(picture, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_REFLECT)
    return np.asarray(means, np.float64)[::2, ::2]


def _prewitt(picture: Picture) -> Floats:
    import cv2

    kernel = np.array([[1.0, 0, -1]] * 3)
    dx, dy = (
        np.asarray(cv2.filter2D(picture, -1, k, borderType=cv2.BORDER_CONSTANT))
        for k in (kernel, kernel.T)
    )
    strength: Floats = np.hypot(dx, dy)
    return strength
