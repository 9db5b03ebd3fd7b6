"""How far an alignment is from a known one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from napari_fusion.registration import Alignment

_POINTS = 5000
_SHOWN = 0.1


def error_mm(fixed: Volume, found: Alignment, true: Alignment) -> float:
    """Give the mean distance, in mm, between where two alignments put the fixed volume's anatomy.

    The points are about 5000 voxels, evenly spread over what the fixed volume's window shows: the
    target registration error when one of the alignments is the truth.
    """
    shown = fixed.window()(fixed.array) > _SHOWN
    index = np.argwhere(shown)
    points = fixed.grid.index_to_lps(index[:: max(1, len(index) // _POINTS)])
    apart = found.map_points(points) - true.map_points(points)
    return float(np.linalg.norm(apart, axis=1).mean())
