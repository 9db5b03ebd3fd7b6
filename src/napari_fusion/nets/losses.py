"""What training asks of a fused picture: the field's metrics in differentiable form, two-sided.

Every term judges how each source survives by itself; the geometric mean over the sources is near
zero when one is ignored. Pictures are (n, h, w) in [0, 1], sources (k, n, h, w).
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as nn

from napari_fusion.metrics.gradient import ANGLE, STRENGTH
from napari_fusion.metrics.structure import C1, C2, SCALES
from napari_fusion.nets.features import feature_information
from napari_fusion.nets.seeing import seen_contrast
from napari_fusion.nets.windows import blur as _blur
from napari_fusion.nets.windows import gaussian as _gaussian

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "edges": 35.0,
        "edges_both": 20.0,
        "information": 3.0,
        "information_both": 8.0,
        "structure": 14.0,
        "structure_both": 18.0,
        "features": 10.0,
        "features_both": 16.0,
        "saliency": 45.0,
        "visible_error": 15.0,
        "scales": 22.0,
        "differences": 3.0,
        "correlation": 22.0,
        "contrast": 10.0,
        "brightest": 32.0,
        "alone": 50.0,
        "halo": 3.0,
    }
)
"""What one unit of every term costs, so that networks rank well on slices kept for choosing."""

TINY = 1e-6

CROP_SCALES = SCALES[:-1]
"""Exponents of MS-SSIM, finest first; the fifth needs larger pictures than a crop."""


def loss(parts: Tensor, sources: Tensor, weights: Mapping[str, float] = WEIGHTS) -> Tensor:
    """Give the loss of parts (k, n, h, w); a term without a weight costs nothing."""
    fused = parts.sum(0)
    values = terms(fused, sources)
    costs = (weights.get(name, 0.0) * value for name, value in values.items())
    return sum(costs, fused.new_zeros(()))


def terms(fused: Tensor, sources: Tensor) -> dict[str, Tensor]:
    """Give every term, 0 where the picture is as good as it can be."""
    edges, edges_both = _edges(fused, sources)
    structure, saliency = _structure(fused, sources), _saliency(fused, sources)
    information, features = _information(fused, sources), feature_information(fused, sources)
    return {
        "edges": 1 - edges,
        "edges_both": 1 - edges_both,
        "information": 1 - information.mean(),
        "information_both": 1 - _both(information),
        "structure": 1 - structure.mean(),
        "structure_both": 1 - _both(structure),
        "features": 1 - features.mean(),
        "features_both": 1 - _both(features),
        "saliency": 1 - saliency,
        "visible_error": torch.log1p(_visible_error(fused, sources) / 50),
        "scales": 1 - _scales(fused, sources),
        "differences": 2 - _differences(fused, sources),
        "correlation": 1 - _correlated(fused, sources).mean(),
        "contrast": 1 - seen_contrast(fused, sources),
        "brightest": _brightest(fused, sources),
        "alone": _alone(fused, sources),
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
    kept = _sigmoid(ratio, *STRENGTH) * _sigmoid(1 - turned, *ANGLE)
    weight = (s - TINY**0.5).clamp(min=0)
    weighted, total = (weight * kept).sum((2, 3)), weight.sum((2, 3))
    overall = weighted.sum(0) / (total.sum(0) + TINY)
    return overall.mean(), _both((weighted + TINY) / (total + TINY))


def _sigmoid(x: Tensor, gain: float, slope: float, half: float) -> Tensor:
    return gain / (1 + torch.exp(slope * (x - half)))


def _structure(fused: Tensor, sources: Tensor) -> Tensor:
    """SSIM to each source (k, n) where any shows something."""
    moments = _moments(fused, sources, lambda x: _box(x, 7))
    similar = _luminance(moments) * _contrast(moments)
    seen = (sources > 0).any(0)[..., 3:-3, 3:-3].float()
    return (similar * seen).sum((2, 3)) / seen.sum((1, 2)).clamp(min=1)


def _saliency(fused: Tensor, sources: Tensor) -> Tensor:
    """Q_W of Piella & Heijmans."""
    moments = _moments(fused, sources, partial(_blur, taps=_gaussian(11, 1.5)))
    similar = _luminance(moments) * _contrast(moments)
    salient = moments.var_s.amax(0)
    share = moments.var_s / (moments.var_s.sum(0) + 1e-8)
    weighted = (salient * (share * similar).sum(0)).sum((1, 2)) / (salient.sum((1, 2)) + 1e-8)
    return weighted.mean()


def _scales(fused: Tensor, sources: Tensor) -> Tensor:
    """MS-SSIM of Wang et al. on the scales that a crop has room for."""
    product = fused.new_ones(())
    for exponent in CROP_SCALES:
        if min(fused.shape[-2:]) < 12:
            break
        moments = _moments(fused, sources, partial(_blur, taps=_gaussian(11, 1.5)))
        product = product * _contrast(moments).mean((2, 3)).clamp(min=1e-3) ** exponent
        fused, sources = _halved(fused), _halved(sources)
    return product.mean()


def _information(fused: Tensor, sources: Tensor) -> Tensor:
    """VIF of Sheikh & Bovik in pixels and four scales (k, n), in grey levels of 255."""
    fused, sources = fused * 255, sources * 255
    seen, there = 0.0, TINY
    for scale in range(1, 5):
        side = 2 ** (5 - scale) + 1
        taps = _gaussian(side, side / 5)
        if scale > 1:
            fused, sources = (_blur(x, taps)[..., ::2, ::2] for x in (fused, sources))
        m = _moments(fused, sources, partial(_blur, taps=taps))
        gain = (m.both / (m.var_s + 1e-2)).clamp(min=0)
        noise = (m.var_f - gain * m.both).clamp(min=0)
        seen = seen + torch.log1p(gain**2 * m.var_s / (noise + 2)).sum((2, 3))
        there = there + torch.log1p(m.var_s / 2).sum((2, 3))
    return torch.as_tensor(seen / there)


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


def _differences(fused: Tensor, sources: Tensor) -> Tensor:
    """SCD of Aslantas & Bendes."""
    others = sources.sum(0) - sources
    return _correlated(fused - others, sources).sum(0).mean()


def _correlated(first: Tensor, second: Tensor) -> Tensor:
    """Correlate pictures that broadcast, each over its own pixels."""
    a, b = (x - x.mean((-2, -1), keepdim=True) for x in (first, second))
    size = torch.sqrt((a**2).sum((-2, -1)) * (b**2).sum((-2, -1)) + TINY)
    return (a * b).sum((-2, -1)) / size


def _brightest(fused: Tensor, sources: Tensor) -> Tensor:
    """Measure what is lost of structures that are nearly white in one source."""
    top = sources.amax(0)
    bright = (top - 0.75).clamp(min=0)
    return (bright * (top - fused).clamp(min=0)).sum() / (bright.sum() + 1.0)


def _alone(fused: Tensor, sources: Tensor) -> Tensor:
    """Measure what is lost of the contrast that one source shows alone, as of a small lesion.

    Contrast is to the surroundings, on the scale of 5 to 15 pixels, bright or dark.
    """
    stands, said = _stands_out(sources), _stands_out(fused)
    size = stands.abs()
    top = size.amax(0)
    alone = (2 * top - size.sum(0)).clamp(min=0)  # with two sources: what the other lacks
    own = torch.where(size == top, stands.sign(), 0).sum(0).sign()
    lost = (top - own * said).clamp(min=0)
    return (alone * lost).sum() / ((alone * top).sum() + TINY)


def _stands_out(planes: Tensor) -> Tensor:
    """Give a blob's difference to its surroundings, at half resolution."""
    half = _halved(planes)
    small, large = _blur(half, _gaussian(7, 1.2)), _blur(half, _gaussian(13, 3.5))
    return small[..., 3:-3, 3:-3] - large


