"""Contrast as the eye sees it, for training: Q_CB of Chen & Blum 2009 without its stretching."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as nn

from napari_fusion.metrics.vision import SENSITIVITY
from napari_fusion.nets.windows import blur

FAINT = 0.5
"""Least local mean that a contrast is taken against, in grey levels; keeps gradients finite."""


def seen_contrast(fused: Tensor, sources: Tensor) -> Tensor:
    """Give how well local contrast survives, weighted by that contrast; 1 is best."""
    seen = _contrast(torch.cat([fused[None], sources]) * 255)
    kept, there = seen[:1], seen[1:]
    ratio = torch.minimum(there, kept) / (torch.maximum(there, kept) + 1e-3)
    power = there**2
    return (power / (power.sum(0) + 1e-6) * ratio).sum(0).mean()


def _contrast(pictures: Tensor) -> Tensor:
    h, w = pictures.shape[-2:]
    spectrum = torch.fft.rfft2(pictures) * _sensitivity(h, w)
    seen = nn.pad(torch.fft.irfft2(spectrum, s=(h, w)), (15, 15, 15, 15))
    near, far = (blur(seen, _taps(sigma)) for sigma in (2.0, 4.0))
    sign = torch.where(far < 0, -1.0, 1.0)
    local = ((near / (sign * far.abs().clamp(min=FAINT))).clamp(-3, 5) - 1).abs()
    return local**3 / (local**2 + 1e-4)


@cache
def _sensitivity(h: int, w: int) -> Tensor:
    """Differ two Gaussians of the frequency, on the scale of a 256 × 256 slice."""
    rows, columns = torch.fft.fftfreq(h), torch.fft.rfftfreq(w)
    radius = torch.hypot(rows[:, None], columns[None]) * 2 * 256 / 30
    wide, loss, narrow = SENSITIVITY
    return torch.exp(-((radius / wide) ** 2)) - loss * torch.exp(-((radius / narrow) ** 2))


def _taps(sigma: float) -> Tensor:
    x = torch.arange(-15, 16)
    return torch.exp(-(x**2) / (2 * sigma**2)) / (sigma * (2 * torch.pi) ** 0.5)
