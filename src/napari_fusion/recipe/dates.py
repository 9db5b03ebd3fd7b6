"""What changed between the two dates of an outcome."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import Progress, QuantityError, between, expect, silent
from napari_fusion.fusion import change
from napari_fusion.grid import Grid
from napari_fusion.recipe.admission import check_made_for
from napari_fusion.registration import Alignment, resample
from napari_fusion.volume import Volume


def changed(  # noqa: PLR0913 - what `change` takes, and how the two lie
    baseline: Volume,
    followup: Volume,
    alignment: Alignment,
    *,
    grid: Grid | None = None,
    uncertainty_mm: float | None = None,
    sigmas: float = 5.0,
    scale_mm: float = 1.0,
    progress: Progress = silent,
) -> Volume:
    """Draw a follow-up where it lies on its baseline, and give what changed.

    Parameters
    ----------
    baseline, followup
        Volumes of one modality and unit, each on its own grid.
    alignment
        Where points of the baseline lie in the follow-up.
    grid
        Where to draw both; by default the baseline's.
    uncertainty_mm
        How far the alignment may be off; by default what its check measured, voxel by voxel where
        it knows.
    sigmas
        How many standard deviations of noise are no change.
    scale_mm
        How much both are smoothed before they are compared.
    progress
        Told how far it is.

    Returns
    -------
    Volume
        The signed change (`napari_fusion.fusion.change`), NaN outside the follow-up.

    Raises
    ------
    QuantityError
        Nobody knows how far the alignment may be off, or modality or unit differ.
    ParameterError
        The uncertainty, `sigmas` or `scale_mm` is negative or not finite, or the alignment was
        made for other volumes.

    Examples
    --------
    >>> from napari_fusion import phantom
    >>> grid = phantom.default_grid("T1", 4.0)
    >>> before, after = (phantom.head("T1", grid, date=date, scanner=False) for date in (0, 1))
    >>> identity = Alignment.identity(grid, grid)
    >>> found = changed(before, after, identity, uncertainty_mm=2.0)
    >>> bool(found.array.min() < 0), float(np.count_nonzero(found.array) / found.array.size) < 0.01
    (True, True)
    """
    expect(Volume, baseline=baseline, followup=followup)
    check_made_for(alignment, "the alignment", ("baseline", baseline), ("follow-up", followup))
    grid = grid or baseline.grid
    off_mm = _uncertainty(alignment, grid) if uncertainty_mm is None else uncertainty_mm
    still = baseline if grid.matches(baseline.grid) else resample(baseline, grid, fill=np.nan)
    moved = resample(followup, grid, alignment, fill=np.nan)
    tell = between(progress, 0.2, 1.0)
    return change(still, moved, off_mm, sigmas=sigmas, scale_mm=scale_mm, progress=tell)


def _uncertainty(alignment: Alignment, grid: Grid) -> NDArray[np.float32] | float:
    """Give how far off the alignment may be, voxel by voxel where that is known."""
    known = alignment.quality.uncertainty_mm
    if known is None or not np.isfinite(known):
        raise QuantityError(
            "nobody knows how far this alignment may be off, so a change cannot be told from a "
            "shift: say how many mm (mm off in the window, uncertainty_mm, --uncertainty), or "
            "register the volumes"
        )
    if alignment.quality.uncertainty_form is None:
        return float(known)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape[1:]), indexing="ij"), -1)
    planes = np.empty(grid.shape, np.float32)
    for i, plane in enumerate(planes):
        whole = np.concatenate([np.full((*index.shape[:2], 1), i), index], -1)
        plane[:] = alignment.uncertainty_at(grid.index_to_lps(whole))
    return planes
