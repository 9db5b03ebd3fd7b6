"""The Laplacian pyramid of training, differentiable and equal to OpenCV's."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as nn

from napari_fusion.nets.mixing import base_weights, detail_weights
from napari_fusion.nets.model import SHARES, Decision, FusionNet
from napari_fusion.nets.prior import prior

TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def split(planes: Tensor, levels: int) -> list[Tensor]:
    """Cut planes (m, h, w) into details, finest first, and the base."""
    bands = []
    for _ in range(levels):
        base = _reduce(planes)
        bands.append(planes - _expand(base, planes))
        planes = base
    return [*bands, planes]


def merge(bands: list[Tensor]) -> Tensor:
    """Put planes together again from the bands of `split`."""
    plane = bands[-1]
    for detail in reversed(bands[:-1]):
        plane = _expand(plane, detail) + detail
    return plane


def fuse(sources: Tensor, standard: Tensor, decision: Decision, levels: int) -> Tensor:
    """Mix sources (k, n, h, w) as decided: the parts (k, n, h, w), not clipped.

    `standard` (k, n) is what the prior divides each source's activity by.
    """
    k, n = sources.shape[:2]
    bands = [b.unflatten(0, (k, n)) for b in split(sources.flatten(0, 1), levels)]
    mixed = []
    for level, band in enumerate(bands[:-1]):
        share = at_level(decision.share[:, :, min(level, SHARES - 1)], level, band)
        gain = at_level(decision.gain[:, :, min(level, 1)], level, band)
        energy = _activity(band) / standard[:, :, None, None]
        mixed.append(band * detail_weights(share, gain, energy))
    base = bands[-1]
    share, lift, gain = (at_level(m[:, :, -1], levels, base) for m in decision)
    mixed.append(base * base_weights(share, lift, gain, base.clamp(min=0)))
    parts = merge([band.flatten(0, 1) for band in mixed]).unflatten(0, (k, n))
    return parts * (sources > 0).any(0)


def votes(sources: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Ask the prior: votes (k, n, VOTES, h/2, w/2) and standards (k, n) of sources (k, n, h, w)."""
    found = [prior(sources[:, i].numpy(), levels) for i in range(sources.shape[1])]
    stacked = np.stack([votes for votes, _ in found], axis=1)
    standard = np.stack([scales.standard for _, scales in found], axis=1)
    return torch.from_numpy(stacked), torch.from_numpy(standard)


def fused(net: FusionNet, sources: Tensor) -> Tensor:
    """Give the parts (k, n, h, w) a network makes of sources (k, n, h, w); h and w even."""
    seen, standard = votes(sources, net.config.levels)
    return fuse(sources, standard, net(sources, seen), net.config.levels)


def at_level(maps: Tensor, level: int, like: Tensor) -> Tensor:
    """Bring maps (k, n, h/2, w/2) of half resolution to the size of a pyramid level."""
    if level == 0:
        grown = nn.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
        return grown[..., : like.shape[-2], : like.shape[-1]]
    planes = maps.flatten(0, 1)
    for _ in range(level - 1):
        planes = _reduce(planes)
    return planes.unflatten(0, maps.shape[:2])


def _activity(band: Tensor) -> Tensor:
    padded = nn.pad(band.abs(), (1, 1, 1, 1), mode="reflect")
    return nn.avg_pool2d(padded, 3, stride=1)


def _reduce(planes: Tensor) -> Tensor:
    taps = torch.tensor(TAPS, dtype=planes.dtype)
    x = nn.pad(planes[:, None], (2, 2, 2, 2), mode="reflect")
    x = nn.conv2d(x, taps.view(1, 1, 1, 5), stride=(1, 2))
    return nn.conv2d(x, taps.view(1, 1, 5, 1), stride=(2, 1))[:, 0]


def _expand(planes: Tensor, like: Tensor) -> Tensor:
    x = _grow(_grow(planes, like.shape[-1]).mT, like.shape[-2])
    return x.mT


def _grow(planes: Tensor, length: int) -> Tensor:
    """Interpolate the last axis: even samples (1 6 1)/8, odd ones the mean of two."""
    before = torch.cat([planes[..., 1:2], planes[..., :-1]], -1)
    after = torch.cat([planes[..., 1:], planes[..., -1:]], -1)
    even = (before + 6 * planes + after) / 8
    odd = (planes + after) / 2
    return torch.stack([even, odd], -1).flatten(-2)[..., :length]
