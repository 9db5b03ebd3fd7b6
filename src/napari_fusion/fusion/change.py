"""What changed between two dates, beyond what registration error and noise explain."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import GeometryError, ParameterError, QuantityError
from napari_fusion.fusion.matching import body, matched
from napari_fusion.volume import JSON, Step, Volume

Floats = NDArray[np.float32]
Range = tuple[Floats, Floats]

MOST_LEVELS = 8
"""Even uncertainties between which one that differs by voxel is drawn."""


def change(
    baseline: Volume,
    followup: Volume,
    uncertainty_mm: ArrayLike,
    *,
    sigmas: float = 3.0,
    match: bool | None = None,
) -> Volume:
    r"""Give the signed change from baseline to follow-up that neither shift nor noise explains.

    If tissue may lie up to :math:`u` away from where it seems, a voxel of the follow-up says
    nothing new as long as its value lies between those of the baseline within :math:`u`; likewise
    nothing is lost as long as the baseline's value lies between those of the follow-up. Noise
    widens both ranges, by `sigmas` standard deviations of the difference in even tissue. The change
    is the distance to the range, of the two the larger: what appeared or what vanished, and by how
    much at least.

    Parameters
    ----------
    baseline, followup
        Volumes on one grid, of the same modality and unit.
    uncertainty_mm
        How far the alignment may be off, mm: one number, e.g. ``alignment.quality.uncertainty_mm``,
        or one a voxel, e.g. ``alignment.uncertainty_at(points)``.
    sigmas
        How many standard deviations of noise are no change; 0 counts every difference.
    match
        Whether to give the follow-up the gain and shading of the baseline first
        (`fusion.matching`). By default MR alone, whose brightness has no unit.

    Returns
    -------
    Volume
        Follow-up minus baseline in the unit of both, NaN where either has no value. The history
        tells the noise that was found, in the same unit.

    Raises
    ------
    GeometryError
        The grids differ, or the uncertainties are not one a voxel.
    QuantityError
        Modality or unit differ: their difference would mean nothing.
    ParameterError
        An uncertainty or `sigmas` is negative or not finite.

    Examples
    --------
    >>> from napari_fusion import Grid
    >>> grid = Grid.regular((1, 1, 5))
    >>> before = Volume(np.array([[[0.0, 0, 0, 9, 9]]]), grid)
    >>> after = Volume(np.array([[[5.0, 0, 9, 9, 9]]]), grid)
    >>> change(before, after, 1.0, sigmas=0).array[0, 0]
    array([5., 0., 0., 0., 0.], dtype=float32)
    """
    off_mm = np.asarray(uncertainty_mm, np.float32)
    _check(baseline, followup, off_mm, sigmas)
    spacing = baseline.grid.spacing
    before, after = (np.asarray(v.array, np.float32) for v in (baseline, followup))
    match = baseline.modality == "MR" if match is None else match
    if match:
        after = matched(before, after, spacing)
    earlier, later = (_reach(array, off_mm, spacing) for array in (before, after))
    noise = _noise(before, after, earlier) if sigmas else 0.0
    slack = np.float32(sigmas * noise)
    forth = _outside(after, earlier, slack)
    back = 0 - _outside(before, later, slack)
    array = np.where(np.abs(forth) >= np.abs(back), forth, back)
    array[~(np.isfinite(before) & np.isfinite(after))] = np.nan
    told: dict[str, JSON] = {  # the least and most uncertainty, one number where they agree
        "uncertainty_mm": [float(mm) for mm in sorted({off_mm.min(), off_mm.max()})],
        "sigmas": float(sigmas),
        "noise": float(noise),
        "match": match,
    }
    return followup.with_array(
        array.astype(np.float32), Step("change", told), name="change", pet=None
    )


def _check(baseline: Volume, followup: Volume, off_mm: Floats, sigmas: float) -> None:
    if not np.isfinite(off_mm).all() or off_mm.min() < 0:
        worst = off_mm.min() if np.isfinite(off_mm).all() else np.nan
        raise ParameterError(f"the uncertainty is a length of 0 mm or more, not {worst:g}")
    if not np.isfinite(sigmas) or sigmas < 0:
        raise ParameterError(f"sigmas is a number of 0 or more, not {sigmas}")
    if not baseline.grid.matches(followup.grid):
        raise GeometryError(
            f"the baseline has {baseline.grid.describe()}, the follow-up "
            f"{followup.grid.describe()}: resample them to one grid first"
        )
    if off_mm.ndim and off_mm.shape != baseline.grid.shape:
        raise GeometryError(
            f"the uncertainty has shape {off_mm.shape}, the volumes {baseline.grid.shape}: give "
            "one number, or one a voxel"
        )
    meanings = [f"{v.modality} in {v.unit}" for v in (baseline, followup)]
    if meanings[0] != meanings[1]:
        raise QuantityError(f"the baseline is {meanings[0]}, the follow-up {meanings[1]}")


def _outside(values: Floats, reach: Range, slack: np.float32) -> Floats:
    """Give the signed distance of values to a range widened by `slack`, 0 inside it."""
    low, high = reach
    above, below = values - high, values - low
    distance: Floats = np.maximum(above - slack, 0) + np.minimum(below + slack, 0)
    return distance


def _noise(before: Floats, after: Floats, earlier: Range) -> float:
    """Give the standard deviation of the difference in the more even half of the body.

    From the median absolute deviation, so that a change in few voxels does not count as noise.
    """
    difference = after - before
    inside = (body(before) | body(after)) & np.isfinite(difference)
    if not inside.any():
        return 0.0
    uneven = (earlier[1] - earlier[0])[inside]
    values = difference[inside][uneven <= np.median(uneven)]
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _reach(array: Floats, off_mm: Floats, spacing: NDArray[np.float64]) -> Range:
    """Give the lowest and highest value that lies within `off_mm` of each voxel."""
    known = np.isfinite(array)
    least = array.min(where=known, initial=np.inf) if known.any() else 0
    most = array.max(where=known, initial=-np.inf) if known.any() else 0
    low = -_highest(-np.where(known, array, np.float32(most)), off_mm, spacing)
    return low, _highest(np.where(known, array, np.float32(least)), off_mm, spacing)


def _highest(array: Floats, off_mm: Floats, spacing: NDArray[np.float64]) -> Floats:
    """Give the maximum over boxes; one that differs by voxel is drawn between even ones."""
    levels = _levels(off_mm, float(spacing.min()) / 2)
    below = found = _spread(array, levels[0] / spacing)
    for lower, upper in pairwise(levels):
        above = _spread(array, upper / spacing)
        part = (off_mm - np.float32(lower)) / np.float32(upper - lower)
        between = np.where(part < 1, below + part * (above - below), above)
        found = np.where(part > 0, between, found)
        below = above
    return found


def _levels(off_mm: Floats, step: float) -> list[float]:
    least, most = float(off_mm.min()), float(off_mm.max())
    if most == least:
        return [least]
    count = min(MOST_LEVELS, 2 + int((most - least) / step))
    return list(np.linspace(least, most, count))


def _spread(array: Floats, radii: NDArray[np.float64]) -> Floats:
    """Give the maximum over a box; a fraction of a voxel reaches that far towards the next."""
    from scipy.ndimage import maximum_filter1d

    for axis, radius in enumerate(radii):
        whole = int(radius)
        near: Floats = maximum_filter1d(array, 2 * whole + 1, axis, mode="nearest")
        part = np.float32(radius - whole)
        if part > 1e-6:
            far = maximum_filter1d(array, 2 * whole + 3, axis, mode="nearest")
            near = near + part * (far - near)
        array = near
    return array
