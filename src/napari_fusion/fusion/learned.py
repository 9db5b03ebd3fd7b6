"""A small trained network that weighs the bands of the Laplacian pyramid; it paints nothing."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import MissingExtra
from napari_fusion.fusion.pyramid import merge, split
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice
from napari_fusion.slab import Stack

if TYPE_CHECKING:
    from napari_fusion.nets.model import FusionNet

Network = Literal["pruned", "dense"]


@method("cnn", title="Pruned network", cite="This package; docs/models.md")
def cnn(sources: Stack, *, network: Network = "pruned") -> Stack:
    r"""Weigh the bands of a Laplacian pyramid by what a small network makes of the sources.

    :math:`p_j = \sum_l \uparrow^l (w_j^l D_j^l) + \uparrow^L (w_j^L B_j)`: the network gives the
    weights, the picture consists of the sources' own bands. Needs the extra `cnn`.

    Parameters
    ----------
    network
        The pruned network, or the dense one it was cut from, for comparison.
    """
    required()
    from napari_fusion.nets import infer

    return by_network(sources, infer.shipped(network))


def by_network(sources: Stack, net: "FusionNet") -> Stack:
    """Give the parts (k, n, h, w) that a network from `nets.infer.prepared` makes of a stack."""
    parts: Stack = each_slice(_by_network, sources, net)
    return parts


def _by_network(planes: Planes, net: "FusionNet") -> Planes:
    from napari_fusion.nets import infer

    parts = np.zeros_like(planes)
    seen = planes.any(axis=(1, 2))
    given = planes[seen]
    if len(given) < 2:
        parts[seen] = given
        return parts
    confidence, gain = infer.maps(net, given)
    parts[seen] = mixed(given, confidence, gain)
    return parts


def mixed(planes: Planes, confidence: NDArray[np.float32], gain: NDArray[np.float32]) -> Planes:
    """Give the parts (k, h, w) of one slice from the network's maps at half resolution.

    Parameters
    ----------
    planes
        (k, h, w), none of them empty.
    confidence, gain
        (k, levels + 1, h/2, w/2) and (k, levels, h/2, w/2), as `nets.infer.maps` gives them.
    """
    import cv2

    from napari_fusion.nets.mixing import base_weights, detail_weights

    levels = gain.shape[1]
    pyramids = [split(plane, levels) for plane in planes]
    for level in range(len(pyramids[0]) - 1):
        bands = np.stack([pyramid[level] for pyramid in pyramids])
        activity = np.stack([np.asarray(cv2.blur(band, (3, 3))) for band in np.abs(bands)])
        c, g = (_at_level(m[:, level], level, bands.shape[1:]) for m in (confidence, gain))
        for pyramid, part in zip(pyramids, bands * detail_weights(c, g, activity), strict=True):
            pyramid[level] = part
    base = np.stack([pyramid[-1] for pyramid in pyramids])
    c = _at_level(confidence[:, levels], len(pyramids[0]) - 1, base.shape[1:])
    for pyramid, part in zip(pyramids, base * base_weights(c, base.clip(0)), strict=True):
        pyramid[-1] = part
    return np.stack([merge(pyramid) for pyramid in pyramids])


def _at_level(maps: Planes, level: int, shape: tuple[int, ...]) -> Planes:
    """Bring maps (k, h/2, w/2) of half resolution to the size of a pyramid level."""
    import cv2

    if level == 0:
        size = (2 * maps.shape[2], 2 * maps.shape[1])
        grown = [cv2.resize(m, size, interpolation=cv2.INTER_LINEAR) for m in maps]
        return np.stack(grown)[:, : shape[0], : shape[1]].astype(np.float32, copy=False)
    for _ in range(level - 1):
        maps = _halved(maps)
    return maps


def _halved(maps: Planes) -> Planes:
    """Average blocks of 2 × 2, of what there is at the border."""
    _, h, w = maps.shape
    if h % 2 or w % 2:
        maps = np.pad(maps, ((0, 0), (0, h % 2), (0, w % 2)), mode="edge")
    rows = maps[:, ::2] + maps[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25)


def required() -> None:
    """Make sure that torch is there.

    Raises
    ------
    MissingExtra
        It is not, or safetensors is not.
    """
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("safetensors") is None:
        raise MissingExtra(
            "the network needs torch, which is not installed: "
            'pip install "napari-fusion[cnn]", or choose a classic method such as laplacian'
        )
