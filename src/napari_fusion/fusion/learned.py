"""A small trained network that weighs the bands of the Laplacian pyramid; it paints nothing."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from napari_fusion.errors import MissingExtra
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, emptied
from napari_fusion.pyramid import filtered, merge, reduce
from napari_fusion.slab import Stack

if TYPE_CHECKING:
    from napari_fusion.nets.infer import Decided
    from napari_fusion.nets.model import FusionNet
    from napari_fusion.nets.prior import Scales

Network = Annotated[str, {"choices": ("pruned", "dense"), "suffix": ".safetensors"}]
"""A network that comes with the package, or the file of one that `napari-fusion train` made."""

Device = Literal["cpu", "gpu"]

STRIP = 1 << 20
"""Pixels weighed at once."""


def _stood_in_for(device: str, **_others: object) -> str:
    """Say where the processor takes the place of a GPU that was asked for."""
    if device == "cpu":
        return ""
    required()
    from napari_fusion.nets.infer import gpu

    return "" if gpu() else "torch finds no GPU it can use: the processor ran the network"


@method("cnn", title="Pruned network", cite="This package; docs/models.md", doubt=_stood_in_for)
def cnn(sources: Stack, *, network: Network = "pruned", device: Device = "cpu") -> Stack:
    r"""Weigh the bands of a Laplacian pyramid as a small network corrects a classic decision.

    :math:`p_j = \sum_l \uparrow^l (w_j^l D_j^l) + \uparrow^L (w_j^L B_j)`: saliency and brightness
    propose the weights, the network corrects them, the picture consists of the sources' own
    bands. Needs the extra `cnn`.

    Parameters
    ----------
    network
        The pruned network, the dense one it was cut from, or the .safetensors file of your own.
    device
        Where it runs; without a usable GPU, or when its memory is too small, the processor does it,
        and says so.
    """
    required()
    from napari_fusion.nets import infer

    return by_network(sources, infer.network(network, device))


def by_network(sources: Stack, net: "FusionNet") -> Stack:
    """Give the parts (k, n, h, w) that a network from `nets.ready.prepared` makes of a stack."""
    return emptied(each_slice(_by_network, sources, net), sources)


def size_of(network: str) -> tuple[int, int]:
    """Give a network's parameters and its multiply-accumulates for two 256² slices.

    Parameters
    ----------
    network
        As for `cnn`.
    """
    required()
    from napari_fusion.nets import infer
    from napari_fusion.nets.model import size

    return size(infer.network(network).config)


def _by_network(planes: Planes, net: "FusionNet") -> Planes:
    from napari_fusion.nets.infer import decide
    from napari_fusion.nets.prior import prior

    votes, scales = prior(planes, net.config.levels)
    decided = decide(net, planes, votes)
    del votes  # not needed any more, and large with the slice
    return mixed(scales, decided)


def mixed(scales: "Scales", decided: "Decided") -> Planes:
    """Give the parts (k, h, w) of one slice from the network's decision; uses the scales up.

    Parameters
    ----------
    scales
        As `nets.prior.prior` gives them, of sources none of which is empty.
    decided
        As `nets.infer.decide` gives it.
    """
    from napari_fusion.nets.mixing import base_weights

    *shares, coarse = decided.share.swapaxes(0, 1)
    finest, rest, added = decided.gain.swapaxes(0, 1)
    lift = decided.lift[:, 0]
    *details, base = scales.bands
    for level, (bands, energy) in enumerate(zip(details, scales.energies, strict=True)):
        p, g = shares[level] if level < len(shares) else coarse, rest if level else finest
        energy /= scales.standard[:, None, None]
        _weigh(bands, energy, p, g)
        if level:
            coarse, rest, added, lift = (reduce(maps) for maps in (coarse, rest, added, lift))
    return merge([*details, base * base_weights(coarse, lift, added, base.clip(0))])


def _weigh(bands: Planes, energy: Planes, share: Planes, gain: Planes) -> None:
    """Weigh one band of every source in place, some rows at a time: large slices need room."""
    from napari_fusion.nets.mixing import detail_weights

    height, width = bands.shape[1:]
    step = max(2, STRIP // width // 2 * 2)
    for top in range(0, height, step):
        rows = slice(top, min(top + step, height))
        p, g = (_rows(maps, rows, (height, width)) for maps in (share, gain))
        bands[:, rows] *= detail_weights(p, g, energy[:, rows])


def _rows(maps: Planes, rows: slice, shape: tuple[int, ...]) -> Planes:
    """Give rows of maps, grown bilinearly where they have half the size: no trace of blocks."""
    import cv2

    if maps.shape[1:] == shape:
        return maps[:, rows]
    first = max(0, rows.start // 2 - 1)  # one row more on either side, for the interpolation
    part = maps[:, first : (rows.stop + 1) // 2 + 1]
    height, width = 2 * part.shape[1], 2 * part.shape[2]
    bilinear = partial(cv2.resize, dsize=(width, height), interpolation=cv2.INTER_LINEAR)
    begin = rows.start - 2 * first
    wanted = slice(begin, begin + rows.stop - rows.start)
    return filtered(part, bilinear, (height, width))[:, wanted, : shape[1]]


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
