"""The dual-tree complex wavelet: four decimated trees whose combination hardly minds a shift."""

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, presence, smooth, strongest
from napari_fusion.fusion.wavelet import Levels
from napari_fusion.pyramid import filtered
from napari_fusion.slab import Stack

# Near-symmetric biorthogonal low-passes of the first level (analysis, synthesis) and the
# quarter-shift orthonormal one of the others; Kingsbury 2000, doi:10.1109/ICIP.2000.899397.
ANALYSIS = np.array([-1, 5, 12, 5, -1]) / 20
SYNTHESIS = np.array([-3, -15, 73, 170, 73, -15, -3]) / 280
QUARTER_SHIFT = np.array(
    [
        0.05113041, -0.01397537, -0.10983605, 0.26383956, 0.76662847,
        0.56365571, 0.00087362, -0.10023122, -0.00168968, -0.00618188,
    ]
)  # fmt: skip

TREES = tuple(product("ab", repeat=2))
"""Row and column tree of the four real transforms."""


@method(
    "dtcwt",
    title="Dual-tree complex wavelet (DTCWT)",
    cite="Lewis et al. 2007, doi:10.1016/j.inffus.2005.09.006; Kingsbury 2001",
)
def dtcwt(sources: Stack, *, levels: Levels = 4) -> Stack:
    r"""Keep the complex wavelet coefficients with the most energy around them.

    Four decimated trees, rows and columns with one of two filter sets half a sample apart, combine
    to six directions of complex coefficients whose magnitude hardly changes when a structure moves;
    :math:`p_j = \frac14 \sum_t W_t^{-1}(m_j W_t s_j)`, with :math:`m_j = 1` where source j has the
    largest energy in a 3 × 3 window of the coefficients.

    Parameters
    ----------
    levels
        Number of detail scales.
    """
    return each_slice(_dtcwt, sources, levels)


def _dtcwt(planes: Planes, levels: int) -> Planes:
    """Fuse by recursion over the levels of all trees at once."""
    trees = [planes] * len(TREES)
    given = _level(trees, presence(planes), 0, levels)
    parts: Planes = np.mean(given, axis=0, dtype=np.float32)
    return parts


def _level(trees: list[Planes], there: Planes, level: int, levels: int) -> list[Planes]:
    """Split each tree once, choose details across trees, and put the parts together again."""
    h, w = trees[0].shape[1:]
    if level == levels or max(h, w) < 2:
        return [tree * there for tree in trees]
    banks = [tuple(_bank(tree, min(level, 2)) for tree in pair) for pair in TREES]
    splits = _analysed(trees, banks)
    lows = _level([low for low, _ in splits], there, level + 1, levels)
    details = [_select(list(band)) for band in zip(*(d for _, d in splits), strict=True)]
    return [
        _synthesised(low, [band[t] for band in details], bank)[:, :h, :w]
        for t, (low, bank) in enumerate(zip(_fitted(lows, splits), banks, strict=True))
    ]


def _analysed(trees: list[Planes], banks: list[Any]) -> list[Any]:
    """Split each tree both ways; what trees share, as all do at first, is done once."""
    import pywt

    down: dict[Any, Any] = {}
    splits = []
    for tree, (row, column) in zip(trees, banks, strict=True):
        key = (id(tree), id(row))
        if key not in down:
            down[key] = [_turned(band) for band in pywt.dwt(_turned(tree), row, "symmetric")]
        (aa, ad), (da, dd) = (pywt.dwt(band, column, "symmetric") for band in down[key])
        splits.append((aa, (da, ad, dd)))
    return splits


def _synthesised(low: Planes, details: list[Planes], bank: Any) -> Planes:
    """Put one tree together from what it was split into."""
    import pywt

    (da, ad, dd), (row, column) = details, bank
    above, below = (pywt.idwt(*pair, column, "symmetric") for pair in ((low, ad), (da, dd)))
    return _turned(pywt.idwt(_turned(above), _turned(below), row, "symmetric"))


def _turned(planes: Planes) -> Planes:
    """Swap rows and columns: a filter along what lies together in memory is twice as fast."""
    import cv2

    return filtered(planes, cv2.transpose, planes.shape[:-3:-1])


def _fitted(lows: list[Planes], splits: list[Any]) -> list[Planes]:
    """Cut what the coarser level gave back to the size this one had."""
    h, w = splits[0][0].shape[1:]
    return [low[:, :h, :w] for low in lows]


def _select(band: list[Planes]) -> list[Planes]:
    """Choose in both diagonal directions of a band, given in the trees aa, ab, ba, bb."""
    aa, ab, ba, bb = band
    plus = [aa - bb, ab + ba]  # real and imaginary part of the coefficients leaning one way
    minus = [aa + bb, ab - ba]  # and the other
    (p_re, p_im), (m_re, m_im) = (_strongest(*pair) for pair in (plus, minus))
    return [m_re + p_re, p_im + m_im, p_im - m_im, m_re - p_re]


def _strongest(real: Planes, imaginary: Planes) -> tuple[Planes, Planes]:
    """Keep half of the coefficients of the source with most energy around them, none of others."""
    energy = [smooth(r * r + i * i, 1) for r, i in zip(real, imaginary, strict=True)]
    half = strongest(np.stack(energy)) * np.float32(0.5)
    return real * half, imaginary * half


@lru_cache(maxsize=8)
def _bank(tree: str, level: int) -> Any:
    """Give the filter bank of a tree at a level, the finest being 0.

    At the first level the trees see pixels one apart, at the others the filters of tree b run
    backwards, half a sample away. Zeros around the taps of the second level make sample i of both
    trees lie at one place, there and at all levels beyond.
    """
    import pywt

    name = f"dual tree {tree}, level {level}"
    if level == 0:
        low, high = (6, 5) if tree == "a" else (5, 4)
        sign = (-1.0) ** np.arange(7)
        taps = (ANALYSIS, -sign * SYNTHESIS, SYNTHESIS, sign[:5] * ANALYSIS)
        centres = (low, high, 9 - low, 9 - high)
        return pywt.Wavelet(name, [_placed(*pair) for pair in zip(taps, centres, strict=True)])
    bank = pywt.orthogonal_filter_bank(QUARTER_SHIFT[::-1] if tree == "a" else QUARTER_SHIFT)
    if level > 1:
        return pywt.Wavelet(name, bank)
    late = (1, 1, 1, 1) if tree == "a" else (2, 2, 0, 0)
    return pywt.Wavelet(
        name, [np.pad(taps, (n, 2 - n)) for taps, n in zip(bank, late, strict=True)]
    )


def _placed(taps: Any, centre: int) -> Any:
    """Put a symmetric filter into ten taps, its middle at `centre`, for decimation by two."""
    placed = np.zeros(10)
    start = centre - len(taps) // 2
    placed[start : start + len(taps)] = taps * np.sqrt(2)
    return placed
