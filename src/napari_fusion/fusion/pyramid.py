"""Methods on the Laplacian pyramid."""

from collections.abc import Callable
from typing import Annotated

import numpy as np

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, Rule, each_slice, presence, select
from napari_fusion.pyramid import expand, reduce
from napari_fusion.slab import Stack

Levels = Annotated[int, {"min": 1, "max": 8}]
"""Number of detail bands."""


Mix = Callable[[Planes, Planes], Planes]
"""From a band (k, h, w) of the sources, and them blurred to that scale, what each gives."""


def mixed(planes: Planes, levels: int, detail: Mix, base: Callable[[Planes], Planes]) -> Planes:
    """Mix pyramids level by level: the same as `split`, choose and `merge`, in less memory.

    Parameters
    ----------
    planes
        (k, h, w): the sources.
    levels
        Number of detail bands, fewer where a band would have a single pixel.
    detail, base
        How the details of a level are mixed, and how what remains is.
    """
    if levels == 0 or max(planes.shape[1:]) <= 1:
        return base(planes)
    coarse = reduce(planes)
    bands = expand(coarse, planes)
    np.subtract(planes, bands, out=bands)
    parts = detail(bands, planes)
    del bands
    deeper = mixed(coarse, levels - 1, detail, base)
    for part, smaller in zip(parts, deeper, strict=True):
        part += expand(smaller, part)
    return parts


@method(
    "laplacian",
    title="Laplacian pyramid",
    cite="Burt & Adelson 1983; choice of Li, Manjunath & Mitra 1995",
)
def laplacian(sources: Stack, *, levels: Levels = 4, rule: Rule = "consistent") -> Stack:
    r"""Keep the strongest detail at every scale and the mean of what remains.

    :math:`p_j = \sum_l \uparrow^l ([A(D_j^l) = \max_i A(D_i^l)]\, D_j^l) + \uparrow^L (w_j B_j)`
    with details :math:`D^l = G^l - \uparrow G^{l+1}` of the Gaussian pyramid :math:`G`.

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    rule
        What makes a detail the strongest: its magnitude (Burt & Adelson), the energy around it, the
        sum-modified Laplacian around it, or the energy and what most of its neighbours chose.
    """
    return each_slice(_laplacian, sources, levels, rule)


@method(
    "laplacian_sml",
    title="Laplacian pyramid, modified Laplacian",
    cite="Burt & Adelson 1983 with the focus measure of Nayar & Nakagawa 1994",
)
def laplacian_sml(sources: Stack, *, levels: Levels = 4) -> Stack:
    """Choose details and base alike by the sum-modified Laplacian in a 3 × 3 window.

    As `laplacian`, but the base too comes from the source that is more structured there, so that
    bright even structure is not halved.

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    """
    return each_slice(_laplacian_sml, sources, levels)


def _laplacian(planes: Planes, levels: int, rule: Rule) -> Planes:
    there = presence(planes)
    return mixed(planes, levels, lambda bands, _: select(bands, rule), lambda base: base * there)


def _laplacian_sml(planes: Planes, levels: int) -> Planes:
    return mixed(
        planes, levels, lambda band, _: select(band, "sml"), lambda base: select(base, "sml")
    )
