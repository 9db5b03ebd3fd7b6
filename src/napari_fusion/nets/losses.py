"""What training asks of a fused picture: the field's metrics in differentiable form, two-sided.

Every term judges how each source survives by itself; the geometric mean over the sources is near
zero when one is ignored. Pictures are (n, h, w) in [0, 1], sources (k, n, h, w).
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as nn

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "edges": 3.0,
        "edges_both": 3.0,
        "structure_both": 2.5,
        "saliency": 2.0,
        "information_both": 4.0,
        "features_both": 4.0,
        "visible_error": 0.2,
        "correlation": 0.5,
        "brightest": 2.0,
        "halo": 3.0,
    }
)
"""What one unit of every term costs."""

C1, C2 = 0.01**2, 0.03**2
TINY = 1e-6


def loss(parts: Tensor, sources: Tensor, weights: Mapping[str, float] = WEIGHTS) -> Tensor:
    """Give the loss of parts (k, n, h, w); a term without a weight costs nothing."""
    fused = parts.sum(0)
    values = terms(fused, sources)
    costs = (weights.get(name, 0.0) * value for name, value in values.items())
    return sum(costs, fused.new_zeros(()))


def terms(fused: Tensor, sources: Tensor) -> dict[str, Tensor]:
    """Give every term, 0 where the picture is as good as it can be."""
    edges, edges_both = _edges(fused, sources)
    structure, saliency = _structure(fused, sources)
    return {
        "edges": 1 - edges,
        "edges_both": 1 - edges_both,
        "structure_both": 1 - structure,
        "saliency": 1 - saliency,
        "information_both": 1 - _both(_information(fused, sources)),
        "features_both": 1 - _both(_features(fused, sources)),
        "visible_error": torch.log1p(_visible_error(fused, sources) / 50),
        "correlation": 1 - _correlation(fused, sources),
        "brightest": _brightest(fused, sources),
        "halo": _halo(fused, sources),
    }


def _both(sides: Tensor) -> Tensor:
    """Geometric mean over the sources of (k, n), then the mean."""
    return torch.exp(torch.log(sides.clamp(min=0) + 1e-3).mean(0)).mean()


def _edges(fused: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """Q^AB/F of Xydeas & Petrović: as it is, and as a geometric mean over the sources."""
    (fx, fy), (sx, sy) = _sobel(fused), _sobel(sources)
    f, s = torch.sqrt(fx**2 + fy**2 + TINY), torch.sqrt(sx**2 + sy**2 + TINY)
    ratio = torch.minimum(f, s) / torch.maximum(f, s)
    turned = torch.asin(((fx * sy - fy * sx).abs() / (f * s)).clamp(max=0.99)) * 2 / torch.pi
    kept = 0.9994 / (1 + torch.exp(-15 * (ratio - 0.5)))
    kept = kept * 0.9879 / (1 + torch.exp(-22 * (1 - turned - 0.8)))
    weight = (s - TINY**0.5).clamp(min=0)
    weighted, total = (weight * kept).sum((2, 3)), weight.sum((2, 3))
    overall = weighted.sum(0) / (total.sum(0) + TINY)
    return overall.mean(), _both((weighted + TINY) / (total + TINY))


def _structure(fused: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM on each source's foreground, geometric mean over sources; and Piella's Q_W."""
    mean_f, mean_s, var_f, var_s, both = _moments(fused, sources, lambda x: _box(x, 7))
    similar = (2 * mean_f * mean_s + C1) / (mean_f**2 + mean_s**2 + C1)
    similar = similar * (2 * both + C2) / (var_f + var_s + C2)
    seen = (sources > 0)[..., 3:-3, 3:-3].float()
    sides = (similar * seen).sum((2, 3)) / seen.sum((2, 3)).clamp(min=1)
    salient = var_s.amax(0)
    share = var_s / (var_s.sum(0) + 1e-8)
    weighted = (salient * (share * similar).sum(0)).sum((1, 2)) / (salient.sum((1, 2)) + 1e-8)
    return _both(sides), weighted.mean()


def _information(fused: Tensor, sources: Tensor) -> Tensor:
    """VIF of Sheikh & Bovik in pixels and four scales (k, n), in grey levels of 255."""
    fused, sources = fused * 255, sources * 255
    seen, there = 0.0, TINY
    for scale in range(1, 5):
        side = 2 ** (5 - scale) + 1
        taps = _gaussian(side, side / 5)
        if scale > 1:
            fused, sources = (_blur(x, taps)[..., ::2, ::2] for x in (fused, sources))
        _, _, var_f, var_s, both = _moments(fused, sources, partial(_blur, taps=taps))
        gain = (both / (var_s + 1e-2)).clamp(min=0)
        noise = (var_f - gain * both).clamp(min=0)
        seen = seen + torch.log1p(gain**2 * var_s / (noise + 2)).sum((2, 3))
        there = there + torch.log1p(var_s / 2).sum((2, 3))
    return torch.as_tensor(seen / there)


