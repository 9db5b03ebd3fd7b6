"""Metrics of information theory: grey levels shared between the fused picture and its sources."""

import numpy as np
from numpy.typing import NDArray

from napari_fusion.metrics.registry import Picture, Pictures, metric

LEVELS = 256
"""Grey levels that a picture in [0, 1] is rounded to before counting."""


@metric(
    "Mutual information (nats)",
    "Qu, Zhang & Yan 2002, doi:10.1049/el:20020212",
    range=(0, np.inf),
    gamed_by="copying one source",
    fast=True,
)
def mutual_information(fused: Picture, sources: Pictures) -> float:
    r"""Add up what the fused grey levels tell about those of each source, in nats.

    :math:`\sum_k I(F; S_k)` over 256 grey levels; divide by ln 2 for bits.
    """
    return sum(_shared(grey(fused), grey(source)) for source in sources)


def grey(picture: Picture) -> NDArray[np.intp]:
    """Round a picture in [0, 1] to grey levels 0 to 255."""
    levels: NDArray[np.intp] = np.rint(np.clip(picture, 0, 1) * (LEVELS - 1)).astype(np.intp)
    return levels


def uncertainty(counts: NDArray[np.intp]) -> float:
    """Give the entropy of a histogram, in nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _shared(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    joint = np.bincount((a * LEVELS + b).ravel(), minlength=LEVELS**2).reshape(LEVELS, LEVELS)
    return (
        uncertainty(joint.sum(axis=0)) + uncertainty(joint.sum(axis=1)) - uncertainty(joint.ravel())
    )
