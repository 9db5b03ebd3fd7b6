"""Laplacian pyramids, the bands a slice is cut into and put together from, and methods on them."""

from typing import Annotated

import numpy as np

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Plane, Planes, each_slice, presence, strongest
from napari_fusion.slab import Stack

Levels = Annotated[int, {"min": 1, "max": 8}]
"""Number of detail bands."""


def reduce(plane: Plane) -> Plane:
    """Blur with the 5-tap binomial kernel and keep every second row and column."""
    import cv2

    smaller: Plane = cv2.pyrDown(plane)  # type: ignore[assignment]
    return smaller


def expand(plane: Plane, like: Plane) -> Plane:
    """Interpolate to the size of `like`, twice the rows and columns or one less."""
    import cv2

    larger: Plane = cv2.pyrUp(plane, dstsize=like.shape[::-1])  # type: ignore[assignment]
    return larger


def split(plane: Plane, levels: int) -> list[Plane]:
    """Cut a slice into `levels` details, finest first, and the base that remains.

    Stops early when a band has a single pixel, so that any size of slice will do.
    """
    bands = []
    for _ in range(levels):
        if max(plane.shape) < 2:
            break
        base = reduce(plane)
        bands.append(plane - expand(base, plane))
        plane = base
    return [*bands, plane]


def merge(bands: list[Plane]) -> Plane:
    """Put a slice together again from the bands of `split`."""
    plane = bands[-1]
    for detail in reversed(bands[:-1]):
        plane = expand(plane, detail)
        plane += detail
    return plane


@method("laplacian", title="Laplacian pyramid", cite="Burt & Adelson 1983; Burt & Kolczynski 1993")
def laplacian(sources: Stack, *, levels: Levels = 4) -> Stack:
    r"""Keep the strongest detail at every scale and the mean of what remains.

    :math:`p_j = \sum_l \uparrow^l ([|D_j^l| = \max_i |D_i^l|]\, D_j^l) + \uparrow^L (w_j B_j)`
    with details :math:`D^l = G^l - \uparrow G^{l+1}` of the Gaussian pyramid :math:`G`.

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    """
    return each_slice(_laplacian, sources, levels)


def _laplacian(planes: Planes, levels: int) -> Planes:
    pyramids = [split(plane, levels) for plane in planes]
    share = presence(planes)[:, 0, 0]
    for bands in zip(*(pyramid[:-1] for pyramid in pyramids), strict=True):
        for band, weight in zip(bands, strongest(np.abs(bands)), strict=True):
            band *= weight
    for pyramid, weight in zip(pyramids, share, strict=True):
        pyramid[-1] = pyramid[-1] * weight
    return np.stack([merge(pyramid) for pyramid in pyramids])
