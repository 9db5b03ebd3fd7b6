r"""How the network's word becomes weights: the same few lines for NumPy and for torch.

At every pyramid level a source j has an activity :math:`a_j` (how much it shows there), and from
the network a confidence :math:`c_j > 0` and a gain :math:`g_j` in [0, 1). Its weights are

.. math:: p_j = c_j (a_j + ε)^q / \sum_i c_i (a_i + ε)^q, \quad w_j = p_j + (1 - p_j)\, g_j

:math:`p` mixes the base, :math:`w` the details. With :math:`c` = 1 and :math:`g` = 0 this is a
soft choose-the-strongest rule; the network corrects it. Equal sources have equal confidence and
no gain, so each weighs 1/k and their fusion is that source. A source that is zero nearby weighs
next to nothing there, so one that fades out dims nobody.
"""

from typing import Any

Array = Any
"""A NumPy array or a torch tensor; axis 0 runs over the sources."""

FAINT = 0.002
"""ε: half a grey level of 255."""


def base_weights(confidence: Array, activity: Array) -> Array:
    """Give weights that sum to 1 over axis 0; the exponent is 2."""
    return _share(confidence * _square(activity + FAINT))


def detail_weights(confidence: Array, gain: Array, activity: Array) -> Array:
    """Give weights in (0, 1] that sum to 1 or more over axis 0; the exponent is 4."""
    share = _share(confidence * _square(_square(activity + FAINT)))
    return share + (1 - share) * gain


def _square(values: Array) -> Array:
    return values * values


def _share(score: Array) -> Array:
    return score / score.sum(0)
