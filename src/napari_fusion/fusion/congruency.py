"""Phase congruency: how far all scales agree that a place is an edge or a line."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.fusion.mirrored import mirrored

SCALES = 4
"""Log-Gabor filters, from a wavelength of 3 pixels, each 2.1 times as long as the one before."""

WAVELENGTH, RATIO, BANDWIDTH = 3.0, 2.1, 0.55

TINY = np.float32(1e-4)


def congruency(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure phase congruency (h, w) in [0, 1], whatever the contrast of what is there.

    Kovesi's measure with monogenic filters: how nearly the local phases of all scales agree, less
    what noise of the size seen at the finest scale would give. An edge and a line score alike, and
    a faint one as much as a strong one.

    Parameters
    ----------
    plane
        (h, w) float32: a slice or a band of it, mirrored at its border.

    References
    ----------
    Kovesi 1999, "Image features from phase congruency", Videre 1(3); Felsberg & Sommer 2001,
    doi:10.1109/78.969520, for the monogenic filters.
    """
    return np.ascontiguousarray(periodic_congruency(*mirrored(plane)))


def periodic_congruency(
    plane: NDArray[np.float32], seen: tuple[slice, slice] = (slice(None),) * 2
) -> NDArray[np.float32]:
    """Measure phase congruency of a plane that repeats itself; of its part `seen`, if given."""
    from scipy import fft

    h, w = plane.shape
    spectrum = fft.rfft2(plane)
    amplitudes, sums = [], np.zeros((3, *plane[seen].shape), np.float32)
    for window in _bandpasses(h, w):
        band = spectrum * window
        parts = np.stack([band, *(band * odd for odd in _riesz(h, w))])
        triple = fft.irfft2(parts, s=(h, w))[:, *seen]
        amplitudes.append(_length(triple))
        sums += triple
    return _agreement(_length(sums), np.stack(amplitudes))


def _length(triple: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the length of vectors (3, h, w)."""
    length: NDArray[np.float32] = np.sqrt(np.einsum("ijk,ijk->jk", triple, triple))
    return length


def _agreement(energy: NDArray[np.float32], amplitudes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the length of the summed phase vectors, and their own (scales, h, w), into a measure."""
    total, most = amplitudes.sum(axis=0), amplitudes.max(axis=0)
    width = (total / (most + TINY) - 1) / np.float32(SCALES - 1)
    spread = 1 / (1 + np.exp(10 * (np.float32(0.5) - width)))  # one scale alone is no feature
    deviation = np.arccos(np.minimum(energy / (total + TINY), 1))
    agree = np.maximum(1 - np.float32(1.5) * deviation, 0)
    above = np.maximum(energy - _noise(amplitudes[0]), 0) / (energy + TINY)
    measure: NDArray[np.float32] = spread * agree * above
    return measure


def _noise(finest: NDArray[np.float32]) -> np.float32:
    """Give what noise rarely exceeds, if half of the finest amplitudes are noise (Rayleigh)."""
    scale = float(np.median(finest)) / np.sqrt(np.log(4))
    scale *= (1 - RATIO**-SCALES) / (1 - 1 / RATIO)  # of all scales together
    most = scale * (np.sqrt(np.pi / 2) + 2 * np.sqrt((4 - np.pi) / 2))
    return np.float32(max(most, float(TINY)))


@lru_cache(maxsize=8)
def _bandpasses(rows: int, columns: int) -> NDArray[np.float32]:
    """Give the log-Gabor filters (scales, rows, columns // 2 + 1)."""
    down, across = _frequencies(rows, columns)
    radius = np.hypot(down, across)
    radius[0, 0] = 1
    corners = 1 / (1 + (radius / 0.45) ** 30)
    centres = 1 / (WAVELENGTH * RATIO ** np.arange(SCALES))
    spread = 2 * np.log(BANDWIDTH) ** 2
    windows = np.exp(-(np.log(radius / centres[:, None, None]) ** 2) / spread) * corners
    windows[:, 0, 0] = 0
    filters: NDArray[np.float32] = windows.astype(np.float32)
    return filters


@lru_cache(maxsize=8)
def _riesz(rows: int, columns: int) -> NDArray[np.complex64]:
    """Give the two odd companions of an even filter, across and down."""
    down, across = _frequencies(rows, columns)
    radius = np.hypot(down, across)
    radius[0, 0] = 1
    return np.stack([1j * across / radius, 1j * down / radius]).astype(np.complex64)


def _frequencies(rows: int, columns: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the frequency of every coefficient along rows and columns, in cycles a pixel."""
    down, across = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :]
    shape = (rows, columns // 2 + 1)
    return np.broadcast_to(down, shape), np.broadcast_to(across, shape)
