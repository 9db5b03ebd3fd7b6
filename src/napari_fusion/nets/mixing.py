r"""How the network's word becomes weights: the same few lines for NumPy and for torch.

At every pyramid level a source j has an activity :math:`a_j` (how much it shows there), and from
the network a confidence :math:`c_j > 0` and a gain :math:`g_j` in [0, 1). Its weights are

.. math:: p_j = c_j (a_j + ε)^2 / \sum_i c_i (a_i + ε)^2, \quad w_j = p_j + (1 - p_j)\, g_j

:math:`p` mixes the base, :math:`w` the details. With equal confidence and no gain this is a soft
choose-the-strongest rule; the network corrects it, which ε, soft for details, leaves it free to
do. Equal sources have equal confidence and no gain, so each weighs 1/k and their fusion is that
source. Where a source is zero it has no confidence: there the others stay as they are.
"""

from typing import Any

Array = Any
"""A NumPy array or a torch tensor; axis 0 runs over the sources."""

FAINT = 0.002
"""ε of the base: half a grey level of 255."""

FINE = 0.01
"""ε of the details."""


def base_weights(confidence: Array, activity: Array) -> Array:
    """Give weights that sum to 1 over axis 0."""
    return _share(confidence, activity + FAINT)


def detail_weights(confidence: Array, gain: Array, activity: Array) -> Array:
    """Give weights in [0, 1] that sum to 1 or more over axis 0."""
    share = _share(confidence, activity + FINE)
    return share + (1 - share) * gain


def _share(confidence: Array, activity: Array) -> Array:
    score = confidence * activity * activity
    return score / score.sum(0)
