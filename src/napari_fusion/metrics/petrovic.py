"""What is lost of the sources' edges, and what edges are added that no source has."""

import numpy as np

from napari_fusion.metrics.gradient import Floats, sigmoid
from napari_fusion.metrics.registry import Picture, Pictures, metric


@metric(
    "N^AB/F (artefacts)",
    "Petrović 2005; Shreyamsha Kumar 2013, doi:10.1007/s11760-012-0361-x",
    range=(0, 1),
    direction="lower",
    gamed_by="the plain average",
    fast=True,
)
def n_abf(fused: Picture, sources: Pictures) -> float:
    """Measure fused edges that are stronger than in every source; lower is better."""
    return _petrovic(fused, sources)[1]


@metric(
    "L^AB/F (loss)",
    "Petrović 2005, doi:10.1109/ICIF.2005.1591947",
    range=(0, 1),
    direction="lower",
    gamed_by="contrast",
    fast=True,
)
def l_abf(fused: Picture, sources: Pictures) -> float:
    """Measure edges of the sources that arrive weaker or turned; lower is better."""
    return _petrovic(fused, sources)[0]


def _petrovic(fused: Picture, sources: Pictures) -> tuple[float, float]:
    """Give loss and artefacts; edges under 2 grey levels hardly weigh."""
    dx, dy = _eighth_sobel(sources * 255)
    fx, fy = _eighth_sobel(fused[None] * 255)
    strength, seen = np.hypot(dx, dy), np.hypot(fx, fy)
    both = (strength > 0) & (seen > 0)
    ratio = np.divide(
        np.minimum(strength, seen),
        np.maximum(strength, seen),
        out=np.zeros_like(strength),
        where=both,
    )
    turn = np.abs(np.abs(_slope(dx, dy) - _slope(fx, fy)) - np.pi / 2) * 2 / np.pi
    kept = np.sqrt(sigmoid(ratio, (0.9999, -19.0, 0.5)) * sigmoid(turn, (0.9995, -22.0, 0.5)))
    weight = np.where(strength >= 2, strength**1.5, 0.001)
    missing = ((1 - kept) * weight).sum(axis=0) / weight.sum()
    added = (seen > strength).all(axis=0)
    return float(missing[~added].sum()), float(missing[added].sum())


def _eighth_sobel(pictures: Pictures) -> tuple[Floats, Floats]:
    """Give Sobel derivatives over 8 along columns and rows; the picture repeats at its border."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    across = padded[:, :, 2:] - padded[:, :, :-2]
    down = padded[:, 2:] - padded[:, :-2]
    dx = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]
    dy = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
    return dx / 8, dy / 8


def _slope(dx: Floats, dy: Floats) -> Floats:
    level = np.where(dx == 0, 0.0, np.copysign(np.inf, dx))
    angle: Floats = np.arctan(np.divide(dx, dy, out=level, where=dy != 0))
    return angle
