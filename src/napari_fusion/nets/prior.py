r"""What a classic rule would decide, before the network says anything.

Every source votes with its saliency, the detail of all scales around a pixel, divided by its own
standard so that a faint source is not drowned by a crisp one, and with its brightness. The votes
are all the network needs of a whole slice: they are made once per slice, so that tiles of it see
the same numbers. The network corrects them; with nothing to correct, they are a balanced fusion
rule of their own.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fusion.pyramid import (
    BALANCE,
    DARK,
    FADE,
    FAINT,
    QUIET,
    Plane,
    Planes,
    bands_of,
    blurred,
    expand,
    filtered,
    gaussian,
    reduce,
)

VOTES = 5
"""Numbers a source votes with at every pixel."""


class Scales(NamedTuple):
    """The sources of one slice by scale, as the votes were made of them.

    Parameters
    ----------
    bands
        Details (k, h, w), finest first, and the base, as `pyramid.split` gives them.
    energies
        (k, h, w) of every detail: its `activity`.
    standard
        (k,) float32: what saliency is divided by.
    """

    bands: list[Planes]
    energies: list[Planes]
    standard: NDArray[np.float32]


def prior(planes: Planes, levels: int) -> tuple[NDArray[np.float32], Scales]:
    """Let sources (k, h, w) in [0, 1] vote, by `levels` detail bands.

    Returns
    -------
    votes
        (k, VOTES, h/2, w/2) float32, logarithms. By the source's own standard: saliency, the same
        before it is smoothed, the energy of the finest and of the next details; then brightness.
        Odd sizes are rounded up.
    scales
        The sources by scale.
    """
    k, h, w = planes.shape
    votes = np.empty((k, VOTES, (h + 1) // 2, (w + 1) // 2), np.float32)
    pyramid = gaussian(planes, levels)
    halves = pyramid[1] if len(pyramid) > 1 else reduce(planes)
    bands = bands_of(pyramid)
    energies = [activity(detail) for detail in bands[:-1]]
    standards = [
        _vote(half, [energy[i] for energy in energies], votes[i]) for i, half in enumerate(halves)
    ]
    return votes, Scales(bands, energies, np.array(standards, np.float32))


def _vote(half: Plane, energies: list[Plane], votes: NDArray[np.float32]) -> np.float32:
    """Write the votes of one source (VOTES, h/2, w/2), and give its standard.

    `half` is the source at half resolution.
    """
    finest, finer, total = _summed(energies, half)
    saliency = blurred(total, 3)
    standard: np.float32 = (saliency.mean() + QUIET) ** np.float32(BALANCE)
    for vote, energy in zip(votes, (saliency, total, finest, finer), strict=False):
        np.divide(energy, standard, out=vote)
        vote += FAINT
    np.maximum(blurred(half, 4), 0, out=votes[-1])
    votes[-1] += DARK
    np.log(votes, out=votes)
    return standard


def _summed(energies: list[Plane], half: Plane) -> tuple[Plane, Plane, Plane]:
    """Give the energy of the two finest bands and of all, at half resolution.

    All: the magnitudes of every detail added up, coarse ones a little less.
    """
    nothing = np.zeros_like(half)
    finest = reduce(energies[0]) if energies else nothing
    coarser = energies[1:] or [nothing]
    total = coarser[-1]
    for energy in reversed(coarser[:-1]):
        total = FADE * expand(total, energy) + energy
    return finest, coarser[0], finest + FADE * total


def activity(bands: Planes) -> Planes:
    """Average the magnitude of bands (..., h, w) over 3 × 3."""
    import cv2

    return filtered(np.abs(bands), partial(cv2.blur, ksize=(3, 3)), bands.shape[-2:])
