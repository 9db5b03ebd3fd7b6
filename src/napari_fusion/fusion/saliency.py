"""Weights from what catches the eye, and from how structured a place is."""

from typing import Annotated

import numpy as np

from napari_fusion.fusion.pyramid import Levels, mixed
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import (
    Planes,
    each_slice,
    in_strips,
    presence,
    proportional,
    smooth,
    strongest,
)
from napari_fusion.pyramid import Plane
from napari_fusion.slab import Stack

FAINT = np.float32(1 / 255)
"""Saliency that counts as nothing: where no source has more, all count the same."""


@method(
    "weighted",
    title="Saliency-weighted average",
    cite="Saliency of Achanta et al. 2009, doi:10.1109/CVPR.2009.5206596",
    caution="saliency follows edges: the even middle of a large lesion can look hollow where "
    "another source is textured",
)
def weighted(sources: Stack, *, sharpness: Annotated[float, {"min": 0, "max": 8}] = 2.0) -> Stack:
    r"""Mix the sources in proportion to how much each stands out from its surroundings.

    :math:`p_j = S_j^\gamma s_j / \sum_i S_i^\gamma`, saliency :math:`S` the smoothed difference
    from the mean of 15 × 15 pixels; where nothing stands out all count the same.

    Parameters
    ----------
    sharpness
        The exponent: 0 is the average, large values choose the most salient source.
    """
    return each_slice(_weighted, sources, sharpness)


@method(
    "structure",
    title="Structure tensor",
    cite="Zhou, Li & Wang 2014, doi:10.1016/j.inffus.2013.11.005",
)
def structure(sources: Stack, *, levels: Levels = 4) -> Stack:
    r"""Keep the detail of the source that is most structured at every scale.

    As `laplacian`, but the winner has the largest structure tensor there,
    :math:`\sqrt{(\lambda_1 + \lambda_2)^2 + (\lambda_1 - \lambda_2)^2 / 2}`, of its slice blurred
    to that scale: a line or corner wins as a whole, not pixel by pixel.

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    """
    return each_slice(_structure, sources, levels)


def _weighted(planes: Planes, sharpness: float) -> Planes:
    saliency = smooth(np.abs(planes - smooth(planes, 7)), 3)
    saliency += FAINT
    return planes * proportional(presence(planes) * saliency ** np.float32(sharpness))


def _structure(planes: Planes, levels: int) -> Planes:
    there = presence(planes)

    def detail(bands: Planes, blurred: Planes) -> Planes:
        return in_strips(_most_structured, bands, blurred, margin=3)

    return mixed(planes, levels, detail, lambda base: base * there)


def _most_structured(details: Planes, blurred: Planes) -> Planes:
    tensors = np.stack([_tensor(plane) for plane in blurred])
    return details * strongest(tensors)


def _tensor(plane: Plane) -> Plane:
    """Give the size of the structure tensor in a 5 × 5 window."""
    import cv2

    dx = np.asarray(cv2.Sobel(plane, -1, 1, 0), np.float32)
    dy = np.asarray(cv2.Sobel(plane, -1, 0, 1), np.float32)
    xx, yy, xy = smooth(dx * dx, 2), smooth(dy * dy, 2), smooth(dx * dy, 2)
    trace = xx + yy
    gap = (xx - yy) ** 2 + 4 * xy * xy  # squared difference of the eigenvalues
    return np.sqrt(trace * trace + gap / 2)
