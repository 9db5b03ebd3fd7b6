"""Ask a network for its maps: BN folded, channels last, tile by tile, one thread.

Tiles with a halo give bit for bit what one piece would: nothing in the network is global. One
thread, because slabs already run beside each other.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.model import RATIO, FusionNet
from napari_fusion.nets.shipped import SHIPPED

Maps = NDArray[np.float32]

TILE = 512
"""Side of a tile's core in pixels; its features stay in a core's cache."""

WEIGHTS = Path(__file__).parent / "weights"
"""Where the shipped networks lie."""

_LOADING = threading.Lock()


def shipped(name: str) -> FusionNet:
    """Give a network that comes with the package, ready to run; loaded once.

    Raises
    ------
    CheckpointError
        The file is missing or not the one that was released.
    """
    with _LOADING:
        return _shipped(name)


def prepared(checkpoint: Checkpoint) -> FusionNet:
    """Build a network for inference: batch norms folded into convolutions, channels last."""
    net = checkpoint.build()
    for layer in net.layers:
        at = next(i for i, m in enumerate(layer) if isinstance(m, nn.BatchNorm2d))
        folded = torch.nn.utils.fusion.fuse_conv_bn_eval(layer[at - 1], layer[at])
        layer[at - 1], layer[at] = folded, nn.Identity()
    net.requires_grad_(requires_grad=False)
    ready: FusionNet = net.to(memory_format=torch.channels_last)
    return ready


def maps(net: FusionNet, planes: NDArray[np.float32], *, tile: int = TILE) -> tuple[Maps, Maps]:
    """Give confidence (k, levels + 1, h/2, w/2) and gain (k, levels, h/2, w/2) of one slice.

    Parameters
    ----------
    net
        From `prepared` or `shipped`.
    planes
        (k, h, w) float32 in [0, 1]: sources that are not empty.
    tile
        Side of the pieces, in pixels, even; the result does not depend on it.
    """
    k, h, w = planes.shape
    levels = net.config.levels
    rows, columns = -(-h // RATIO), -(-w // RATIO)
    confidence = np.empty((k, levels + 1, rows, columns), np.float32)
    gain = np.empty((k, levels, rows, columns), np.float32)
    even = np.pad(planes, ((0, 0), (0, h % RATIO), (0, w % RATIO)), mode="edge")
    with _one_thread(), torch.inference_mode():
        for core in _cores(even.shape[1:], tile):
            c, g = _piece(net, even, core)
            target = tuple(slice(s.start // RATIO, s.stop // RATIO) for s in core)
            confidence[:, :, *target], gain[:, :, *target] = c, g
    return confidence, gain


@cache
def _shipped(name: str) -> FusionNet:
    return prepared(Checkpoint.load(WEIGHTS / f"{name}.safetensors", sha256=SHIPPED[name]))


def _piece(
    net: FusionNet, planes: NDArray[np.float32], core: tuple[slice, slice]
) -> tuple[Maps, Maps]:
    halo = net.config.halo
    wide = tuple(
        slice(max(0, s.start - halo), min(n, s.stop + halo))
        for s, n in zip(core, planes.shape[1:], strict=True)
    )
    x = torch.from_numpy(np.ascontiguousarray(planes[:, *wide]))[:, None]
    inner = tuple(
        slice((s.start - o.start) // RATIO, (s.stop - o.start) // RATIO)
        for s, o in zip(core, wide, strict=True)
    )
    c, g = net(x.contiguous(memory_format=torch.channels_last))
    return c[:, 0, :, *inner].numpy(), g[:, 0, :, *inner].numpy()


def _cores(shape: tuple[int, ...], tile: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, shape[0], tile):
        for left in range(0, shape[1], tile):
            yield (
                slice(top, min(top + tile, shape[0])),
                slice(left, min(left + tile, shape[1])),
            )


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
