"""Volumes made ready for comparison: windowed, reduced to a level's voxel size, cut to the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError
from napari_fusion.slab import Window
from napari_fusion.volume import Volume

CT_WINDOW = Window(lower=-300, upper=900)
"""Soft tissue and bone, table and padding below it; Hounsfield units."""

BLUR = 0.5
"""Standard deviation of a level's smoothing, in its voxel size."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Layer:
    """A windowed volume at one level of resolution.

    Parameters
    ----------
    values
        float32 in [0, 1], NaN where the volume has no value.
    affine
        (4, 4) array index → LPS mm.
    """

    values: NDArray[np.float32]
    affine: Matrix

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Voxel size along the array axes, in mm."""
        lengths: NDArray[np.float64] = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return lengths

    @property
    def centre(self) -> NDArray[np.float64]:
        """LPS point in the middle, in mm."""
        return self.points((np.array(self.values.shape) - 1) / 2)

    def points(self, index: NDArray[Any]) -> NDArray[np.float64]:
        """Map array indices (..., 3) to LPS mm."""
        mapped: NDArray[np.float64] = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        return mapped


def windowed(volume: Volume, role: str) -> Layer:
    """Map a volume's values to [0, 1]: the CT window, or what is neither darkest nor brightest.

    Raises
    ------
    AlignError
        The volume has no finite value, or only one value.
    """
    values = volume.array.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        raise AlignError(f"the {role} volume holds no finite value: there is nothing to align")
    inside = values[finite] if not finite.all() else values
    low, high = float(inside.min()), float(inside.max())
    if not high > low:
        raise AlignError(
            f"the {role} volume has the same value, {low:g}, everywhere: there is nothing to align"
        )
    if volume.modality == "CT" and volume.unit == "HU":
        low, high = CT_WINDOW.lower, CT_WINDOW.upper
    else:
        low, high = _spread(inside, low, high)
    values -= np.float32(low)
    values *= np.float32(1 / (high - low))
    np.clip(values, 0, 1, out=values)
    if not finite.all():
        values[~finite] = np.nan
    return Layer(values, volume.grid.affine)


def _spread(values: NDArray[np.float32], low: float, high: float) -> tuple[float, float]:
    """Leave out the darkest and brightest half percent of what is not the commonest dark."""
    step = max(1, values.size // 200_000)
    sample = values.ravel()[::step]
    above = sample[sample > low]
    a, b = np.percentile(above, [0.5, 99.5]) if above.size else (low, high)
    return (float(a), float(b)) if b > a else (low, high)


def reduced(layer: Layer, mm: float) -> Layer:
    """Average blocks of voxels to about `mm`, never finer than it was, and smooth to `mm`."""
    from scipy.ndimage import gaussian_filter1d

    values, affine = layer.values, np.array(layer.affine)
    for axis, spacing in enumerate(layer.spacing):
        factor = min(round(mm / spacing), values.shape[axis])
        if factor > 1:
            values = _blocks(values, axis, factor)
            affine[:3, 3] += affine[:3, axis] * (factor - 1) / 2
            affine[:3, axis] *= factor
    known = np.isfinite(values)
    whole = bool(known.all())
    smooth = values if whole else np.where(known, values, np.float32(0))
    for axis, spacing in enumerate(Layer(values, affine).spacing):
        sigma = BLUR * mm / spacing
        if sigma > 0.3 and values.shape[axis] > 1:
            smooth = gaussian_filter1d(smooth, sigma, axis=axis, mode="nearest", truncate=3)
    if not whole:
        smooth = np.where(known, smooth, np.float32(np.nan))
    return Layer(np.ascontiguousarray(smooth, np.float32), affine)


def _blocks(values: NDArray[np.float32], axis: int, factor: int) -> NDArray[np.float32]:
    """Average runs of `factor` voxels along an axis; an incomplete last run is dropped."""
    length = values.shape[axis] // factor * factor
    cut = np.moveaxis(values, axis, 0)
    total = cut[0:length:factor].copy()
    for offset in range(1, factor):
        total += cut[offset:length:factor]
    total *= np.float32(1 / factor)
    return np.moveaxis(total, 0, axis)


def body(layer: Layer, margin_mm: float) -> NDArray[np.bool_]:
    """Mark what is not air, dilated by a margin; everything when no air can be told apart."""
    from scipy.ndimage import distance_transform_edt

    mask = solid(layer)
    near: NDArray[np.bool_] = distance_transform_edt(~mask, sampling=layer.spacing) <= margin_mm
    return near & np.isfinite(layer.values)


def solid(layer: Layer) -> NDArray[np.bool_]:
    """Mark what is not air, by Otsu's threshold on the square root of the values."""
    known = np.isfinite(layer.values)
    root = np.sqrt(layer.values, where=known, out=np.zeros_like(layer.values))
    mask = known & (root > 0.7 * _otsu(root[known]))
    share = mask.sum() / max(1, known.sum())
    return mask if share > 0.002 else known


def _otsu(values: NDArray[np.float32]) -> float:
    """Find the threshold in [0, 1] that best parts dark from bright (Otsu 1979)."""
    counts = np.bincount((values * 127.999).astype(np.intp), minlength=128).astype(float)
    levels = (np.arange(128) + 0.5) / 128
    below, mass = np.cumsum(counts), np.cumsum(counts * levels)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / below[-1] - mass) ** 2 / (below * above)
    return float(levels[int(np.nanargmax(np.where(np.isfinite(between), between, -1)))])
