"""Feature mutual information for training: exact, on every fourth window, and smooth at its steps.

Haghighat & Razian 2014; `napari_fusion.metrics.feature` has the words. There a window equal to its
source's counts 1 whatever the formula gives; here a nearly equal one nearly does.
"""

import torch
from torch import Tensor
from torch.nn import functional as nn

STRIDE = 4
"""Windows taken along rows and columns: one of so many."""

NEAR = 0.6
"""Difference of gradients, in grey levels of 255 a pixel, at which a window is half equal."""

PLACE = torch.arange(1, 10, dtype=torch.float32)


def feature_information(fused: Tensor, sources: Tensor) -> Tensor:
    """Give the information (k, n) a picture shares with each source, where any has some."""
    there, made = (_windows(x[..., 2:] - x[..., :-2]) for x in (sources, fused))
    seen = (there != 0).any(0).any(-1)
    a, b = there[:, seen], made[seen].expand(len(sources), -1, -1)
    differ = (a - b).abs().amax(-1) * (255 / 2) / NEAR
    equal = 1 / (1 + differ**2)
    value = equal + (1 - equal) * _shared(_distribution(a), _distribution(b))
    slices = seen.nonzero()[:, 0]
    total = value.new_zeros(len(sources), len(seen)).index_add(1, slices, value)
    return total / seen.sum(-1).clamp(min=1)


def _windows(x: Tensor) -> Tensor:
    """Give every STRIDE-th 3 × 3 window of (..., h, w) as nine numbers, columns first."""
    windows = x.unfold(-2, 3, STRIDE).unfold(-2, 3, STRIDE).transpose(-1, -2)
    return windows.reshape(*x.shape[:-2], -1, 9)


def _distribution(windows: Tensor) -> Tensor:
    low, high = windows.amin(-1, keepdim=True), windows.amax(-1, keepdim=True)
    flat = high - low < 1e-7
    size = torch.where(flat, torch.ones_like(high), high - low)
    stretched = torch.where(flat, torch.ones_like(windows), (windows - low) / size)
    return stretched / stretched.sum(-1, keepdim=True)


def _shared(a: Tensor, b: Tensor) -> Tensor:
    """Give twice the mutual information of distributions (..., 9) over their entropies."""
    correlation = _correlation(a, b)[..., None, None]
    first, second = a.cumsum(-1)[..., :, None], b.cumsum(-1)[..., None, :]
    highest, lowest = torch.minimum(first, second), (first + second - 1).clamp(min=0)
    bound = torch.where(correlation >= 0, highest, lowest)
    reach = (bound - first * second).sum((-1, -2), keepdim=True)
    reach = torch.where(reach < 0, reach.clamp(max=-1e-3), reach.clamp(min=1e-3))
    mix = correlation * (_spread(a) * _spread(b))[..., None, None] / reach
    density = nn.pad(bound, (1, 0, 1, 0)).diff(dim=-1).diff(dim=-2)
    joint = mix * density + (1 - mix) * a[..., :, None] * b[..., None, :]
    entropies = _entropy(a) + _entropy(b)
    ratio = 2 * (entropies - _entropy(joint.flatten(-2))) / entropies.clamp(min=1e-3)
    return ratio.clamp(-0.5, 1)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b = (x - x.mean(-1, keepdim=True) for x in (a, b))
    return (a * b).sum(-1) / torch.sqrt((a**2).sum(-1) * (b**2).sum(-1) + 1e-14)


def _spread(a: Tensor) -> Tensor:
    return torch.sqrt((a @ PLACE**2 - (a @ PLACE) ** 2).clamp(min=1e-6))


def _entropy(a: Tensor) -> Tensor:
    return -(a * torch.log2(a.abs() + 1e-12)).sum(-1)