def _halo(fused: Tensor, sources: Tensor) -> Tensor:
    """How far the picture leaves the range of its sources in a 5 × 5 neighbourhood."""
    highest = nn.max_pool2d(sources.amax(0), 5, stride=1, padding=2)
    lowest = -nn.max_pool2d(-sources.amin(0), 5, stride=1, padding=2)
    return ((fused - highest).clamp(min=0) + (lowest - fused).clamp(min=0)).mean() * 10


def _moments(fused: Tensor, sources: Tensor, window: Callable[[Tensor], Tensor]) -> "_Moments":
    mean_f, mean_s = window(fused), window(sources)
    var_f = (window(fused**2) - mean_f**2).clamp(min=0)
    var_s = (window(sources**2) - mean_s**2).clamp(min=0)
    return _Moments(mean_f, mean_s, var_f, var_s, window(sources * fused) - mean_s * mean_f)


class _Moments(NamedTuple):
    """Local means, variances and covariances; those of the sources are (k, n, h, w)."""

    mean_f: Tensor
    mean_s: Tensor
    var_f: Tensor
    var_s: Tensor
    both: Tensor


def _luminance(m: _Moments) -> Tensor:
    return (2 * m.mean_f * m.mean_s + C1) / (m.mean_f**2 + m.mean_s**2 + C1)


def _contrast(m: _Moments) -> Tensor:
    return (2 * m.both + C2) / (m.var_f + m.var_s + C2)


def _halved(x: Tensor) -> Tensor:
    return nn.avg_pool2d(x.flatten(0, -3)[:, None], 2)[:, 0].unflatten(0, x.shape[:-2])


def _box(x: Tensor, side: int) -> Tensor:
    return _blur(x, torch.full((side,), 1 / side))


def _sobel(x: Tensor) -> tuple[Tensor, Tensor]:
    p = nn.pad(x.flatten(0, -3)[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    smooth, step = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:], p[:, 2:] - p[:, :-2]
    dx = smooth[..., 2:] - smooth[..., :-2]
    dy = step[..., :-2] + 2 * step[..., 1:-1] + step[..., 2:]
    return dx.unflatten(0, x.shape[:-2]), dy.unflatten(0, x.shape[:-2])
