"""The network: a shared encoder looks at every source, and says how much it counts at each level.

It predicts weights, never pixels. Read `FusionNet.forward` from top to bottom; how its word is
turned into weights is in `napari_fusion.nets.mixing`.
"""

from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

Block = Literal["dense", "separable", "attention"]

RATIO = 2
"""Side of the pixel blocks that space-to-depth turns into channels."""

BOUND = 6.0
"""Largest logarithm of a confidence: no source is shut out for good."""

DARK = 0.02
"""Brightness at which a source has half its confidence; where it is zero, it has none."""


class NetConfig(BaseModel):
    """Everything needed to build a `FusionNet`; frozen, JSON both ways.

    Parameters
    ----------
    widths
        Output channels of every 3 × 3 convolution.
    dilations
        Their dilations, at half resolution.
    context
        After which convolutions (from 0) a source is told the mean of all sources.
    levels
        Detail bands of the Laplacian pyramid that is weighted.
    block
        "dense" convolutions, depthwise-"separable" ones, or dense ones with a local "attention"
        gate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...] = Field(default=(32,) * 6, min_length=1, max_length=16)
    dilations: tuple[int, ...] = (1, 1, 2, 4, 2, 1)
    context: tuple[int, ...] = (1,)
    levels: int = Field(default=4, ge=1, le=8)
    block: Block = "dense"

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
        """How far a pixel's weights can depend on the picture, in pixels; a multiple of RATIO."""
        return RATIO * sum(self.dilations)


class FusionNet(nn.Module):  # type: ignore[misc]
    """Say for every source and level how far it is to be trusted, and how much may be added."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        inputs = (RATIO**2, *config.widths[:-1])
        self.layers = nn.ModuleList(
            _layer(config.block, *shape)
            for shape in zip(inputs, config.widths, config.dilations, strict=True)
        )
        self.mixes = nn.ModuleDict(
            {str(i): nn.Conv2d(config.widths[i], config.widths[i], 1) for i in config.context}
        )
        self.confidence = nn.Conv2d(config.widths[-1], config.levels + 1, 1)
        self.gain = nn.Conv2d(config.widths[-1], config.levels, 1, bias=False)
        nn.init.zeros_(self.confidence.weight)
        nn.init.zeros_(self.confidence.bias)

    def forward(self, sources: Tensor) -> tuple[Tensor, Tensor]:
        """Look at sources (k, n, h, w) in [0, 1], h and w even.

        Returns
        -------
        confidence
            (k, n, levels + 1, h/2, w/2), positive; the last channel is for the base.
        gain
            (k, n, levels, h/2, w/2) in [0, 1); zero where the sources are equal.
        """
        k, n, h, w = sources.shape
        x = nn.functional.pixel_unshuffle(sources.reshape(k * n, 1, h, w), RATIO)
        brightness = x.mean(1, keepdim=True)
        there = brightness / (brightness + DARK)
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.config.context:
                x = _plus(x, self.mixes[str(i)](_mean(x, k)), k)
        confidence = torch.exp(BOUND * torch.tanh(self.confidence(x) / BOUND)) * there + 1e-8
        said = self.gain(x)
        unlike = _plus(said, -_mean(said, k), k) ** 2
        gain = unlike / (1 + unlike)
        return confidence.unflatten(0, (k, n)), gain.unflatten(0, (k, n))


class _Gated(nn.Module):  # type: ignore[misc]
    """Let each pixel choose among the channels: attention without any global operator."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.gate(x))


def _layer(block: Block, inputs: int, width: int, dilation: int) -> nn.Sequential:
    spread = {"padding": dilation, "dilation": dilation, "bias": False}
    if block == "separable":
        convolution: list[nn.Module] = [
            nn.Conv2d(inputs, inputs, 3, groups=inputs, **spread),
            nn.Conv2d(inputs, width, 1, bias=False),
        ]
    else:
        convolution = [nn.Conv2d(inputs, width, 3, **spread)]
    gate = [_Gated(width)] if block == "attention" else []
    return nn.Sequential(*convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True), *gate)


def _mean(x: Tensor, k: int) -> Tensor:
    """Mean over the k sources of features (k n, c, h, w): (n, c, h, w)."""
    return x if k == 1 else sum(x.chunk(k)) / k


def _plus(x: Tensor, shared: Tensor, k: int) -> Tensor:
    """Add to every source's features (k n, c, h, w) the same (n, c, h, w).

    In pieces of four axes: a fifth would cost the channels-last order, and half of the speed.
    """
    return x + shared if k == 1 else torch.cat([piece + shared for piece in x.chunk(k)])


def size(config: NetConfig) -> tuple[int, int]:
    """Give the number of parameters and the multiply-accumulates of two 256 × 256 slices."""
    net = FusionNet(config)
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    shared = set(net.mixes.values())
    pixels = (256 // RATIO) ** 2
    macs = sum(c.weight.numel() * pixels * (1 if c in shared else 2) for c in convolutions)
    return sum(p.numel() for p in net.parameters()), macs
