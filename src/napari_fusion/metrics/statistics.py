"""Metrics of whole pictures: spread, sharpness, correlation and error."""

import numpy as np

from napari_fusion.metrics.known import known_mean, known_sum
from napari_fusion.metrics.registry import Picture, Pictures, metric


@metric(
    "Standard deviation (grey levels)",
    "Rao 1997, doi:10.1088/0957-0233/8/4/002",
    range=(0, 127.5),
    direction="neither",
    gamed_by="contrast",
    fast=True,
)
def standard_deviation(fused: Picture, sources: Pictures) -> float:
    """Give the standard deviation of the fused picture, in grey levels of 255."""
    return float(fused.std() * 255)


@metric(
    "Spatial frequency (grey levels)",
    "Eskicioglu & Fisher 1995, doi:10.1109/26.477498",
    range=(0, np.inf),
    direction="neither",
    gamed_by="noise, contrast, sharpening",
    fast=True,
)
def spatial_frequency(fused: Picture, sources: Pictures) -> float:
    """Give the root of the mean squared differences of neighbours, in grey levels of 255."""
    rows, columns = np.diff(fused, axis=0) ** 2, np.diff(fused, axis=1) ** 2
    known = [step.mean() for step in (rows, columns) if step.size]
    return float(np.sqrt(sum(known)) * 255) if known else np.nan


@metric(
    "Average gradient (grey levels)",
    "Cui et al. 2015, doi:10.1016/j.optcom.2014.12.032",
    range=(0, np.inf),
    direction="neither",
    gamed_by="noise, contrast, sharpening",
    fast=True,
)
def average_gradient(fused: Picture, sources: Pictures) -> float:
    """Give the mean gradient (central differences), in grey levels of 255 per pixel."""
    if min(fused.shape) < 2:
        return np.nan
    dy, dx = np.gradient(fused * 255)
    return float(np.sqrt((dx**2 + dy**2) / 2).mean())


@metric(
    "Correlation (mean)",
    "Shah, Merchant & Desai 2013, doi:10.1007/s11760-013-0556-9",
    range=(-1, 1),
    gamed_by="the plain average",
    fast=True,
)
def correlation(fused: Picture, sources: Pictures) -> float:
    """Give the mean correlation with the sources; NaN where a picture is flat."""
    return known_mean(_correlation(fused, source) for source in sources)


@metric(
    "SCD",
    "Aslantas & Bendes 2015, doi:10.1016/j.aeue.2015.09.004",
    range=(-np.inf, np.inf),
    gamed_by="contrast, the plain sum",
    fast=True,
)
def scd(fused: Picture, sources: Pictures) -> float:
    r"""Add up how each source correlates with what is left when the others are subtracted.

    :math:`\sum_k r(F - \sum_{j \ne k} S_j, S_k)`; for two sources this is the published one.
    """
    others = (np.delete(sources, i, axis=0).sum(axis=0) for i in range(len(sources)))
    pairs = zip(others, sources, strict=True)
    return known_sum(_correlation(fused - rest, source) for rest, source in pairs)


@metric(
    "PSNR (dB)",
    "Peak 1 over the mean squared error, averaged over sources",
    range=(0, np.inf),
    gamed_by="the plain average",
    fast=True,
)
def psnr(fused: Picture, sources: Pictures) -> float:
    """Give the peak signal-to-noise ratio in dB for range 1; infinite for a copy of all sources."""
    error = float(((sources - fused) ** 2).mean())
    return float(-10 * np.log10(error)) if error > 0 else np.inf


def _correlation(a: Picture, b: Picture) -> float:
    if not (np.ptp(a) and np.ptp(b)):  # less its mean, an even picture is rounding noise
        return np.nan
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / size) if size > 0 else np.nan
