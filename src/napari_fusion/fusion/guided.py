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
from napari_fusion.pyramid import Plane, filtered
from napari_fusion.slab import Stack, near


def guided_filter(plane: Plane, guide: Plane, radius: int, epsilon: float) -> Plane:
    r"""Smooth a plane but follow the edges of a guide (He, Sun & Tang 2013).

    In every window the result is :math:`a I + b` of the guide :math:`I`, the least-squares fit to
    the plane with ridge `epsilon` (variance below which an edge of the guide is ignored).
    """
    return _Guide(guide).follow(plane, guide * plane, radius, epsilon)


class _Guide:
    """A guide, and its square, for filters of several radii."""

    def __init__(self, guide: Plane) -> None:
        self.guide, self.square = guide, guide * guide

    def follow(self, plane: Plane, product: Plane, radius: int, epsilon: float) -> Plane:
        """Filter a plane, given its product with the guide."""
        mean, mean_plane = smooth(self.guide, radius), smooth(plane, radius)
        slope, variance = smooth(product, radius), smooth(self.square, radius)
        for rows in near(plane.shape, arrays=4):
            _fit(mean[rows], mean_plane[rows], slope[rows], variance[rows], np.float32(epsilon))
        slope, offset = smooth(slope, radius), smooth(mean_plane, radius)
        for rows in near(plane.shape, arrays=4):
            slope[rows] *= self.guide[rows]
            slope[rows] += offset[rows]
        return slope


def _fit(mean: Plane, offset: Plane, slope: Plane, variance: Plane, epsilon: np.float32) -> None:
    """Make the slope and offset of the fit, in place, of the means of all products."""
    slope -= mean * offset
    variance -= mean * mean
    np.maximum(variance, 0, out=variance)  # rounding
    variance += epsilon
    slope /= variance
    mean *= slope
    offset -= mean


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
    winners = strongest(_saliency(planes))
    tidied = [_tidied(*pair, base, detail) for pair in zip(winners, planes, strict=True)]
    coarse, fine = zip(*tidied, strict=True)
    means, parts = smooth(planes, 15), winners  # which are not needed any more
    for rows in near(planes.shape, arrays=4):
        part, mean = parts[:, rows], means[:, rows]
        np.multiply(_weights(coarse, rows, there), mean, out=part)
        part += _weights(fine, rows, there) * (planes[:, rows] - mean)
    return parts


def _tidied(winner: Plane, plane: Plane, base: int, detail: int) -> tuple[Plane, Plane]:
    guide, product = _Guide(plane), plane * winner
    return guide.follow(winner, product, base, 0.3), guide.follow(winner, product, detail, 1e-6)


def _weights(maps: tuple[Plane, ...], rows: slice, there: Planes) -> Planes:
    some = np.stack([plane[rows] for plane in maps])
    np.maximum(some, 0, out=some)
    some *= there
    return proportional(some)


def _saliency(planes: Planes) -> Planes:
    import cv2

    size = planes.shape[1:]
    laplacian = filtered(planes, partial(cv2.Laplacian, ddepth=cv2.CV_32F), size)
    np.abs(laplacian, out=laplacian)
    return filtered(laplacian, partial(cv2.GaussianBlur, ksize=(11, 11), sigmaX=5), size)
