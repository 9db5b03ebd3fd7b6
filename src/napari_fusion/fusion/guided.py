"""The guided filter, and fusion by weight maps it has tidied up."""

from functools import partial
from typing import Annotated

import numpy as np

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


def guided_filter(plane: Plane, guide: Plane, radius: int, epsilon: float) -> Plane:
    r"""Smooth a plane but follow the edges of a guide (He, Sun & Tang 2013).

    In every window the result is :math:`a I + b` of the guide :math:`I`, the least-squares fit to
    the plane with ridge `epsilon` (variance below which an edge of the guide is ignored).
    """
    mean, mean_plane = smooth(guide, radius), smooth(plane, radius)
    slope = smooth(guide * plane, radius)
    slope -= mean * mean_plane
    variance = smooth(guide * guide, radius)
    variance -= mean * mean
    np.maximum(variance, 0, out=variance)  # rounding
    variance += np.float32(epsilon)
    slope /= variance
    mean_plane -= slope * mean
    fitted = smooth(slope, radius)
    fitted *= guide
    fitted += smooth(mean_plane, radius)
    return fitted


@method(
    "guided",
    title="Guided filter (GFF)",
    cite="Li, Kang & Hu 2013, doi:10.1109/TIP.2013.2244222",
    caution="the guided filter follows texture: the even middle of a large lesion, such as a hot "
    "tumour in PET, can vanish where another source is textured",
)
def guided(
    sources: Stack,
    *,
    base: Annotated[int, {"min": 1, "max": 64}] = 45,
    detail: Annotated[int, {"min": 1, "max": 64}] = 7,
) -> Stack:
    r"""Mix base and detail layers by saliency maps that follow the sources' edges.

    :math:`p_j = W^B_j \bar s_j + W^D_j (s_j - \bar s_j)` with a 31 × 31 mean :math:`\bar s_j`. The
    weights are guided-filtered maps of where source j has the largest blurred Laplacian.

    Parameters
    ----------
    base
        Radius of the guided filter on the base layer's weights, in pixels.
    detail
        Radius of the guided filter on the detail layer's weights, in pixels.
    """
    return each_slice(_guided, sources, base, detail)


def _guided(planes: Planes, base: int, detail: int) -> Planes:
    rule = partial(_layers, presence(planes), base, detail)
    reach = max(2 * max(base, detail) + 6, 15)  # two box filters, and the saliency they smooth
    return in_strips(rule, planes, margin=reach)


def _layers(there: Planes, base: int, detail: int, planes: Planes) -> Planes:
    winners = strongest(np.stack([_saliency(plane) for plane in planes]))
    parts = np.empty_like(planes)
    coarse = _weights(planes, winners, there, base, 0.3)
    fine = _weights(planes, winners, there, detail, 1e-6)
    for j, plane in enumerate(planes):
        mean = smooth(plane, 15)
        parts[j] = coarse[j] * mean + fine[j] * (plane - mean)
    return parts


def _weights(planes: Planes, winners: Planes, there: Planes, radius: int, epsilon: float) -> Planes:
    maps = [
        guided_filter(winner, plane, radius, epsilon)
        for winner, plane in zip(winners, planes, strict=True)
    ]
    return proportional(np.clip(maps, 0, None) * there)


def _saliency(plane: Plane) -> Plane:
    import cv2

    laplacian = np.abs(cv2.Laplacian(plane, cv2.CV_32F))
    saliency: Plane = cv2.GaussianBlur(laplacian, (11, 11), 5)  # type: ignore[assignment]
    return saliency
