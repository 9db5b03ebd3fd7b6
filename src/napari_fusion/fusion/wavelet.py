"""Wavelets: decimated, stationary and à-trous."""

from functools import partial
from typing import Annotated, Literal

import numpy as np

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, Rule, each_slice, in_strips, presence, select
from napari_fusion.pyramid import Plane
from napari_fusion.slab import Stack

Levels = Annotated[int, {"min": 1, "max": 6}]
"""Number of detail scales."""

SPLINE: Plane = np.array([1, 4, 6, 4, 1], np.float32) / np.float32(16)
"""The cubic B-spline of the à-trous algorithm."""

DAUBECHIES: Plane = np.array([-1, 0, 9, 16, 9, 0, -1], np.float32) / np.float32(32)
"""Autocorrelation of Daubechies' four-tap scaling filter: symmetric, so bands do not drift."""


@method("dwt", title="Wavelet (DWT)", cite="Li, Manjunath & Mitra 1995, doi:10.1006/gmip.1995.1022")
def dwt(
    sources: Stack,
    *,
    levels: Levels = 4,
    wavelet: Literal["haar", "db2", "sym4", "bior4.4"] = "sym4",
    rule: Rule = "energy",
) -> Stack:
    r"""Keep the strongest wavelet coefficients and the mean of the coarsest approximation.

    :math:`p_j = W^{-1}(m_j W s_j)` with the decimated transform :math:`W`; :math:`m_j` is 1 where
    source j is the most active of a band. Decimation makes it shift-variant: edges can ripple.

    Parameters
    ----------
    levels
        Number of detail scales.
    wavelet
        Name of the wavelet.
    rule
        What makes a coefficient the strongest.
    """
    return each_slice(_dwt, sources, levels, wavelet, rule)


@method(
    "swt",
    title="Stationary wavelet (SWT)",
    cite="Saito & Beylkin 1993, doi:10.1109/78.258085; Rockinger 1997",
)
def swt(sources: Stack, *, levels: Levels = 4, rule: Rule = "energy") -> Stack:
    r"""Keep the strongest of horizontal, vertical and diagonal detail at every scale, undecimated.

    With a symmetric low-pass :math:`L` the details are :math:`(1-L_x)L_y`, :math:`L_x(1-L_y)` and
    :math:`(1-L_x)(1-L_y)`, which add up to :math:`1-L_xL_y`: synthesis is a sum, without shifts.

    Parameters
    ----------
    levels
        Number of detail scales.
    rule
        What makes a detail the strongest.
    """
    return each_slice(_swt, sources, levels, rule)


@method(
    "atrous",
    title="À-trous wavelet",
    cite="Núñez et al. 1999, doi:10.1109/36.763274; Starck & Murtagh 1994",
)
def atrous(sources: Stack, *, levels: Levels = 4, rule: Rule = "magnitude") -> Stack:
    r"""Keep the strongest detail between successive B-spline blurs, undecimated.

    :math:`p_j = \sum_l m_j^l (a_j^l - a_j^{l+1}) + w_j a_j^L`, :math:`a^{l+1}` the blur of
    :math:`a^l` with holes of :math:`2^l - 1` pixels.

    Parameters
    ----------
    levels
        Number of detail scales.
    rule
        What makes a detail the strongest.
    """
    return each_slice(_atrous, sources, levels, rule)


def blur(
    plane: Plane, taps: Plane, level: int, *, rows: bool = True, columns: bool = True
) -> Plane:
    """Low-pass along rows, columns or both, with ``2**level - 1`` holes between the taps."""
    import cv2

    spread = np.zeros((len(taps) - 1) * 2**level + 1, np.float32)
    spread[:: 2**level] = taps
    one = np.ones(1, np.float32)
    result: Plane = cv2.sepFilter2D(  # type: ignore[assignment]
        plane, -1, spread if rows else one, spread if columns else one
    )
    return result


def _dwt(planes: Planes, levels: int, wavelet: str, rule: Rule) -> Planes:
    import pywt

    h, w = planes.shape[1:]
    levels = min(levels, pywt.dwt_max_level(min(h, w), wavelet))
    trees = [pywt.wavedec2(plane, wavelet, mode="symmetric", level=levels) for plane in planes]
    base = np.stack([tree[0] for tree in trees]) * presence(planes)
    details = [
        [select(np.stack(band), rule) for band in zip(*scale, strict=True)]
        for scale in zip(*(tree[1:] for tree in trees), strict=True)
    ]
    parts = np.empty_like(planes)
    for j, part in enumerate(parts):
        tree = [base[j], *(tuple(band[j] for band in scale) for scale in details)]
        part[...] = pywt.waverec2(tree, wavelet, mode="symmetric")[:h, :w]
    return parts


def _swt(planes: Planes, levels: int, rule: Rule) -> Planes:
    parts, low = np.zeros_like(planes), planes
    for level in range(levels):
        split = partial(_swt_level, level, rule)
        whole = rule == "phase"  # which looks at all of a band, noise included
        both = split(low) if whole else in_strips(split, low, margin=3 * 2**level + 2)
        parts += both[: len(planes)]
        low = both[len(planes) :].copy()
        del both  # before the next level makes its own
    parts += low * presence(planes)
    return parts


def _swt_level(level: int, rule: Rule, low: Planes) -> Planes:
    """Choose among the three details of a level; what each source gives, then what remains."""
    across = np.stack([blur(plane, DAUBECHIES, level, columns=False) for plane in low])
    down = np.stack([blur(plane, DAUBECHIES, level, rows=False) for plane in low])
    both = np.empty((2 * len(low), *low.shape[1:]), np.float32)
    parts, lower = both[: len(low)], both[len(low) :]
    for smaller, plane in zip(lower, across, strict=True):
        smaller[...] = blur(plane, DAUBECHIES, level, rows=False)
    parts[...] = select(down - lower, rule)
    parts += select(across - lower, rule)
    parts += select(low - across - down + lower, rule)
    return both


def _atrous(planes: Planes, levels: int, rule: Rule) -> Planes:
    parts, low = np.zeros_like(planes), planes
    for level in range(levels):
        lower = np.stack([blur(plane, SPLINE, level) for plane in low])
        parts += select(low - lower, rule)
        low = lower
    parts += low * presence(planes)
    return parts
