"""Maps of the patient's frame: rotations by three angles, the one nearest to a matrix, ways back.

Three angles are radians about the L, then the P, then the S axis (extrinsic x, y, z).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


def rotation(angles: ArrayLike) -> Matrix:
    """Give the (3, 3) rotation by three angles, rad."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_l = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_p = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_s = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: Matrix = about_s @ about_p @ about_l
    return turned


def angles_of(turn: Matrix) -> NDArray[np.float64]:
    """Give the three angles, rad, of a (3, 3) rotation; at ±90° about P the one about S is 0.

    Examples
    --------
    >>> angles_of(rotation([0.1, -0.2, 0.3])).round(6)
    array([ 0.1, -0.2,  0.3])
    """
    about_l, about_s = np.arctan2(turn[2, 1], turn[2, 2]), np.arctan2(turn[1, 0], turn[0, 0])
    if abs(turn[2, 0]) > 1 - 1e-12:  # the other two turns are one
        about_l, about_s = np.arctan2(-turn[1, 2], turn[1, 1]), 0.0
    return np.array([about_l, -np.arcsin(np.clip(turn[2, 0], -1, 1)), about_s])


def inverted(affine: NDArray[np.floating]) -> Matrix:
    """Give the way back of a (4, 4) affine map; its last row is exactly 0 0 0 1."""
    back = np.linalg.inv(affine).astype(np.float64)
    back[3] = 0, 0, 0, 1
    return back


def nearest_orthogonal(columns: NDArray[np.floating]) -> Matrix:
    """Give the orthonormal columns nearest to those of a matrix: a rotation or a mirror."""
    u, _, vt = np.linalg.svd(columns, full_matrices=False)
    nearest: Matrix = u @ vt
    return nearest


def turned_degrees(matrix: NDArray[np.floating]) -> float:
    """Give the angle, degrees, of the rotation nearest to a (3, 3) matrix."""
    cosine = (np.trace(nearest_orthogonal(matrix)) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
