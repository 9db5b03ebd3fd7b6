"""Where two volumes of one contrast differ by more than place: a lesion that came, grew or went."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.filters import Floats, filtered, gaussian

ALIKE = 0.6
"""Volumes whose values correlate at least this well within the body are of one contrast."""

BLOB_MM = 2.5
"""Differences are averaged over this distance: those of edges out of place cancel, blobs stay."""

SHADING_MM = 12.0
"""Differences that last over this distance are the coils' shading, not a change."""

REACH_MM = 5.0
"""A changed blob is not trusted this far around it either: its rim lies there at either date."""

SURPRISE = 5.0
"""A difference this many times the usual one counts for half."""


def alike(still: Floats, moved: Floats, body: NDArray[np.bool_]) -> bool:
    """Say whether two volumes show one contrast: their values rise and fall together."""
    a, b = still[body], moved[body]
    if not (a.std() > 0 and b.std() > 0):
        return False
    return bool(np.corrcoef(a, b)[0, 1] >= ALIKE)


def trust(still: Floats, moved: Floats, weight: Floats, mm: float) -> Floats:
    """Weigh each voxel by how well its brightness is explained, 1 where it is as usual.

    A lesion that appears, grows or vanishes matches nothing: bending that tried to explain it
    would shrink it away. It counts for little, so that space there follows its surroundings
    (robust weights after Geman and McClure 1987; compare the masks of Brett et al. 2001).

    Parameters
    ----------
    still, moved
        Values of the fixed volume and of the moving one as bent so far.
    weight
        How much each voxel counts otherwise.
    mm
        Voxel size.
    """
    from scipy.ndimage import maximum_filter

    counted = weight > 0
    a, b = still[counted], moved[counted]
    if a.size == 0 or not b.std() > 0:
        return np.ones_like(still)
    slope, shift = np.polyfit(b.astype(np.float64), a.astype(np.float64), 1)
    difference = (still - np.float32(slope) * moved - np.float32(shift)) * counted
    near, wide = (filtered(difference, gaussian(reach / mm)) for reach in (BLOB_MM, SHADING_MM))
    share = filtered(counted.astype(np.float32), gaussian(SHADING_MM / mm))
    blob = np.abs(near - wide / np.maximum(share, np.float32(0.1))) * counted
    usual = float(np.median(blob[counted])) / 0.6745
    if not usual > 0:
        return np.ones_like(still)
    worst = maximum_filter(blob, size=2 * round(REACH_MM / mm) + 1)
    trusted: Floats = (1 + (worst / np.float32(SURPRISE * usual)) ** 2) ** -2
    return trusted
