"""What changed between two dates, beyond what an error of the registration explains."""

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError, QuantityError
from napari_fusion.volume import Step, Volume

Floats = NDArray[np.float32]


def change(baseline: Volume, followup: Volume, uncertainty_mm: float) -> Volume:
    r"""Give the signed change from baseline to follow-up that misregistration cannot explain.

    If tissue may lie up to :math:`u` away from where it seems, a voxel of the follow-up says
    nothing new as long as its value lies between those of the baseline within :math:`u`; likewise
    nothing is lost as long as the baseline's value lies between those of the follow-up. The change
    is the distance to that range of values, of the two the larger: what appeared or what vanished.

    Parameters
    ----------
    baseline, followup
        Volumes on one grid, of the same modality and unit.
    uncertainty_mm
        How far the alignment may be off, e.g. ``alignment.quality.uncertainty_mm``.

    Returns
    -------
    Volume
        Follow-up minus baseline in the unit of both, NaN where either has no value.

    Raises
    ------
    GeometryError
        The grids differ.
    QuantityError
        Modality or unit differ: their difference would mean nothing.
    ParameterError
        The uncertainty is negative or not finite.

    Examples
    --------
    >>> from napari_fusion import Grid
    >>> grid = Grid.regular((1, 1, 5))
    >>> before = Volume(np.array([[[0.0, 0, 0, 9, 9]]]), grid)
    >>> after = Volume(np.array([[[5.0, 0, 9, 9, 9]]]), grid)
    >>> change(before, after, 1.0).array[0, 0]
    array([5., 0., 0., 0., 0.], dtype=float32)
    """
    _check(baseline, followup, uncertainty_mm)
    radii = uncertainty_mm / baseline.grid.spacing
    before, after = (np.asarray(v.array, np.float32) for v in (baseline, followup))
    forth = _outside(after, *_reach(before, radii))
    back = 0 - _outside(before, *_reach(after, radii))
    array = np.where(np.abs(forth) >= np.abs(back), forth, back)
    array[~(np.isfinite(before) & np.isfinite(after))] = np.nan
    step = Step("change", {"uncertainty_mm": float(uncertainty_mm)})
    return followup.with_array(array.astype(np.float32), step, name="change", pet=None)


def _check(baseline: Volume, followup: Volume, uncertainty_mm: float) -> None:
    if not np.isfinite(uncertainty_mm) or uncertainty_mm < 0:
        raise ParameterError(f"the uncertainty is a length of 0 mm or more, not {uncertainty_mm}")
    if not baseline.grid.matches(followup.grid):
        raise GeometryError(
            f"the baseline has {baseline.grid.describe()}, the follow-up "
            f"{followup.grid.describe()}: resample them to one grid first"
        )
    meanings = [f"{v.modality} in {v.unit}" for v in (baseline, followup)]
    if meanings[0] != meanings[1]:
        raise QuantityError(f"the baseline is {meanings[0]}, the follow-up {meanings[1]}")


def _outside(values: Floats, low: Floats, high: Floats) -> Floats:
    """Give the signed distance of values to a range, 0 inside it."""
    distance: Floats = np.maximum(values - high, 0) + np.minimum(values - low, 0)
    return distance


def _reach(array: Floats, radii: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Give the lowest and highest value within a box of half sides `radii` (voxels) around each."""
    known = np.isfinite(array)
    least = array.min(where=known, initial=np.inf) if known.any() else 0
    most = array.max(where=known, initial=-np.inf) if known.any() else 0
    low = -_spread(-np.where(known, array, np.float32(most)), radii)
    return low, _spread(np.where(known, array, np.float32(least)), radii)


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
