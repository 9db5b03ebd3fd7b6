"""The map that brings one list of points closest to another, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError, ParameterError
from napari_fusion.registration.landmarks.pairs import Landmarks
from napari_fusion.registration.options import Model

Points = NDArray[np.float64]

FEWEST = {"rigid": 3, "similarity": 3, "affine": 4}
"""Pairs that decide a model when they do not lie on one line (for "affine": in one plane)."""

FLAT = 0.01
"""Points whose spread across a line or plane is a smaller share of their length lie in it."""


def fit(pairs: Landmarks, model: Model) -> NDArray[np.float64]:
    """Find the map of least squares, fixed → moving.

    Rigid and similarity by the singular values of the covariance (Horn 1987; Umeyama 1991), so
    that a mirror image never results; affine by linear least squares.

    Returns
    -------
    (4, 4) LPS mm.

    Raises
    ------
    AlignError
        Too few pairs, points on one line (affine: in one plane), or pairs that only a mirror image
        can bring together.
    """
    _decided(pairs, model)
    x, y, x0, y0 = centred(pairs)
    if model == "affine":
        linear = np.linalg.lstsq(x, y, rcond=None)[0].T
        if np.linalg.det(linear) <= 0:
            raise AlignError(
                "these landmarks fit a mirror image only: check that left and right were marked "
                "alike in both volumes"
            )
    else:
        linear = _turned(x, y, scaled=model == "similarity", mirrored=False)
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = y0 - linear @ x0
    return matrix


def fewest_for(model: Model) -> int:
    """Say how many pairs decide a model, if landmarks can."""
    if model not in FEWEST:
        raise ParameterError(f"landmarks decide {', '.join(FEWEST)} maps, not {model!r}")
    return FEWEST[model]


def mirror_rms(pairs: Landmarks) -> float:
    """Say how well the best mirror image would fit: root mean square distance, mm."""
    x, y, _, _ = centred(pairs)
    apart = x @ _turned(x, y, scaled=False, mirrored=True).T - y
    return float(np.sqrt((apart**2).sum(axis=1).mean()))


def centred(pairs: Landmarks) -> tuple[Points, Points, Points, Points]:
    """Give fixed and moving points about their means, and the means."""
    x0, y0 = pairs.fixed.mean(axis=0), pairs.moving.mean(axis=0)
    return pairs.fixed - x0, pairs.moving - y0, x0, y0


def _turned(x: Points, y: Points, *, scaled: bool, mirrored: bool) -> NDArray[np.float64]:
    """Give the (3, 3) rotation, or mirrored rotation, times one scale if asked."""
    u, s, vt = np.linalg.svd(y.T @ x)
    wanted = -1.0 if mirrored else 1.0
    signs = np.array([1.0, 1.0, wanted * np.sign(np.linalg.det(u @ vt))])
    turn: NDArray[np.float64] = (u * signs) @ vt
    return turn * ((s * signs).sum() / (x**2).sum()) if scaled else turn


def _decided(pairs: Landmarks, model: Model) -> None:
    """Refuse pairs that leave the model undecided."""
    fewest = fewest_for(model)
    if len(pairs) < fewest:
        raise AlignError(
            f"{len(pairs)} landmark pairs were given; the {model} model needs at least {fewest}"
        )
    for role, points in (("fixed", pairs.fixed), ("moving", pairs.moving)):
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if spread[0] < 1e-6:
            raise AlignError(f"the {role} landmarks all lie at one point: mark places far apart")
        if spread[1] < FLAT * spread[0]:
            raise AlignError(
                f"the {role} landmarks lie on one line, so a turn about it is undecided: "
                "mark at least one place beside it"
            )
        if model == "affine" and spread[2] < FLAT * spread[0]:
            raise AlignError(
                f"the {role} landmarks lie in one plane, so the affine model is undecided: "
                "mark a place outside it, or use the rigid model"
            )
