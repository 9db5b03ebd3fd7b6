"""What the matrix of a bent map does to space, which the volume drawn through it does not show."""

from __future__ import annotations

import numpy as np

from napari_fusion.registration.gate import SCALE_LIMITS
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.quality import Quality


def stretched(quality: Quality, matrix: Matrix) -> Quality:
    """Hold the (4, 4) matrix of a bent map to the limits of a linear one.

    A mirrored or stretched map may match its volumes all the same; the gate, which compares the
    drawn volume, then measures the identity.
    """
    scales = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    smallest, largest = float(scales.min()), float(scales.max())
    jacobian = float(np.linalg.det(matrix[:3, :3]))
    told = {"scale_min": smallest, "scale_max": largest, "jacobian": jacobian}
    quality = quality.model_copy(update={"numbers": {**quality.numbers, **told}})
    if not jacobian > 0:
        words = "The result swaps left and right: do not use it."
    elif not SCALE_LIMITS[0] <= smallest <= largest <= SCALE_LIMITS[1]:
        span = f"{smallest:.2f} to {largest:.2f}"
        words = f"The result stretches the anatomy by {span}: do not use it."
    else:
        return quality
    return quality.model_copy(update={"verdict": "FAIL", "sentence": words})
