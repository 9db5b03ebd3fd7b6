"""One brightness for two scans of one patient: gain and shading differ between dates."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WIDTH_MM = 15.0
"""Standard deviation of the Gaussian that tells shading from anatomy."""

COARSE_MM = 4.0
"""Shading is so smooth that a voxel in so many mm tells it."""


def matched(before: Floats, after: Floats, spacing: NDArray[np.float64]) -> Floats:
    r"""Give the later scan the gain and shading of the earlier one.

    In both scans a voxel of the body is tissue times a smooth field times a gain. Where tissue is
    the same, :math:`\log(\mathrm{after}/\mathrm{before})` is the difference of the fields alone, so
    it is smoothed, with what stands out (a lesion, an edge that moved) weighted down by Tukey's
    biweight, and taken out. After Lewis & Fox, NeuroImage 23:75 (2004), who take a median.

    Parameters
    ----------
    before, after
        (nz, ny, nx) scans on one grid in units of no meaning, such as MR; NaN is unknown.
    spacing
        mm along each axis.

    Returns
    -------
    (nz, ny, nx): `after` times a smooth positive field; `after` itself where there is nothing to
    compare.
    """
    steps = np.maximum(1, np.floor(COARSE_MM / spacing)).astype(int)
    few = tuple(slice(None, None, step) for step in steps)
    log, weight = _log_ratio(before[few], after[few])
    if not weight.any():
        return after
    shading = _smooth(log, weight, WIDTH_MM / (spacing * steps))
    from scipy.ndimage import affine_transform

    fine = affine_transform(shading, 1.0 / steps, output_shape=after.shape, order=1, mode="nearest")
    return np.asarray(after * np.exp(-fine), np.float32)


def otsu(array: Floats) -> float:
    """Give Otsu's threshold of the finite values, whatever their range.

    `pcnn` and `registration.layers` part pictures in [0, 1], slice after slice and many times over:
    theirs count in fixed levels, which are quicker and would be too coarse for a scan's own range.
    """
    import SimpleITK as sitk

    values = array[np.isfinite(array)]
    if values.size == 0 or values.min() == values.max():
        return float(values.min()) if values.size else 0.0
    threshold = sitk.OtsuThresholdImageFilter()
    threshold.SetNumberOfHistogramBins(256)
    threshold.Execute(sitk.GetImageFromArray(values[None]))
    return float(threshold.GetThreshold())


def _log_ratio(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Give the log ratio where both show more than half of what parts body from air, and where."""
    both = np.ones(before.shape, bool)
    for array in (before, after):
        least = max(otsu(array) / 2, 0.0)
        both &= np.isfinite(array) & (array > least)
    ratio = np.divide(after, before, where=both, out=np.ones_like(before))
    return np.log(ratio), both.astype(np.float32)


def _smooth(log: Floats, weight: Floats, sigmas: NDArray[np.float64]) -> Floats:
    """Smooth robustly, falling back to the overall gain far from any body."""
    from scipy.ndimage import gaussian_filter

    inside = weight > 0
    gain = np.median(log[inside])
    field = np.full_like(log, gain)
    for _ in range(4):
        off = np.abs(log - field)
        reach = 3 * 1.4826 * np.median(off[inside]) + 1e-6
        trust = weight * np.clip(1 - (off / reach) ** 2, 0, None) ** 2
        total = gaussian_filter(trust, sigmas, truncate=3.0)
        field = gain + gaussian_filter(trust * (log - gain), sigmas, truncate=3.0) / (total + 0.02)
    return field