def _features(fused: Tensor, sources: Tensor) -> Tensor:
    """Correlation of horizontal gradients in 3 × 3 windows (k, n): a smooth stand-in for FMI."""
    df, ds = (x[..., 2:] - x[..., :-2] for x in (fused, sources))
    _, _, var_f, var_s, both = _moments(df, ds, lambda x: _box(x, 3))
    alike = both / torch.sqrt((var_f + TINY) * (var_s + TINY))
    seen = (sources > 0).any(0)[:, 1:-1, 2:-2].float()
    return (alike.clamp(-1, 1) * seen).sum((2, 3)) / seen.sum((1, 2)).clamp(min=1)


def _visible_error(fused: Tensor, sources: Tensor) -> Tensor:
    """Q_CV of Chen & Varshney, on the scale of a 256 × 256 slice."""
    h, w = fused.shape[-2:]
    rows, columns = torch.fft.fftfreq(h) * 64, torch.fft.rfftfreq(w) * 64
    radius = 0.144 * torch.hypot(rows[:, None], columns[None])
    response = 2.6 * (0.0192 + radius) * torch.exp(-(radius**1.1))
    error = torch.fft.irfft2(torch.fft.rfft2((sources - fused) * 255) * response, s=(h, w)) ** 2
    sx, sy = _sobel(sources)
    weight = torch.sqrt(sx**2 + sy**2) ** 5
    size = 16 if min(h, w) >= 16 else 1
    weight, error = (nn.avg_pool2d(x, size) for x in (weight, error))
    return ((weight * error).sum((0, 2, 3)) / (weight.sum((0, 2, 3)) + TINY)).mean()


def _correlation(fused: Tensor, sources: Tensor) -> Tensor:
    """Mean correlation with the sources."""
    f, s = (x - x.mean((-2, -1), keepdim=True) for x in (fused, sources))
    size = torch.sqrt((f**2).sum((-2, -1)) * (s**2).sum((-2, -1)) + TINY)
    return ((f * s).sum((-2, -1)) / size).mean()


def _brightest(fused: Tensor, sources: Tensor) -> Tensor:
    """Measure what is lost of structures that are nearly white in one source."""
    top = sources.amax(0)
    bright = (top - 0.75).clamp(min=0)
    return (bright * (top - fused).clamp(min=0)).sum() / (bright.sum() + 1.0)


def _halo(fused: Tensor, sources: Tensor) -> Tensor:
    """How far the picture leaves the range of its sources in a 5 × 5 neighbourhood."""
    highest = nn.max_pool2d(sources.amax(0), 5, stride=1, padding=2)
    lowest = -nn.max_pool2d(-sources.amin(0), 5, stride=1, padding=2)
    return ((fused - highest).clamp(min=0) + (lowest - fused).clamp(min=0)).mean() * 10


def _moments(
    fused: Tensor, sources: Tensor, window: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Give local means, variances and covariances; those of the sources are (k, n, h, w)."""
    mean_f, mean_s = window(fused), window(sources)
    var_f = (window(fused**2) - mean_f**2).clamp(min=0)
    var_s = (window(sources**2) - mean_s**2).clamp(min=0)
    return mean_f, mean_s, var_f, var_s, window(sources * fused) - mean_s * mean_f


def _box(x: Tensor, side: int) -> Tensor:
    return _blur(x, torch.full((side,), 1 / side))


def _blur(x: Tensor, taps: Tensor) -> Tensor:
    """Filter inside the picture; as a product of matrices, many times faster than convolving."""
    rows, columns = (_banded(n, taps) for n in x.shape[-2:])
    return rows @ x @ columns.mT


def _banded(length: int, taps: Tensor) -> Tensor:
    """Give the matrix (length - taps + 1, length) that filters a row."""
    matrix = torch.zeros(length - len(taps) + 1, length)
    for i, tap in enumerate(taps):
        matrix.diagonal(i).fill_(tap)
    return matrix


def _gaussian(side: int, sigma: float) -> Tensor:
    x = torch.arange(side) - side // 2
    taps = torch.exp(-(x**2) / (2 * sigma**2))
    return taps / taps.sum()


def _sobel(x: Tensor) -> tuple[Tensor, Tensor]:
    p = nn.pad(x.flatten(0, -3)[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    smooth, step = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:], p[:, 2:] - p[:, :-2]
    dx = smooth[..., 2:] - smooth[..., :-2]
    dy = step[..., :-2] + 2 * step[..., 1:-1] + step[..., 2:]
    return dx.unflatten(0, x.shape[:-2]), dy.unflatten(0, x.shape[:-2])
