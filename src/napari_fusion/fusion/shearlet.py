"""Non-subsampled shearlets: undecimated scales, each cut into directions that add up to it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.fusion.mirrored import mirrored
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, Rule, each_slice, select
from napari_fusion.fusion.wavelet import SPLINE, Levels, blur
from napari_fusion.slab import Stack


@method(
    "shearlet",
    title="Shearlets (NSST)",
    cite="Easley, Labate & Lim 2008, doi:10.1016/j.acha.2007.09.003; Liu et al. 2014",
)
def shearlet(
    sources: Stack,
    *,
    levels: Levels = 4,
    directions: Literal["4", "8", "12"] = "8",
    rule: Rule = "energy",
) -> Stack:
    r"""Keep the strongest coefficient of every scale and direction, undecimated.

    :math:`p_j = \sum_l \sum_\theta m_j^{l\theta}\, S_\theta * D_j^l + m_j^L a_j^L`: details of the
    à-trous pyramid, cut by windows on the slope in the frequency plane that sum to 1, so that
    synthesis is a plain sum. The coarsest approximation too goes to the more energetic source.

    Parameters
    ----------
    levels
        Number of detail scales.
    directions
        Directions at every scale.
    rule
        What makes a coefficient the strongest.
    """
    return each_slice(_shearlet, sources, levels, int(directions), rule)


def _shearlet(planes: Planes, levels: int, directions: int, rule: Rule) -> Planes:
    parts, low = np.zeros_like(planes), planes
    for level in range(levels):
        lower = np.stack([blur(plane, SPLINE, level) for plane in low])
        for bands in by_direction(low - lower, directions):
            parts += select(bands, rule)
        low = lower
    parts += select(low, "energy")
    return parts


def by_direction(details: Planes, directions: int) -> Iterator[Planes]:
    """Cut details (k, h, w) into directions, one at a time, that add up to them."""
    from scipy import fft

    padded, inside = mirrored(details)
    shape = padded.shape[1:]
    spectra = fft.rfft2(padded)
    for window in slopes(*shape, directions):
        bands = fft.irfft2(spectra * window, s=shape)
        yield np.ascontiguousarray(bands[:, *inside])


@lru_cache(maxsize=4)
def slopes(rows: int, columns: int, directions: int) -> NDArray[np.float32]:
    """Give windows (directions, rows, columns // 2 + 1) on frequency slopes; they sum to 1.

    A shear moves slopes within the cone around the horizontal axis, from -1 to 1, and within the
    one around the vertical axis; windows are squared cosines, equally spaced around both.
    """
    down, across = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :]
    flat = np.abs(down) <= np.abs(across)
    steep = np.where(across == 0, 0, down / np.where(across == 0, 1, across))
    shallow = np.where(down == 0, 0, across / np.where(down == 0, 1, down))
    around = np.where(flat, steep, 2 - shallow) * (directions / 4)  # period: directions
    windows = []
    for centre in range(directions):
        distance = np.abs((around - centre + directions / 2) % directions - directions / 2)
        windows.append(np.cos(np.minimum(distance, 1) * np.pi / 2) ** 2)
    return np.stack(windows).astype(np.float32)
