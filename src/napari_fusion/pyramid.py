"""Laplacian pyramids of a slice or several: the bands they are cut into and put together from.

Classic methods and the network's prior stand on the same few lines, and numbers: what `auto` takes
for salient, bright and balanced is what the network corrects.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(h, w) float32: one slice or one band of it."""

Planes = NDArray[np.float32]
"""(..., h, w) float32: one slice or several, each by itself."""


FAINT = np.float32(1e-3)
"""Saliency that counts as nothing: a quarter of a grey level of 255."""

DARK = np.float32(0.02)
"""Brightness that counts as nothing: five grey levels of 255."""

QUIET = np.float32(2e-3)
"""Mean saliency of a slice below which a source is not lifted any further."""

FADE = np.float32(0.9)
"""How much less each coarser scale says about saliency."""

BALANCE = 0.45
"""From 0, where the most salient source wins, to 1, where each counts by its own standard."""


def filtered(planes: Planes, function: Callable[..., Any], size: tuple[int, int]) -> Planes:
    """Let one of OpenCV's filters, ``function(plane, dst=)``, make every plane one of `size`."""
    made = np.empty((*planes.shape[:-2], *size), planes.dtype)
    _fill(made, planes, function)
    return made


def _fill(made: Planes, planes: Planes, function: Callable[..., Any]) -> None:
    if planes.ndim == 2:
        function(planes, dst=made)
    else:
        for result, plane in zip(made, planes, strict=True):
            _fill(result, plane, function)


def reduce(planes: Planes) -> Planes:
    """Blur with the 5-tap binomial kernel and keep every second row and column."""
    import cv2

    h, w = planes.shape[-2:]
    return filtered(planes, cv2.pyrDown, ((h + 1) // 2, (w + 1) // 2))


def expand(planes: Planes, like: Planes) -> Planes:
    """Interpolate to the size of `like`, twice the rows and columns or one less."""
    import cv2

    h, w = like.shape[-2:]
    return filtered(planes, partial(cv2.pyrUp, dstsize=(w, h)), (h, w))


def gaussian(planes: Planes, levels: int) -> list[Planes]:
    """Give slices and their reductions, finest first; stops early at a single pixel."""
    pyramid = [planes]
    while len(pyramid) <= levels and max(pyramid[-1].shape[-2:]) > 1:
        pyramid.append(reduce(pyramid[-1]))
    return pyramid


def split(planes: Planes, levels: int) -> list[Planes]:
    """Cut slices into `levels` details, finest first, and the base that remains.

    Stops early when a band has a single pixel, so that any size of slice will do.
    """
    return bands_of(gaussian(planes, levels))


def bands_of(pyramid: list[Planes]) -> list[Planes]:
    """Give what each scale of a `gaussian` pyramid adds to the next, and the last one itself."""
    details = [_detail(fine, coarse) for fine, coarse in pairwise(pyramid)]
    return [*details, pyramid[-1]]


def merge(bands: list[Planes]) -> Planes:
    """Put slices together again from the bands of `split`."""
    planes = bands[-1]
    for detail in reversed(bands[:-1]):
        planes = expand(planes, detail)
        planes += detail
    return planes


def _detail(fine: Planes, coarse: Planes) -> Planes:
    smooth = expand(coarse, fine)
    return np.subtract(fine, smooth, out=smooth)


def blurred(planes: Planes, radius: int) -> Planes:
    """Average (..., h, w) by a Gaussian that ends at a radius, mirrored at the border."""
    import cv2

    side = 2 * radius + 1
    blur = partial(cv2.GaussianBlur, ksize=(side, side), sigmaX=0.6 * radius)
    return filtered(planes, blur, planes.shape[-2:])
