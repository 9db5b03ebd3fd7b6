"""Laplacian pyramids of one slice: the bands it is cut into and put together from.

Classic methods and the network's prior stand on the same few lines.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(h, w) float32: one slice or one band of it."""


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


def gaussian(plane: Plane, levels: int) -> list[Plane]:
    """Give a slice and its reductions, finest first; stops early at a single pixel."""
    planes = [plane]
    while len(planes) <= levels and max(planes[-1].shape) > 1:
        planes.append(reduce(planes[-1]))
    return planes


def split(plane: Plane, levels: int) -> list[Plane]:
    """Cut a slice into `levels` details, finest first, and the base that remains.

    Stops early when a band has a single pixel, so that any size of slice will do.
    """
    planes = gaussian(plane, levels)
    details = [fine - expand(coarse, fine) for fine, coarse in pairwise(planes)]
    return [*details, planes[-1]]


def merge(bands: list[Plane]) -> Plane:
    """Put a slice together again from the bands of `split`."""
    plane = bands[-1]
    for detail in reversed(bands[:-1]):
        plane = expand(plane, detail)
        plane += detail
    return plane
