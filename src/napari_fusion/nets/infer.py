"""Ask a network for its decision, tile by tile, one thread.

Tiles with a halo give bit for bit what one piece would: nothing in the network is global. One
thread, because slabs already run beside each other.
"""

import copy
import logging
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.model import GAINS, RATIO, SHARES, FusionNet
from napari_fusion.nets.prior import VOTES
from napari_fusion.nets.ready import prepared
from napari_fusion.nets.shipped import located
from napari_fusion.remarks import remark
from napari_fusion.threads import OneThread, timed

logger = logging.getLogger(__name__)

Maps = NDArray[np.float32]

Device = Literal["cpu", "gpu"]
"""Where the network runs; "gpu" is CUDA or Apple's MPS, whichever is there."""

TILE = 512
"""Side of a tile's core in pixels; its features stay in a core's cache."""

_LOADING = threading.Lock()
_ONE_THREAD = OneThread(torch.get_num_threads, torch.set_num_threads)


class Decided(NamedTuple):
    """What a network says of the k sources of one slice, at half resolution.

    Parameters
    ----------
    share, lift, gain
        (k, SHARES, h/2, w/2), (k, 1, h/2, w/2), (k, GAINS, h/2, w/2), as in `nets.model.Decision`.
    """

    share: Maps
    lift: Maps
    gain: Maps


def network(name: str | Path, device: Device = "cpu") -> FusionNet:
    """Give a network ready to run: one that comes with the package, by name, or a file's.

    It is loaded once, and again when its file has changed. Where no GPU can be used the processor
    does it, and a warning says so once.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, none of ours, or not the one that was released.
    """
    path, sha256 = located(name)
    with _LOADING:
        return _ready(path, sha256, device)


def decide(
    net: FusionNet,
    planes: NDArray[np.float32],
    votes: NDArray[np.float32],
    *,
    tile: int = TILE,
) -> Decided:
    """Let a network decide about one slice, where its weights are: on the processor or a GPU.

    When a GPU's memory does not suffice, the processor does it: a warning says so, and the
    history of what is fused.

    Parameters
    ----------
    net
        From `prepared` or `network`.
    planes
        (k, h, w) float32 in [0, 1]: sources that are not empty.
    votes
        (k, VOTES, h/2, w/2) float32, from `nets.prior.prior` of the same planes.
    tile
        Side of the pieces, in pixels, a multiple of four; the result does not depend on it.
    """
    try:
        return _decided(net, planes, votes, tile)
    except torch.OutOfMemoryError:
        logger.warning("the GPU has too little memory for this slice: the processor decides it")
        remark("the GPU had too little memory for some slices: the processor ran the network there")
        return _decided(copy.deepcopy(net).to("cpu"), planes, votes, tile)


def cost_ms(checkpoint: Checkpoint, side: int = 256, runs: int = 8) -> float:
    """Give the CPU milliseconds of a decision about two slices: the least of several runs."""
    net = prepared(checkpoint)
    rng = np.random.default_rng(0)
    planes = rng.random((2, side, side), np.float32)
    votes = rng.standard_normal((2, VOTES, side // RATIO, side // RATIO), np.float32)
    return min(timed(lambda: decide(net, planes, votes))[1] for _ in range(runs))


def gpu() -> str | None:
    """Name the GPU torch can use, "cuda" or "mps"; None without one."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


@lru_cache(maxsize=8)
def _ready(path: Path, sha256: str, device: Device) -> FusionNet:
    net = prepared(Checkpoint.load(path, sha256=sha256))
    if device == "cpu":
        return net
    place = gpu()
    if place is None:
        logger.warning("torch finds no GPU it can use: the network runs on the processor")
    moved: FusionNet = net.to(place or "cpu")
    return moved


def _decided(
    net: FusionNet, planes: NDArray[np.float32], votes: NDArray[np.float32], tile: int
) -> Decided:
    k, h, w = planes.shape
    rows, columns = votes.shape[2:]
    even = planes
    if h % RATIO or w % RATIO:
        even = np.pad(planes, ((0, 0), (0, h % RATIO), (0, w % RATIO)), mode="edge")
    with _ONE_THREAD, torch.inference_mode():
        cores = list(_cores(even.shape[1:], tile))
        if len(cores) == 1:
            return Decided(*_piece(net, even, votes, cores[0]))
        decided = Decided(
            *(np.empty((k, c, rows, columns), np.float32) for c in (SHARES, 1, GAINS))
        )
        for core in cores:
            target = tuple(slice(s.start // RATIO, s.stop // RATIO) for s in core)
            for whole, piece in zip(decided, _piece(net, even, votes, core), strict=True):
                whole[:, :, *target] = piece
    return decided


def _piece(
    net: FusionNet,
    planes: NDArray[np.float32],
    votes: NDArray[np.float32],
    core: tuple[slice, slice],
) -> list[Maps]:
    halo, place = net.config.halo, next(net.parameters()).device
    wide = tuple(
        slice(max(0, s.start - halo), min(n, s.stop + halo))
        for s, n in zip(core, planes.shape[1:], strict=True)
    )
    half = tuple(slice(s.start // RATIO, s.stop // RATIO) for s in wide)
    inner = tuple(
        slice((s.start - o.start) // RATIO, (s.stop - o.start) // RATIO)
        for s, o in zip(core, wide, strict=True)
    )
    x, v = (
        torch.from_numpy(np.ascontiguousarray(a)).to(place)[:, None]
        for a in (planes[:, *wide], votes[:, :, *half])
    )
    return [m[:, 0, :, *inner].cpu().numpy() for m in net(x, v)]


def _cores(shape: tuple[int, ...], tile: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, shape[0], tile):
        for left in range(0, shape[1], tile):
            yield (
                slice(top, min(top + tile, shape[0])),
                slice(left, min(left + tile, shape[1])),
            )
