"""Volumes made ready for comparison: windowed, reduced to a level's voxel size, cut to the body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError
from napari_fusion.slab import Window
from napari_fusion.volume import FUNCTIONAL, Volume

CT_WINDOW = Window(lower=-300, upper=900)
"""Soft tissue and bone, table and padding below it; Hounsfield units."""

COUNTED = FUNCTIONAL
"""Modalities that count decays: their values are compared by their root. It makes the noise of
counts even (Anscombe 1948), and shows the body beside a tumour that outshines it."""

BLUR = 0.5
"""Standard deviation of a coarser level's smoothing, in its voxel size."""

OTSU_RUN = 2**18

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

    @property
    def anatomy(self) -> NDArray[np.float64]:
        """The places (n, 3) of the voxels that are not air, LPS mm."""
        return self.points(np.argwhere(solid(self)))

    @cached_property
    def middle(self) -> NDArray[np.float64]:
        """The middle of what is not air, LPS mm."""
        middle: NDArray[np.float64] = self.anatomy.mean(axis=0)
        return middle

    def points(self, index: NDArray[Any]) -> NDArray[np.float64]:
        """Map array indices (..., 3) to LPS mm."""
        mapped: NDArray[np.float64] = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        return mapped


def window_of(volume: Volume, role: str) -> Window:
    """Choose the values to compare: the CT window, or all but the darkest and brightest.

    Raises
    ------
    AlignError
        The volume has no finite value, or only one value.
    """
    sample = volume.array[tuple(slice(None, None, step) for step in _strides(volume.array.shape))]
    values = np.asarray(sample, np.float32).ravel()
    values = values[np.isfinite(values)]
    if values.size == 0 or float(values.min()) == float(values.max()):
        values = np.asarray(volume.array, np.float32).ravel()  # the sample may have missed it all
        values = values[np.isfinite(values)]
    if values.size == 0:
        raise AlignError(f"the {role} volume holds no finite value: there is nothing to align")
    low, high = float(values.min()), float(values.max())
    if not high > low:
        raise AlignError(
            f"the {role} volume has the same value, {low:g}, everywhere: there is nothing to align"
        )
    if volume.modality == "CT" and volume.unit == "HU":
        return CT_WINDOW
    above = values[values > low]
    a, b = (float(v) for v in np.percentile(above, [0.5, 99.5]))
    return Window(lower=a, upper=b) if b > a else Window(lower=low, upper=high)


def _strides(shape: tuple[int, ...], most: int = 1_000_000) -> list[int]:
    step = max(1, int(np.ceil((np.prod(shape) / most) ** (1 / 3))))
    return [step if n > 2 * step else 1 for n in shape]


