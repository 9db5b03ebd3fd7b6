"""The Laplacian pyramid of training, differentiable and equal to OpenCV's."""

import torch
from torch import Tensor
from torch.nn import functional as nn

from napari_fusion.nets.mixing import base_weights, detail_weights

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


def fuse(sources: Tensor, confidence: Tensor, gain: Tensor) -> Tensor:
    """Mix sources (k, n, h, w) as the network's maps ask: the parts (k, n, h, w), not clipped."""
    k, n = sources.shape[:2]
    levels = gain.shape[2]
    bands = [b.unflatten(0, (k, n)) for b in split(sources.flatten(0, 1), levels)]
    mixed = []
    for level, band in enumerate(bands[:-1]):
        c, g = (at_level(m[:, :, level], level, band) for m in (confidence, gain))
        mixed.append(band * detail_weights(c, g, _activity(band)))
    c = at_level(confidence[:, :, levels], levels, bands[-1])
    mixed.append(bands[-1] * base_weights(c, bands[-1].clamp(min=0)))
    parts = merge([band.flatten(0, 1) for band in mixed]).unflatten(0, (k, n))
    return parts * (sources > 0).any(0)


def at_level(maps: Tensor, level: int, like: Tensor) -> Tensor:
    """Bring maps (k, n, h/2, w/2) of half resolution to the size of a pyramid level."""
    if level == 0:
        grown = nn.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
        return grown[..., : like.shape[-2], : like.shape[-1]]
    for _ in range(level - 1):
        maps = nn.avg_pool2d(maps, 2, ceil_mode=True)
    return maps


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
