"""Slices mirrored around their border before a Fourier transform, against wrapping around."""

import numpy as np
from numpy.typing import NDArray

MARGIN = 24
"""Pixels mirrored on every side, at least."""

Inside = tuple[slice, slice]
"""Rows and columns where the slice itself lies."""


def mirrored(planes: NDArray[np.float32]) -> tuple[NDArray[np.float32], Inside]:
    """Give planes (..., h, w) in a size that is quick to transform, and where in it they lie."""
    from scipy import fft

    lengths = planes.shape[-2:]
    sizes = (fft.next_fast_len(n + 2 * MARGIN, real=True) for n in lengths)
    around = [(MARGIN, size - n - MARGIN) for n, size in zip(lengths, sizes, strict=True)]
    before = [(0, 0)] * (planes.ndim - 2)
    rows, columns = (slice(MARGIN, MARGIN + n) for n in lengths)
    return np.pad(planes, [*before, *around], mode="symmetric"), (rows, columns)
