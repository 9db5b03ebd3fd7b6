"""Metrics of information theory: grey levels shared between the fused picture and its sources."""

import numpy as np
from numpy.typing import NDArray

from napari_fusion.metrics.known import known_sum
from napari_fusion.metrics.registry import Picture, Pictures, metric

LEVELS = 256
"""Grey levels that a picture in [0, 1] is rounded to before counting."""

Levels = NDArray[np.intp]


@metric(
    "Entropy (bits)",
    "Roberts, van Aardt & Ahmed 2008, doi:10.1117/1.2945910",
    range=(0, 8),
    direction="neither",
    gamed_by="noise, contrast",
    fast=True,
)
def entropy(fused: Picture, sources: Pictures) -> float:
    """Count the information in the fused grey levels alone, in bits."""
    return uncertainty(np.bincount(grey(fused).ravel())) / float(np.log(2))


@metric(
    "Mutual information (nats)",
    "Qu, Zhang & Yan 2002, doi:10.1049/el:20020212",
    range=(0, np.inf),
    gamed_by="copying one source, the plain average, contrast",
    fast=True,
)
def mutual_information(fused: Picture, sources: Pictures) -> float:
    r"""Add up what the fused grey levels tell about those of each source, in nats.

    :math:`\sum_k I(F; S_k)` over 256 grey levels; divide by ln 2 for bits.
    """
    return sum(_shared(grey(fused), grey(source))[0] for source in sources)


@metric(
    "Normalised mutual information",
    "Hossny, Nahavandi & Creighton 2008, doi:10.1049/el:20081754",
    range=(0, np.inf),
    gamed_by="copying one source, the plain average, contrast",
    fast=True,
)
def q_mi(fused: Picture, sources: Pictures) -> float:
    r"""Add up mutual informations, each over the mean entropy of its two pictures.

    :math:`\sum_k 2 I(F; S_k) / (H(F) + H(S_k))`; NaN when all pictures are flat.
    """
    pairs = (_shared(grey(fused), grey(source)) for source in sources)
    return known_sum(2 * shared / total if total > 0 else np.nan for shared, total in pairs)


def grey(picture: Picture) -> Levels:
    """Round a picture in [0, 1] to grey levels 0 to 255."""
    levels: Levels = np.rint(np.clip(picture, 0, 1) * (LEVELS - 1)).astype(np.intp)
    return levels


def uncertainty(counts: Levels) -> float:
    """Give the entropy of a histogram, in nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _shared(a: Levels, b: Levels) -> tuple[float, float]:
    """Give the mutual information and the sum of the entropies, in nats."""
    joint = np.bincount((a * LEVELS + b).ravel(), minlength=LEVELS**2).reshape(LEVELS, LEVELS)
    total = uncertainty(joint.sum(axis=0)) + uncertainty(joint.sum(axis=1))
    return max(total - uncertainty(joint.ravel()), 0.0), total
