"""Metrics through the eye's contrast sensitivity: Q_CB and Q_CV."""

import numpy as np
from numpy.typing import NDArray

from napari_fusion.metrics.gradient import grey_levels, sobel
from napari_fusion.metrics.registry import Picture, Pictures, metric

Floats = NDArray[np.float64]

SENSITIVITY = (15.3870, 0.7622, 1.3456)
"""Contrast sensitivity of Q_CB: the wider Gaussian, what is taken away, and the narrower one."""

BLOCK = 16
"""Side of the regions of Q_CV, in pixels."""


@metric(
    "Q_CB (Chen & Blum)",
    "Chen & Blum 2009, doi:10.1016/j.imavis.2007.12.002",
    range=(0, 1),
    gamed_by="copying one source",
)
def q_cb(fused: Picture, sources: Pictures) -> float:
    """Give how well local contrast, as the eye sees it, survives; weighted by that contrast.

    Difference-of-Gaussians sensitivity, then masked contrast of a Gaussian of 2 pixels against one
    of 4; each picture is stretched to its own range first, as in the reference code.
    """
    seen = np.stack([_contrast(_stretched(picture)) for picture in (fused, *sources)])
    there, kept = seen[1:], seen[0]
    larger = np.maximum(there, kept)
    ratio = np.divide(np.minimum(there, kept), larger, out=np.ones_like(there), where=larger > 0)
    power = (there**2).sum(axis=0)
    share = np.full_like(there, 1 / len(there))
    np.divide(there**2, power, out=share, where=power > 0)
    return float((share * ratio).sum(axis=0).mean())


@metric(
    "Q_CV (Chen & Varshney)",
    "Chen & Varshney 2007, doi:10.1016/j.inffus.2005.10.001",
    range=(0, np.inf),
    direction="lower",
    gamed_by="contrast of a dim picture",
)
def q_cv(fused: Picture, sources: Pictures) -> float:
    r"""Give the visible squared error to the sources, weighted by edges in 16 × 16 regions.

    Differences pass the contrast sensitivity of Mannos & Sakrison; the weight of a region is
    :math:`\sum g^5`. In squared grey levels; lower is better. NaN when no source has an edge.
    """
    flat = _stretched(fused)
    stretched = np.stack([_stretched(source) for source in sources])
    strength, _ = sobel(stretched)
    weight = np.stack([_blocks(g**5).sum(axis=(1, 3)) for g in strength])
    sensitivity = _mannos_sakrison(fused.shape)
    error = np.stack(
        [(_blocks(_filtered(s - flat, sensitivity)) ** 2).mean(axis=(1, 3)) for s in stretched]
    )
    return float((weight * error).sum() / weight.sum()) if weight.any() else np.nan


def _stretched(picture: Picture) -> Floats:
    """Stretch to whole grey levels 0 to 255."""
    picture = grey_levels(picture)
    low, high = picture.min(), picture.max()
    if high == low:
        return np.zeros_like(picture)
    levels: Floats = np.floor((picture - low) / (high - low) * 255 + 0.5)  # halves up, as there
    return levels


def _contrast(picture: Floats) -> Floats:
    """Give masked local contrast |C|^3 / (C^2 + 0.0001) after contrast sensitivity."""
    import cv2

    h, w = picture.shape
    radius = _radius(picture.shape, (h / 30, w / 30))
    wide, loss, narrow = SENSITIVITY
    seen = _filtered(
        picture, np.exp(-((radius / wide) ** 2)) - loss * np.exp(-((radius / narrow) ** 2))
    )
    x = np.arange(-15, 16)
    near, far = (
        np.asarray(cv2.sepFilter2D(seen, -1, taps, taps, borderType=cv2.BORDER_CONSTANT))
        for taps in (np.exp(-(x**2) / (2 * s * s)) / (np.sqrt(2 * np.pi) * s) for s in (2, 4))
    )
    # Where both are rounding noise, the contrast of nothing is nothing.
    local = np.abs(np.divide(near, far, out=np.ones_like(near), where=np.abs(far) > 1e-9) - 1)
    masked: Floats = local**3 / (local**2 + 0.0001)
    return masked


def _mannos_sakrison(shape: tuple[int, ...]) -> Floats:
    radius = 0.144 * _radius(shape, (shape[0] / 8, shape[1] / 8))
    return 2.6 * (0.0192 + radius) * np.exp(-(radius**1.1))


def _radius(shape: tuple[int, ...], scale: tuple[float, float]) -> Floats:
    """Give the spatial frequency of every coefficient; Nyquist counts `scale` (rows, columns)."""
    rows, columns = (2 * np.fft.fftfreq(n) * s for n, s in zip(shape, scale, strict=True))
    radius: Floats = np.hypot(rows[:, None], columns[None, :])
    return radius


def _filtered(picture: Floats, response: Floats) -> Floats:
    return np.fft.ifft2(np.fft.fft2(picture) * response).real


def _blocks(picture: Floats) -> Floats:
    """Cut into blocks (rows, BLOCK, columns, BLOCK); the last ones are filled with zeros."""
    h, w = picture.shape
    padded = np.pad(picture, ((0, -h % BLOCK), (0, -w % BLOCK)))
    return padded.reshape(padded.shape[0] // BLOCK, BLOCK, -1, BLOCK)
