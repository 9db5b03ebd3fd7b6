"""What a volume holds in regions of interest: size, mean, spread, percentiles and peak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, QuantityError, expect
from napari_fusion.volume import JSON, Unit, Volume

PERCENTILES = (5, 25, 50, 75, 95)

PEAK_RADIUS_MM = 6.2
"""The sphere of 1 cm³ whose mean is the peak."""


@dataclass(frozen=True)
class RoiStats:
    """What a volume holds in one region, over the voxels whose centres lie in it.

    Parameters
    ----------
    label
        The region's number.
    voxels
        Voxels with a value.
    missing
        Voxels without one (NaN or infinite); they count for nothing but `ml`.
    ml
        Size of the region, mL.
    mean, sd, minimum, maximum
        In `unit`; the standard deviation is that of a population (IBSI).
    peak
        Highest mean over a sphere of 1 cm³ about a voxel of the region; the sphere may reach out
        of it ("global intensity peak" of Zwanenburg et al., Radiology 295:328, 2020; SUVpeak of
        Wahl et al., J Nucl Med 50:122S, 2009).
    percentiles
        5th, 25th, 50th, 75th and 95th, interpolated linearly.
    unit
        Of all values but counts and `ml`.
    """

    label: int
    voxels: int
    missing: int
    ml: float
    mean: float
    sd: float
    minimum: float
    maximum: float
    peak: float
    percentiles: Mapping[int, float]
    unit: Unit

    def to_json(self) -> dict[str, JSON]:
        """Give every number by name, percentiles as p5, p25, …: a row of a table."""
        told: dict[str, JSON] = {
            name: value for name, value in vars(self).items() if name != "percentiles"
        }
        return told | {f"p{share}": value for share, value in self.percentiles.items()}


def measure(volume: Volume, rois: Volume) -> list[RoiStats]:
    """Measure a volume in every region of a volume of labels.

    Parameters
    ----------
    volume
        Measured values: a fused picture and a share are none, and are refused.
    rois
        Whole numbers on the same grid, 0 outside every region. Regions drawn elsewhere are brought
        there first: ``resample(rois, volume.grid, alignment, interpolation="nearest")``.

    Returns
    -------
    list of RoiStats
        One for each number, the smallest first.

    Raises
    ------
    GeometryError
        The grids differ.
    QuantityError
        The volume holds no measured values, or none in a region.
    ParameterError
        The regions are no whole numbers above or at 0, or mark no voxel.

    Examples
    --------
    >>> from napari_fusion import Grid
    >>> grid = Grid.regular((1, 2, 3), (10.0, 10.0, 10.0))
    >>> ct = Volume(np.array([[[10, 20, 30], [0, 0, 90]]]), grid, "CT", "HU")
    >>> rois = Volume(np.array([[[1, 1, 1], [0, 0, 2]]]), grid, "LABEL", "label")
    >>> [(one.label, one.ml, one.mean, one.unit) for one in measure(ct, rois)]
    [(1, 3.0, 20.0, 'HU'), (2, 1.0, 90.0, 'HU')]
    """
    expect(Volume, volume=volume, rois=rois)
    if not volume.is_measured:
        what = {"FUSED": "fused picture", "LABEL": "volume of labels"}.get(volume.modality, "share")
        raise QuantityError(f"a {what} holds no measured values: measure its sources instead")
    todo = "resample the regions to the volume's grid first, with the nearest voxel"
    volume.grid.must_match(rois.grid, "the volume", "the regions", todo)
    volume = replace(volume, array=np.asarray(volume.array))  # dask is read once
    return [_stats(volume, *region) for region in _regions(np.asarray(rois.array))]


Box = tuple[slice, slice, slice]


def _regions(array: NDArray[np.generic]) -> Iterator[tuple[int, Box, NDArray[np.bool_]]]:
    """Give each label with its box and where in the box it is."""
    from scipy.ndimage import find_objects

    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise ParameterError("regions are whole numbers, 0 outside, and these voxels are not")
    marked = array != 0
    labels, numbers = np.unique(array[marked], return_inverse=True)
    if not labels.size:
        raise ParameterError("the regions mark no voxel: there is nothing to measure")
    odd = [label for label in (labels[0], labels[-1]) if not 0 < label < np.inf]
    if odd:
        raise ParameterError(f"regions are whole numbers above 0, and one is {odd[0]:g}")
    compact = np.zeros(array.shape, np.int32)
    compact[marked] = numbers + 1
    for number, (label, box) in enumerate(
        zip(labels.tolist(), find_objects(compact), strict=True), start=1
    ):
        yield int(label), box, compact[box] == number


def _stats(volume: Volume, label: int, box: Box, inside: NDArray[np.bool_]) -> RoiStats:
    """Measure one region."""
    values = volume.array
    held = values[box][inside].astype(np.float64)
    known = held[np.isfinite(held)]
    if not known.size:
        raise QuantityError(f"the volume has no value in region {label}")
    shares = np.percentile(known, PERCENTILES).tolist()
    return RoiStats(
        label=label,
        voxels=int(known.size),
        missing=int(held.size - known.size),
        ml=held.size * float(np.prod(volume.grid.spacing)) / 1000,
        mean=float(known.mean()),
        sd=float(known.std()),
        minimum=float(known.min()),
        maximum=float(known.max()),
        peak=_peak(values, box, inside, _ball(volume.grid.spacing)),
        percentiles=dict(zip(PERCENTILES, shares, strict=True)),
        unit=volume.unit,
    )


def _peak(
    values: NDArray[np.generic], box: Box, inside: NDArray[np.bool_], ball: NDArray[np.float64]
) -> float:
    """Give the highest mean over a sphere about a voxel of a region."""
    from scipy.signal import oaconvolve

    reach = [n // 2 for n in ball.shape]
    wide = tuple(slice(max(0, s.start - r), s.stop + r) for s, r in zip(box, reach, strict=True))
    near = values[wide].astype(np.float64)
    known = np.isfinite(near)
    middle = float(np.median(near[known]))  # taken out, so that little is rounded away
    total = oaconvolve(np.where(known, near - middle, 0.0), ball, mode="same")
    count = np.round(oaconvolve(known.astype(np.float64), ball, mode="same"))
    own = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(box, wide, strict=True))
    held = inside & known[own]
    means = total[own][held] / count[own][held]
    return float(means.max()) + middle


def _ball(spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mark the voxels whose centres lie within the peak's sphere about one of them."""
    reach = np.floor(PEAK_RADIUS_MM / spacing).astype(int)
    x, y, z = np.ix_(*[np.arange(-r, r + 1) * mm for r, mm in zip(reach, spacing, strict=True)])
    near: NDArray[np.bool_] = x**2 + y**2 + z**2 <= PEAK_RADIUS_MM**2
    return near.astype(np.float64)
