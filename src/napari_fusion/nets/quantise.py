"""Store weights in eight bits: one scale per output channel, plain arithmetic.

The pictures stay in float32 all the way, only the weights are rounded, so the file shrinks four
times and the result changes by less than a grey level.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from napari_fusion.nets.bands import fused
from napari_fusion.nets.checkpoint import SCALE, Checkpoint
from napari_fusion.nets.data import Sample
from napari_fusion.nets.model import FusionNet
from napari_fusion.nets.ready import prepared
from napari_fusion.nets.train import whole


def quantise(checkpoint: Checkpoint) -> Checkpoint:
    """Round every convolution's weight to int8; what is int8 already stays as it is."""
    tensors = {}
    for name, tensor in checkpoint.tensors.items():
        if tensor.dim() != 4 or tensor.dtype == torch.int8:
            tensors[name] = tensor
            continue
        scale = tensor.abs().amax((1, 2, 3)).clamp(min=1e-12) / 127
        tensors[name] = torch.round(tensor / scale.view(-1, 1, 1, 1)).to(torch.int8)
        tensors[name + SCALE] = scale
    return Checkpoint(checkpoint.config, tensors, {**checkpoint.card, "weights": "int8"})


def parity_db(a: Checkpoint, b: Checkpoint, samples: list[Sample]) -> float:
    """Give the PSNR between the pictures two networks make of the same slices, in dB."""
    return pictures_db(prepared(a), prepared(b), samples)


def pictures_db(first: FusionNet, second: FusionNet, samples: list[Sample]) -> float:
    """Give the same of networks that are built already."""
    errors: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for sample in samples:
            sources = whole(sample)
            pictures = [fused(net, sources).sum(0).clamp(0, 1) for net in (first, second)]
            errors.append((pictures[0] - pictures[1]).numpy().ravel())
    error = float(np.mean(np.concatenate(errors) ** 2))
    return -10 * math.log10(error) if error else math.inf
