r"""How decisions become weights: the same few lines for NumPy and for torch.

At every pyramid level the network gives each source a share :math:`P_j`, :math:`\sum_j P_j = 1`.
With the activity :math:`a_j` of a detail and the source's standard :math:`s_j` its weights are

.. math:: v_j \propto P_j\, (a_j / s_j + ε), \quad w_j = v_j + (1 - v_j)\, g_j

so that small structure gets through the decision, and a gain :math:`g_j` in [0, 1) lets both
sources speak where they do not contradict each other. The base is weighted half by its share, half
by brightness with a lift :math:`b_j` from the network, so that bone stays bright:
:math:`v_j = (P_j + Q_j) / 2`, :math:`Q_j \propto b_j (B_j + d)^{10}`. Its gain fills a part of what
is left to white, :math:`1 - \sum_j v_j B_j`, and never more, however many sources are bright: they
do not drown each other. Equal sources have equal shares and no gain: each weighs 1/k, and their
fusion is that source.
"""

from typing import Any

from napari_fusion.pyramid import DARK, FAINT

Array = Any
"""A NumPy array or a torch tensor; axis 0 runs over the sources."""


def detail_weights(share: Array, gain: Array, energy: Array) -> Array:
    """Give weights in [0, 1] that sum to 1 or more over axis 0; energy is activity / standard."""
    votes = share * (energy + float(FAINT))
    return _added(votes / votes.sum(0), gain)


def base_weights(share: Array, lift: Array, gain: Array, base: Array) -> Array:
    """Give weights in [0, 1] that sum to 1 or more over axis 0; base and its mix are in [0, 1]."""
    lit = lift * (base + float(DARK)) ** 10
    weights = (share + lit / lit.sum(0)) / 2
    mixed, held_back = (weights * base).sum(0), ((1 - weights) * base).sum(0)
    return _added(weights, gain * (1 - mixed) / held_back.clip(min=1))


def _added(weights: Array, gain: Array) -> Array:
    return weights + (1 - weights) * gain
