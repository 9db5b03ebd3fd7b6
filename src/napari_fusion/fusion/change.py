"""What changed between two dates, beyond what registration error and noise explain."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import (
    GeometryError,
    ParameterError,
    Progress,
    QuantityError,
    expect,
    silent,
)
from napari_fusion.fusion.matching import MANY, matched, otsu
from napari_fusion.fusion.reach import Floats, Range, Reach
from napari_fusion.slab import sparse
from napari_fusion.volume import JSON, Step, Volume, patients_of

SLICES = 16
"""Slices that are compared at a time."""

SAMPLED = 32
"""Slices of a volume that noise is told from."""

ALIKE = 0.8
"""Two dates of one contrast correlate by more in bright tissue; of seven pairs of different ones
none by more than 0.71, of five of the same one none by less than 0.89."""

FEW = 100
"""Voxels of bright tissue that tell nothing."""

MOST_COMPARED = 1_000_000
"""Voxels of bright tissue, evenly spread, that tell whether two dates have one contrast."""

BROADEST_MM = 50.0
"""Wider Gaussians leave nothing of a lesion, and may need more memory than there is."""

UNSAID = (
    "nobody said what was scanned, so grey values are compared as they are: if they are MR, say so "
    "(--modality MR,MR; modality in scripts), and gain and shading are evened out first"
)


def change(  # noqa: PLR0913 - each says what is no change
    baseline: Volume,
    followup: Volume,
    uncertainty_mm: ArrayLike,
    *,
    sigmas: float = 5.0,
    scale_mm: float = 1.0,
    match: bool | None = None,
    progress: Progress = silent,
) -> Volume:
    r"""Give the signed change from baseline to follow-up that neither shift nor noise explains.

    If tissue may lie up to :math:`u` away from where it seems, a voxel of the follow-up says
    nothing new as long as its value lies between those of the baseline within :math:`u`; likewise
    nothing is lost as long as the baseline's value lies between those of the follow-up. Noise
    widens both ranges, by `sigmas` standard deviations of the difference in even tissue. The change
    is the distance to the range, of the two the larger: what appeared or what vanished, and by how
    much at least. Both are looked at without their finest detail, `scale_mm`, in which noise is
    largest; a lesion of some voxels loses less of itself, and stands out the more.

    Parameters
    ----------
    baseline, followup
        Volumes on one grid, of the same modality and unit.
    uncertainty_mm
        How far the alignment may be off, mm: one number, e.g. ``alignment.quality.uncertainty_mm``,
        or one a voxel, e.g. ``alignment.uncertainty_at(points)``.
    sigmas
        How many standard deviations of noise, at that scale, are no change; 0 counts every
        difference. Residues of interpolation and shading are not normally distributed: 3 is few.
    scale_mm
        Standard deviation of the Gaussian that smooths both first; 0 takes voxels as they are.
    match
        Whether to give the follow-up the gain and shading of the baseline first
        (`fusion.matching`). By default MR alone, whose brightness has no unit.
    progress
        Told how far it is, some slices at a time; what it raises stops the work.

    Returns
    -------
    Volume
        Follow-up minus baseline in the unit of both, NaN where either has no value. The history
        tells the noise that was found, in the same unit, and doubts dates of different patients.

    Raises
    ------
    GeometryError
        The grids differ, or the uncertainties are not one a voxel.
    QuantityError
        Modality or unit differ: their difference would mean nothing.
    ParameterError
        An uncertainty, `sigmas` or `scale_mm` is negative or not finite, or `scale_mm` above 50.

    Examples
    --------
    >>> from napari_fusion import Grid
    >>> grid = Grid.regular((1, 1, 5))
    >>> before = Volume(np.array([[[0.0, 0, 0, 9, 9]]]), grid)
    >>> after = Volume(np.array([[[5.0, 0, 9, 9, 9]]]), grid)
    >>> change(before, after, 1.0, sigmas=0, scale_mm=0).array[0, 0]
    array([5., 0., 0., 0., 0.], dtype=float32)
    """
    expect(Volume, baseline=baseline, followup=followup)
    off_mm = _lengths(uncertainty_mm)
    _check(baseline, followup, off_mm, sigmas=sigmas, scale_mm=scale_mm)
    spacing = baseline.grid.spacing
    before, after = (np.asarray(v.array, np.float32) for v in (baseline, followup))
    unsaid = match is None and baseline.modality == "OTHER"
    match = baseline.modality == "MR" if match is None else match
    doubts = (*_strangers(baseline, followup), *_other_dose(followup), *([UNSAID] * unsaid))
    if match:
        after = matched(before, after, spacing)
        doubts += _other_contrast(before, after)
    if scale_mm:
        after = _smoothed(after, scale_mm / spacing)  # first, which frees the matched one
        before = _smoothed(before, scale_mm / spacing)
    pair = _Pair(Reach(before, off_mm, spacing), Reach(after, off_mm, spacing))
    noise = pair.noise() if sigmas else 0.0
    array = np.empty(before.shape, np.float32)
    for start in range(0, len(array), SLICES):
        progress(start / len(array), "comparing the dates")
        some = slice(start, start + SLICES)
        array[some] = pair.beyond(some, np.float32(sigmas * noise))
    told: dict[str, JSON] = {  # the least and most uncertainty, one number where they agree
        "uncertainty_mm": [float(mm) for mm in sorted({off_mm.min(), off_mm.max()})],
        "sigmas": float(sigmas),
        "scale_mm": float(scale_mm),
        "noise": float(noise),
        "match": match,
    }
    return followup.with_array(array, Step("change", told, doubts), name="change", pet=None)


def _strangers(baseline: Volume, followup: Volume) -> tuple[str, ...]:
    """Doubt dates of two people: what differs between them is no change."""
    if len(patients_of((baseline, followup))) < 2:
        return ()
    return ("the dates are known to show different patients",)


def _other_dose(followup: Volume) -> tuple[str, ...]:
    """Doubt PET that is no SUV: more activity in it may be more that was injected."""
    if followup.modality != "PT" or followup.unit in {"g/mL", "cm2/mL"}:
        return ()
    return (
        "PET of two dates is compared as stored, so that another dose, weight or delay shows as "
        "change: compare SUV with to_suv (--suv bw)",
    )


def _other_contrast(before: Floats, after: Floats) -> tuple[str, ...]:
    """Doubt two dates whose bright tissue is bright in different places."""
    before, after = sparse(before, MANY), sparse(after, MANY)
    both = np.isfinite(before) & np.isfinite(after)
    if not both.any():
        return ()
    both &= before > otsu(before[both])
    step = 1 + np.count_nonzero(both) // MOST_COMPARED
    one, other = before[both][::step], after[both][::step]
    if one.size < FEW or not (one.std() and other.std()):
        return ()
    alike = float(np.corrcoef(one, other)[0, 1])
    if alike >= ALIKE:
        return ()
    return (
        f"the dates correlate by {alike:.2f} in bright tissue, those of one contrast by 0.9: what "
        "differs may be the contrast, such as T1 against FLAIR, or the alignment",
    )


def _lengths(uncertainty_mm: ArrayLike) -> Floats:
    try:
        return np.asarray(uncertainty_mm, np.float32)
    except (TypeError, ValueError) as error:
        raise ParameterError("uncertainty_mm is a length in mm, or one a voxel") from error


def _check(baseline: Volume, followup: Volume, off_mm: Floats, **others: float) -> None:
    if not off_mm.size or not np.isfinite(off_mm).all() or off_mm.min() < 0:
        worst = off_mm.min() if off_mm.size and np.isfinite(off_mm).all() else np.nan
        raise ParameterError(f"the uncertainty is a length of 0 mm or more, not {worst:g}")
    for name, value in others.items():
        expect(Real, **{name: value})
        if not np.isfinite(value) or value < 0:
            raise ParameterError(f"{name} is a number of 0 or more, not {value}")
    if others["scale_mm"] > BROADEST_MM:
        raise ParameterError(f"scale_mm is at most {BROADEST_MM:g} mm, not {others['scale_mm']:g}")
    baseline.grid.must_match(followup.grid, "the baseline", "the follow-up")
    if off_mm.ndim and off_mm.shape != baseline.grid.shape:
        raise GeometryError(
            f"the uncertainty has shape {off_mm.shape}, the volumes {baseline.grid.shape}: give "
            "one number, or one a voxel"
        )
    meanings = [f"{v.modality} in {v.unit}" for v in (baseline, followup)]
    if meanings[0] != meanings[1]:
        raise QuantityError(
            f"the baseline is {meanings[0]}, the follow-up {meanings[1]}: their difference has no "
            "unit, so bring both to one first, PET to SUV with to_suv (--suv bw)"
        )


def _smoothed(array: Floats, radii: NDArray[np.float64]) -> Floats:
    """Smooth by a Gaussian of `radii` voxels; what is not known has no say, and stays so."""
    from scipy.ndimage import gaussian_filter

    known = np.isfinite(array)
    if known.all():
        smooth: Floats = gaussian_filter(array, radii, truncate=3.0)
        return smooth
    weight = gaussian_filter(known.astype(np.float32), radii, truncate=3.0)
    smooth = gaussian_filter(np.where(known, array, np.float32(0)), radii, truncate=3.0)
    smooth /= np.maximum(weight, np.float32(1e-6))
    smooth[~known] = np.nan
    return smooth


def _outside(values: Floats, reach: Range, slack: np.float32) -> Floats:
    """Give the signed distance of values to a range widened by `slack`, 0 inside it."""
    low, high = reach
    above, below = values - high, values - low
    distance: Floats = np.maximum(above - slack, 0) + np.minimum(below + slack, 0)
    return distance


@dataclass(eq=False)
class _Pair:
    """Two scans on one grid, looked at some slices at a time, so that memory stays small."""

    before: Reach
    after: Reach

    def beyond(self, some: slice, slack: np.float32) -> Floats:
        """Give the change of some slices that neither range, widened by `slack`, explains."""
        before, after = self.before.array[some], self.after.array[some]
        forth = _outside(after, self.before.of(some), slack)
        back = 0 - _outside(before, self.after.of(some), slack)
        array = np.where(np.abs(forth) >= np.abs(back), forth, back)
        array[~(np.isfinite(before) & np.isfinite(after))] = np.nan
        return array

    def noise(self) -> float:
        """Give the standard deviation of the difference in the more even half of the body.

        From the median absolute deviation, so that a change in few voxels does not count as noise,
        and from at most `SAMPLED` slices, evenly spread.
        """
        levels = otsu(self.before.array), otsu(self.after.array)
        count = len(self.before.array)
        uneven, differences = [], []
        for i in range(0, count, -(-count // SAMPLED)):
            some = slice(i, i + 1)
            before, after = self.before.array[some], self.after.array[some]
            inside = np.isfinite(before) & np.isfinite(after)
            inside &= (before > levels[0]) | (after > levels[1])
            low, high = self.before.of(some)
            uneven.append((high - low)[inside])
            differences.append((after - before)[inside])
        span, values = np.concatenate(uneven), np.concatenate(differences)
        if not values.size:
            return 0.0
        values = values[span <= np.median(span)]
        return float(1.4826 * np.median(np.abs(values - np.median(values))))
