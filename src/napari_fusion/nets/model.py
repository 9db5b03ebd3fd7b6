"""The network: a shared encoder looks at every source, and corrects what the prior decided.

It predicts weights, never pixels. Read `FusionNet.forward` from top to bottom; what the prior is
stands in `napari_fusion.nets.prior`, how shares become weights in `napari_fusion.nets.mixing`.
"""

from functools import reduce
from typing import Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from napari_fusion.checked import Settings
from napari_fusion.nets.prior import VOTES

Block = Literal["dense", "separable", "attention", "pyramid"]

RATIO = 2
"""Side of the pixel blocks that space-to-depth turns into channels."""

SPREAD = 6
"""How far a "pyramid" block reaches, at half resolution."""

SEEN = RATIO**2 + 1 + VOTES
"""Channels the first convolution sees: pixels, brightness, and votes against the others'."""

SALIENT, BRIGHT = 6.0, 3.0
"""What the logarithms of saliency and brightness count in the prior's verdict."""

BOUND = 6.0
"""Largest correction of a verdict, as a logarithm: no source is shut out for good."""


SHARES = 3
"""Scales whose shares are decided by themselves: the finest, the next, all that is coarser."""

GAINS = 3
"""Scales that may be added to by themselves: the finest details, the others, the base."""

SAID = (SHARES + 1, GAINS, GAINS)
"""Channels of the head: corrections of shares and lift, gains, and what tells sources apart."""

SHY = -2.0
"""What a new network says about adding, as a logit: little."""


