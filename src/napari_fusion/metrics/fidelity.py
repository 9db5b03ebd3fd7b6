"""Visual information fidelity: what a noisy eye could still tell of each source."""

import numpy as np

from napari_fusion.metrics.known import known_sum
from napari_fusion.metrics.registry import Picture, Pictures, metric
from napari_fusion.metrics.windows import gaussian, inside, moments

NOISE = 2.0
"""Variance of the eye's own noise, in squared grey levels of 255."""

TINY = 1e-10


@metric(
    "VIF (sum over sources)",
    "Sheikh & Bovik 2006, doi:10.1109/TIP.2005.859378, in pixels and four scales",
    range=(0, np.inf),
    gamed_by="contrast, copying one source",
    fast=True,
)
def vif(fused: Picture, sources: Pictures) -> float:
    """Add up the visual information fidelities of the fused picture to its sources.

    NaN for pictures under about 48 pixels, where the coarsest scale has no window, and when every
    source is flat.
    """
    return known_sum(_fidelity(source * 255, fused * 255) for source in sources)


def _fidelity(reference: Picture, picture: Picture) -> float:
    seen = there = 0.0
    for scale in range(1, 5):
        side = 2 ** (5 - scale) + 1
        taps = gaussian(side, side / 5)
        if min(reference.shape) < (2 * side - 1 if scale > 1 else side):
            return np.nan
        if scale > 1:
            reference = inside(reference, taps)[::2, ::2]
            picture = inside(picture, taps)[::2, ::2]
        m = moments(reference, picture, taps)
        source, copy = m.var_a.clip(0), m.var_b.clip(0)
        gain = m.both / (source + TINY)
        noise = copy - gain * m.both
        flat = source < TINY
        gain[flat], noise[flat], source[flat] = 0, copy[flat], 0
        lost = copy < TINY
        gain[lost], noise[lost] = 0, 0
        opposite = gain < 0
        gain[opposite], noise[opposite] = 0, copy[opposite]
        noise = noise.clip(TINY)
        seen += np.log10(1 + gain**2 * source / (noise + NOISE)).sum()
        there += np.log10(1 + source / NOISE).sum()
    return float(seen / there) if there > 0 else np.nan
