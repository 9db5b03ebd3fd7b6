"""One brightness for two scans of one patient: gain and shading differ between dates."""

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.slab import sample

Floats = NDArray[np.float32]

WIDTH_MM = 15.0
"""Standard deviation of the Gaussian that tells shading from anatomy."""

COARSE_MM = 4.0
"""Shading is so smooth that a voxel in so many mm tells it."""

DEGREE = 2
"""Of the polynomial that shading is first taken for, all over the volume."""

FEWEST = 1000
"""Voxels of both bodies, so many mm apart, that tell no more than a gain."""

MANY = 8_000_000
"""Voxels, evenly spread, that tell brightness as well as more would."""

MOST = 100_000
"""Voxels from which a polynomial is fitted."""


def matched(before: Floats, after: Floats, spacing: NDArray[np.float64]) -> Floats:
    r"""Give the later scan the gain and shading of the earlier one.

    In both scans a voxel of the body is tissue times a smooth field times a gain. Where tissue is
    the same, :math:`\log(\mathrm{after}/\mathrm{before})` is the difference of the fields alone, so
    it is smoothed, with what stands out (a lesion, an edge that moved) weighted down by Tukey's
    biweight, and taken out. After Lewis & Fox, NeuroImage 23:75 (2004), who take a median. A
    parabola goes first: what is smoothed alone levels off towards the end of the body, where one
    side is all that is seen.

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
    shading = _trend(log, weight > 0)
    shading += _smooth(log - shading, weight, WIDTH_MM / (spacing * steps))
    from scipy.ndimage import affine_transform

    fine = affine_transform(shading, 1.0 / steps, output_shape=after.shape, order=1, mode="nearest")
    np.exp(np.negative(fine, out=fine), out=fine)  # in place: volumes may be large
    fine *= after
    return np.asarray(fine, np.float32)


def otsu(array: Floats) -> float:
    """Give Otsu's threshold of the finite values, whatever their range; of many, of some.

    `pcnn` and `registration.layers` part pictures in [0, 1], slice after slice and many times over:
    theirs count in fixed levels, which are quicker and would be too coarse for a scan's own range.
    """
    import SimpleITK as sitk

    values = sample(array, MANY)
    if values.min() == values.max():
        return float(values.min())
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


def _trend(log: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Fit a parabola of the place robustly; beyond the body it takes no value the body does not."""
    some = np.zeros(inside.sum(), bool)
    some[:: 1 + some.size // MOST] = True
    if some.size < FEWEST:
        return np.zeros_like(log)
    values = log[inside][some].astype(np.float64)
    terms = np.stack([term[inside][some] for term in _terms(log.shape)], axis=1)
    fitted = np.full_like(values, np.median(values))
    for _ in range(6):
        trust = _trust(np.abs(values - fitted))[:, None]
        factors = np.linalg.lstsq(terms.T @ (trust * terms), terms.T @ (trust[:, 0] * values))[0]
        fitted = terms @ factors
    trend = np.zeros(log.shape, np.float32)
    for factor, term in zip(factors, _terms(log.shape), strict=True):
        trend += np.float32(factor) * term
    least, most = np.float32(fitted.min()), np.float32(fitted.max())
    return np.clip(trend, least, most, out=trend)


def _terms(shape: tuple[int, ...]) -> Iterator[Floats]:
    """Give the products of up to `DEGREE` coordinates, each from -1 to 1."""
    ends = [np.linspace(-1, 1, n, dtype=np.float32) for n in shape]
    places = np.meshgrid(*ends, indexing="ij", sparse=True)
    for degree in range(DEGREE + 1):
        for axes in combinations_with_replacement(range(3), degree):
            term = np.ones(shape, np.float32)
            for axis in axes:
                term *= places[axis]
            yield term


def _trust(off: NDArray[np.floating], inside: NDArray[np.bool_] | None = None) -> NDArray[Any]:
    """Weigh by Tukey's biweight what lies so far off, by the deviation of what is inside."""
    reach = 3 * 1.4826 * np.median(off if inside is None else off[inside]) + 1e-6
    trust: NDArray[Any] = np.clip(1 - (off / reach) ** 2, 0, None) ** 2
    return trust


def _smooth(log: Floats, weight: Floats, sigmas: NDArray[np.float64]) -> Floats:
    """Smooth robustly, falling back to the overall gain far from any body."""
    from scipy.ndimage import gaussian_filter

    inside = weight > 0
    gain = np.median(log[inside])
    field = np.full_like(log, gain)
    for _ in range(4):
        trust = weight * _trust(np.abs(log - field), inside)
        total = gaussian_filter(trust, sigmas, truncate=3.0)
        field = gain + gaussian_filter(trust * (log - gain), sigmas, truncate=3.0) / (total + 0.02)
    return field
