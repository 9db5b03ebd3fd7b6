"""Our own classic method: one balanced decision, blended at every scale."""

from functools import partial
from typing import Annotated

import numpy as np

from napari_fusion.fusion.pyramid import Levels
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import (
    Planes,
    divided,
    each_slice,
    in_strips,
    proportional,
    smooth,
)
from napari_fusion.pyramid import (
    BALANCE,
    DARK,
    FADE,
    FAINT,
    QUIET,
    Plane,
    blurred,
    expand,
    merge,
    reduce,
    split,
)
from napari_fusion.slab import Stack

ASIDE = np.float32(0.3)
"""How much of a losing detail gets through where it neither repeats nor contradicts the winner."""

LIT = np.float32(0.7)
"""How much of the base goes by brightness; the rest follows the decision."""


@method("auto", title="Automatic", cite="This project; blending of Burt & Adelson 1983")
def auto(
    sources: Stack,
    *,
    levels: Levels = 4,
    balance: Annotated[float, {"min": 0, "max": 1}] = BALANCE,
) -> Stack:
    r"""Decide once who speaks where, each source by its own standard, and blend at every scale.

    With the saliency :math:`S_j` of a pixel, the detail of all scales around it, its mean over the
    slice :math:`\bar S_j` and the local brightness :math:`B_j`, the decision is
    :math:`W_j \propto (S_j / \bar S_j^{\,\beta})^6\, B_j^3`. Dividing by a source's own mean keeps
    a faint source (SPECT over MR) from being drowned by a crisp one. One map for all scales leaves
    no contradictions between them, and its Gaussian pyramid blends without seams; the energy
    :math:`E_j^l` around each detail lets small structure, a lesion, through:
    :math:`p_j = \sum_l \uparrow^l (V_j^l D_j^l) + \uparrow^L (U_j B_j^L)`,
    :math:`V_j^l \propto W_j^l E_j^l / \bar S_j^{\,\beta}`. Above the finest scale details that the
    match measure :math:`M` finds unrelated get past each other, no louder than the winner,
    :math:`V_j \leftarrow V_j + 0.3\,(1 - V_j)(1 - |M|) \min(1, \sum_i V_i E_i / E_j)`: equal ones
    do not, so nothing is counted twice. The base weights :math:`U` are 0.3 :math:`W^L`, the rest by
    brightness, so that bone stays bright.

    Parameters
    ----------
    levels
        Number of detail bands over which sources are blended.
    balance
        From 0, where the most salient source wins, to 1, where each counts by its own standard.
    """
    return each_slice(_auto, sources, levels, balance)


def _auto(planes: Planes, levels: int, balance: float) -> Planes:
    if max(planes.shape[1:]) <= 1:
        return planes * _bright(planes)
    *details, low = split(planes, levels)
    energies = [smooth(np.abs(detail), 1) for detail in details]
    saliency = _saliency(energies)
    standard = (saliency.mean(axis=(1, 2), keepdims=True) + QUIET) ** np.float32(balance)
    saliency /= standard
    weights = in_strips(_decision, planes, saliency, margin=9)
    del saliency
    aside = np.float32(0)  # at the finest scale nothing that loses gets through
    parts = []
    while details:
        voiced = partial(_voiced, standard, aside)
        parts.append(in_strips(voiced, details.pop(0), energies.pop(0), weights, margin=2))
        weights, aside = reduce(weights), ASIDE
    low *= (1 - LIT) * weights + LIT * _bright(low)
    return merge([*parts, low])


def _voiced(
    standard: Planes, aside: np.float32, bands: Planes, energy: Planes, weights: Planes
) -> Planes:
    """Weigh details (k, h, w) by the decision and by the energy around them.

    Of what loses, `aside` gets through, where it is unrelated to the winner and not louder.
    """
    voices = proportional(weights * (energy / standard + FAINT))
    if aside > 0:
        heard = np.einsum("kij,kij->ij", voices, energy)
        softly = np.minimum(1, heard / np.maximum(energy, FAINT))
        voices += (1 - voices) * softly * (aside * _unrelated(bands))
    voices *= bands
    return voices


def _unrelated(bands: Planes) -> Plane:
    r"""Say how far details neither repeat (0) nor contradict (0) each other, in 5 × 5 pixels.

    One less the size of the match measure of Burt & Kolczynski 1993,
    :math:`2 \sum ab / \sum (a^2 + b^2)`.
    """
    own = smooth(np.einsum("kij,kij->ij", bands, bands), 2)
    both = smooth(bands.sum(axis=0) ** 2, 2)
    match = divided(both - own, (len(bands) - 1) * own, otherwise=1)
    unrelated: Plane = np.clip(1 - np.abs(match), 0, 1)
    return unrelated


def _decision(planes: Planes, saliency: Planes) -> Planes:
    """Give every source's weight (k, h, w) at the finest scale."""
    votes = (saliency + FAINT) ** 2
    votes *= blurred(planes, 9) + DARK
    return proportional(votes * votes * votes)


def _saliency(energies: list[Planes]) -> Planes:
    """Add up the energies of all details around each pixel, coarse ones a little less."""
    total = energies[-1]
    for energy in reversed(energies[:-1]):
        total = expand(total, energy)
        total *= FADE
        total += energy
    return blurred(total, 6)


def _bright(bases: Planes) -> Planes:
    """Share in proportion to the tenth power of brightness: nearly the maximum, without seams."""
    lit = np.maximum(bases, 0) + DARK
    return proportional(lit**10)