def opened(volume: Volume, window: Window, mm: float, beat: Callable[[], None]) -> Layer:
    """Window a volume and average it to blocks of about `mm`, a few slices at a `beat`."""
    factors = [
        max(1, min(round(mm / spacing), n))
        for spacing, n in zip(volume.grid.spacing, volume.grid.shape, strict=True)
    ]
    run = max(1, 4_000_000 // max(1, volume.array[0].size) // factors[0]) * factors[0]
    pieces = []
    for start in range(0, volume.grid.shape[0] // factors[0] * factors[0], run):
        beat()
        piece = _scaled(volume.array[start : start + run], window)
        if volume.modality in COUNTED:
            np.sqrt(piece, out=piece)
        for axis, factor in enumerate(factors):
            piece = _blocks(piece, axis, factor)
        pieces.append(piece)
    return Layer(np.concatenate(pieces), _coarser(volume.grid.affine, factors))


def _scaled(array: NDArray[Any], window: Window) -> NDArray[np.float32]:
    """Map values to [0, 1], leaving NaN where there is no value."""
    values: NDArray[np.float32] = np.subtract(array, np.float32(window.lower), dtype=np.float32)
    values *= np.float32(1 / (window.upper - window.lower))
    values[np.isinf(values)] = np.nan
    np.clip(values, 0, 1, out=values)
    return values


def reduced(layer: Layer, mm: float) -> Layer:
    """Average blocks of voxels to about `mm`, never finer than it was, and smooth to `mm`."""
    values = layer.values
    factors = [
        max(1, min(round(mm / spacing), n))
        for spacing, n in zip(layer.spacing, values.shape, strict=True)
    ]
    for axis, factor in enumerate(factors):
        values = _blocks(values, axis, factor)
    return smoothed(Layer(values, _coarser(layer.affine, factors)), mm)


def _coarser(affine: Matrix, factors: list[int]) -> Matrix:
    """Give the affine of blocks of voxels."""
    blocks = np.array(affine)
    blocks[:3, 3] += affine[:3, :3] @ ((np.array(factors) - 1) / 2)
    blocks[:3, :3] *= factors
    return blocks


def smoothed(layer: Layer, mm: float) -> Layer:
    """Blur by a Gaussian of half of `mm`; missing values count for nothing and stay missing."""
    known = np.isfinite(layer.values)
    if known.all():
        return Layer(_blurred(layer.values, layer.spacing, mm), layer.affine)
    total = _blurred(np.where(known, layer.values, np.float32(0)), layer.spacing, mm)
    weight = _blurred(known.astype(np.float32), layer.spacing, mm)
    values = np.full_like(total, np.nan)
    np.divide(total, weight, out=values, where=known & (weight > 0))
    return Layer(values, layer.affine)


def _blurred(
    values: NDArray[np.float32], spacing: NDArray[np.float64], mm: float
) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter1d

    for axis, size in enumerate(spacing):
        sigma = BLUR * mm / size
        if sigma > 0.3 and values.shape[axis] > 1:
            values = gaussian_filter1d(values, sigma, axis=axis, mode="nearest", truncate=3)
    return np.ascontiguousarray(values, np.float32)


def _blocks(values: NDArray[np.float32], axis: int, factor: int) -> NDArray[np.float32]:
    """Average the known values of runs of `factor` voxels; an incomplete last run is dropped."""
    if factor == 1:
        return values
    length = values.shape[axis] // factor * factor
    cut = np.moveaxis(values, axis, 0)[:length]
    total = sum((cut[offset::factor] for offset in range(1, factor)), cut[::factor])
    mean = total * np.float32(1 / factor)
    gaps = np.isnan(mean)
    if gaps.any():
        runs = np.stack([cut[offset::factor][gaps] for offset in range(factor)])
        known = np.isfinite(runs)
        count = known.sum(axis=0)
        part = np.where(known, runs, np.float32(0)).sum(axis=0) / np.maximum(count, 1)
        mean[gaps] = np.where(2 * count >= factor, part, np.float32(np.nan))
    return np.moveaxis(mean, 0, axis)


def body(layer: Layer, margin_mm: float) -> NDArray[np.bool_]:
    """Mark what is not air, dilated by a margin; everything when no air can be told apart."""
    from scipy.ndimage import distance_transform_edt

    mask = solid(layer)
    near: NDArray[np.bool_] = distance_transform_edt(~mask, sampling=layer.spacing) <= margin_mm
    return near & np.isfinite(layer.values)


def solid(layer: Layer) -> NDArray[np.bool_]:
    """Mark what is not air, by Otsu's threshold on the square root of the values."""
    known = np.isfinite(layer.values)
    if known.all():  # the same numbers, in a third of the time
        root = np.sqrt(layer.values)
        mask = root > 0.7 * _otsu(root.ravel())
    else:
        root = np.sqrt(layer.values, where=known, out=np.zeros_like(layer.values))
        mask = known & (root > 0.7 * _otsu(root[known]))
    share = mask.sum() / max(1, known.sum())
    return mask if share > 0.002 else known


def _otsu(values: NDArray[np.float32]) -> float:
    """Find the threshold in [0, 1] that best parts dark from bright (Otsu 1979)."""
    counts = np.zeros(128)
    for start in range(0, values.size, OTSU_RUN):  # what fits a cache goes through quickly
        few = (values[start : start + OTSU_RUN] * 127.999).astype(np.uint8)
        counts += np.bincount(few, minlength=128)
    levels = (np.arange(128) + 0.5) / 128
    below, mass = np.cumsum(counts), np.cumsum(counts * levels)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / below[-1] - mass) ** 2 / (below * above)
    return float(levels[int(np.nanargmax(np.where(np.isfinite(between), between, -1)))])
