"""The network as it runs: batch norms folded away, channels last, 1 × 1 convolutions multiplied.

A 1 × 1 convolution is a product of matrices, and torch multiplies several times faster than it
convolves. Training keeps the convolutions: pruning follows channels through them.
"""

import numpy as np
import torch
from torch import Tensor, nn

from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.model import RATIO, FusionNet, mean
from napari_fusion.nets.prior import VOTES
from napari_fusion.pyramid import DARK


class ReadyNet(FusionNet):
    """A network that only looks; its weights can no longer learn."""

    calm = 0.55
    """What the logarithms of a verdict count: below 1, as in training, shares are more even."""

    white, bright = 0.7, 2.0
    """Where a source is brighter than `white`, brightness counts more, in white `bright` times."""

    def settled(self, verdict: Tensor, sources: Tensor) -> Tensor:
        """Calm a verdict, and keep bone from being calmed away. Chosen by ranks and by bone kept.

        More of either source is left at large scales, and what is nearly white stays so.
        """
        rows = sources[..., ::RATIO, :] + sources[..., 1::RATIO, :]
        half = (rows[..., ::RATIO] + rows[..., 1::RATIO]) / RATIO**2
        whiteness = ((half.amax(0) - self.white) / (1 - self.white)).clamp(min=0)
        held = self.bright * whiteness * torch.log(half + float(DARK))
        return verdict.mul_(self.calm).add_(held[:, :, None])

    def sight(self, sources: Tensor, votes: Tensor) -> Tensor:
        """Lay out what `FusionNet.sight` does, on the processor by OpenCV: in half the time."""
        if sources.device.type != "cpu" or self.config.pixels == "means":
            return super().sight(sources, votes)
        import cv2

        planes, asked, against = (
            x.flatten(0, 1).numpy() for x in (sources, votes, votes - mean(votes))
        )
        n, _, h, w = asked.shape
        seen = np.empty((n, h, w, self.seen), np.float32)
        twos, rows = seen.view(np.complex64), planes.view(np.complex64)  # two neighbours at once
        for i in range(RATIO):
            twos[..., i] = rows[:, i::RATIO]
        places = [place for i in range(1 + VOTES) for place in (i, RATIO**2 + i)]
        for made, lit, votes_of in zip(seen, asked[:, -1] / 4, against, strict=True):
            cv2.mixChannels([lit, *votes_of], [made], places)
        return torch.from_numpy(seen).permute(0, 3, 1, 2)

    def look(self, seen: Tensor, k: int) -> Tensor:
        """Run the convolutions as `FusionNet.look` does, on channels-last features."""
        x = seen
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.config.context:
                x = _told(x, self.mixes[str(i)], k)
        said = _multiplied(self.head, x)
        direct = _matrix(self.direct).expand(len(x), -1, -1)
        return said.baddbmm_(direct, _columns(seen)).unflatten(-1, x.shape[-2:])


def prepared(checkpoint: Checkpoint) -> FusionNet:
    """Build a network for inference.

    Raises
    ------
    CheckpointError
        The tensors do not fit the configuration.
    """
    net = ReadyNet(checkpoint.config)
    net.load_state_dict(checkpoint.build().state_dict())
    net.eval().requires_grad_(requires_grad=False)
    for layer in net.layers:
        at = next(i for i, m in enumerate(layer) if isinstance(m, nn.BatchNorm2d))
        if isinstance(layer[at - 1], nn.Conv2d):
            layer[at - 1] = torch.nn.utils.fusion.fuse_conv_bn_eval(layer[at - 1], layer[at])
            del layer[at]
            if layer[at - 1].kernel_size == (1, 1):
                layer[at - 1] = _Pointwise(layer[at - 1])
    ready: FusionNet = net.to(memory_format=torch.channels_last)
    return ready


class _Pointwise(nn.Module):  # type: ignore[misc]
    """A 1 × 1 convolution as a product: oneDNN's own may round by the number of pixels."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: Tensor) -> Tensor:
        pixels = _multiplied(self.convolution, x).unflatten(-1, x.shape[-2:])
        return pixels.contiguous(memory_format=torch.channels_last)


def _told(x: Tensor, mix: nn.Conv2d, k: int) -> Tensor:
    """Add to every source's features (k n, c, h, w) what `mix` makes of the mean of all."""
    features = x.permute(0, 2, 3, 1).unflatten(0, (k, -1))
    shared = torch.matmul(mean(features), _matrix(mix).mT).add_(mix.bias)
    return (features + shared).flatten(0, 1).permute(0, 3, 1, 2)


def _multiplied(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Give what a 1 × 1 convolution makes of features (n, c, h, w), channels last: (n, c, h w)."""
    return torch.matmul(_matrix(convolution), _columns(x)).add_(convolution.bias[:, None])


def _matrix(convolution: nn.Conv2d) -> Tensor:
    return convolution.weight.flatten(1)


def _columns(x: Tensor) -> Tensor:
    """Give features (n, c, h, w), channels last, as matrices (n, c, h w)."""
    return x.permute(0, 2, 3, 1).flatten(1, 2).mT