class NetConfig(Settings):
    """Everything needed to build a `FusionNet`; frozen, JSON both ways.

    Parameters
    ----------
    widths
        Output channels of every 3 × 3 convolution.
    dilations
        Their dilations, at half resolution.
    context
        After which convolutions (from 0) a source is told the mean of all sources. The votes
        against the others' say as much: with and without it networks ended alike.
    levels
        Detail bands of the Laplacian pyramid that is weighted.
    block
        "dense" convolutions, depthwise-"separable" ones, dense ones with a local "attention" gate,
        or a "pyramid" of two scales in every layer.
    pixels
        What the first convolution sees of the picture: "blocks" (space-to-depth: every pixel of a
        2 × 2 block is a channel) or "means" of the blocks.
    """

    widths: tuple[int, ...] = Field(default=(24,) * 5, min_length=1, max_length=16)
    dilations: tuple[int, ...] = (1, 2, 4, 2, 1)
    context: tuple[int, ...] = ()
    levels: int = Field(default=4, ge=1, le=8)
    block: Block = "dense"
    pixels: Literal["blocks", "means"] = "blocks"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.dilations) != len(self.widths):
            raise ValueError("there is one dilation for each width")
        if not all(0 < w <= 256 for w in self.widths):
            raise ValueError("widths run from 1 to 256")
        if not all(0 < d <= 16 for d in self.dilations):
            raise ValueError("dilations run from 1 to 16")
        if not set(self.context) <= set(range(len(self.widths))):
            raise ValueError("context names convolutions that are not there")
        return self

    @property
    def halo(self) -> int:
        """How far a pixel's weights can depend on the picture, in pixels; a multiple of 4."""
        reach = RATIO * sum(
            max(d, SPREAD if self.block == "pyramid" else 1) for d in self.dilations
        )
        return -(-reach // (2 * RATIO)) * 2 * RATIO


class Decision(NamedTuple):
    """What the network says of k sources, at half resolution.

    Parameters
    ----------
    share
        (k, n, SHARES, h/2, w/2), summing to 1 over the sources: for the finest details, the next
        ones, and all that is coarser.
    lift
        (k, n, 1, h/2, w/2), positive: how much more a source's brightness counts in the base.
    gain
        (k, n, GAINS, h/2, w/2) in [0, 1), zero where the sources are equal: for the finest
        details, for the others, and for the base.
    """

    share: Tensor
    lift: Tensor
    gain: Tensor


class FusionNet(nn.Module):  # type: ignore[misc]
    """Correct the prior's verdict for every source and level, and say how much may be added.

    A new network corrects nothing: it is the prior.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.seen = SEEN - (RATIO**2 - 1) * (config.pixels == "means")
        inputs = (self.seen, *config.widths[:-1])
        self.layers = nn.ModuleList(
            _layer(config.block, *shape)
            for shape in zip(inputs, config.widths, config.dilations, strict=True)
        )
        self.mixes = nn.ModuleDict(
            {str(i): nn.Conv2d(config.widths[i], config.widths[i], 1) for i in config.context}
        )
        self.head = nn.Conv2d(config.widths[-1], sum(SAID), 1)
        self.direct = nn.Conv2d(self.seen, sum(SAID), 1, bias=False)
        with torch.no_grad():
            for head in (self.head, self.direct):
                head.weight[: SHARES + 1] = 0
            self.head.bias[: SHARES + 1] = 0
            self.head.bias[SHARES + 1 :] = SHY

    def forward(self, sources: Tensor, votes: Tensor) -> Decision:
        """Look at sources (k, n, h, w) in [0, 1], h and w even, and their votes.

        Votes (k, n, VOTES, h/2, w/2) come from `nets.prior.prior`.
        """
        k, n = sources.shape[:2]
        verdict = SALIENT * votes[:, :, :1] + BRIGHT * votes[:, :, -1:]
        said = self.look(self.sight(sources, votes), k)
        corrected, gain, apart = said.unflatten(0, (k, n)).split(SAID, 2)
        corrected = corrected / corrected.abs().div_(BOUND).add_(1)
        share = _share(self.settled(verdict + corrected[:, :, :-1], sources))
        lift = torch.exp(corrected[:, :, -1:])
        unlike = mean((apart - mean(apart)) ** 2)
        gain = _sigmoid(gain) * (unlike / (1 + unlike))
        return Decision(share, lift, gain)

    def settled(self, verdict: Tensor, _sources: Tensor) -> Tensor:
        """Give the logarithms (k, n, SHARES, h/2, w/2) that shares are made of: the verdict's."""
        return verdict

    def sight(self, sources: Tensor, votes: Tensor) -> Tensor:
        """Lay out what the first convolution sees: (k n, SEEN, h/2, w/2), channels last."""
        k, n, h, w = sources.shape
        pixels = nn.functional.pixel_unshuffle(sources.reshape(k * n, 1, h, w), RATIO)
        if self.config.pixels == "means":
            pixels = pixels.mean(1, keepdim=True)
        against = (votes - mean(votes)).flatten(0, 1)
        seen = torch.cat([pixels, votes[:, :, -1:].flatten(0, 1) / 4, against], 1)
        return seen.contiguous(memory_format=torch.channels_last)

    def look(self, seen: Tensor, k: int) -> Tensor:
        """Run the convolutions on (k n, SEEN, h/2, w/2): (k n, sum(SAID), h/2, w/2)."""
        x = seen
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.config.context:
                x = _plus(x, self.mixes[str(i)](mean(x.unflatten(0, (k, -1)))), k)
        return (self.head(x) + self.direct(seen)).contiguous()  # the rest goes plane by plane


class _Gated(nn.Module):  # type: ignore[misc]
    """Let each pixel choose among the channels: attention without any global operator."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * _sigmoid(self.gate(x))


class _Scales(nn.Module):  # type: ignore[misc]
    """Two scales at once: a convolution, and one of the picture at half the size."""

    def __init__(self, inputs: int, width: int, dilation: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(inputs, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.coarse = nn.Conv2d(inputs, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        small = self.coarse(nn.functional.avg_pool2d(x, 2, ceil_mode=True))
        grown = nn.functional.interpolate(small, scale_factor=2, mode="bilinear")
        return self.fine(x) + grown[..., : x.shape[-2], : x.shape[-1]]


def _layer(block: Block, inputs: int, width: int, dilation: int) -> nn.Sequential:
    spread = {"padding": dilation, "dilation": dilation, "bias": False}
    if block == "separable":
        convolution: list[nn.Module] = [
            nn.Conv2d(inputs, inputs, 3, groups=inputs, **spread),
            nn.Conv2d(inputs, width, 1, bias=False),
        ]
    elif block == "pyramid":
        convolution = [_Scales(inputs, width, dilation)]
    else:
        convolution = [nn.Conv2d(inputs, width, 3, **spread)]
    gate = [_Gated(width)] if block == "attention" else []
    return nn.Sequential(*convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True), *gate)


def _share(logits: Tensor) -> Tensor:
    """Softmax over the sources, alike in every tile: torch's own rounds by a pixel's place."""
    powers = (logits - reduce(torch.maximum, logits.unbind())).exp_()
    return powers / reduce(torch.add, powers.unbind())


def _sigmoid(x: Tensor) -> Tensor:
    """Give the logistic function, alike in every tile: torch's own rounds by a pixel's place."""
    return (1 + torch.exp(-x)).reciprocal()


def _plus(x: Tensor, shared: Tensor, k: int) -> Tensor:
    """Add to every source's features (k n, c, h, w) the same (n, c, h, w).

    In pieces of four axes: a fifth would cost the channels-last order, and half of the speed.
    """
    return x + shared if k == 1 else torch.cat([piece + shared for piece in x.chunk(k)])


def mean(x: Tensor) -> Tensor:
    """Average over the sources, axis 0."""
    first, *others = x.unbind()
    return sum(others, first) / len(x)


def size(config: NetConfig) -> tuple[int, int]:
    """Give the number of parameters and the multiply-accumulates of two 256 × 256 slices."""
    net = FusionNet(config)
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    runs = dict.fromkeys(convolutions, 2.0)
    runs |= dict.fromkeys(net.mixes.values(), 1.0)
    runs |= {m.coarse: 2 / 4 for m in net.modules() if isinstance(m, _Scales)}
    macs = round(sum(c.weight.numel() * times for c, times in runs.items()) * (256 // RATIO) ** 2)
    return sum(p.numel() for p in net.parameters()), macs
