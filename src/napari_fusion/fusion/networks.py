"""Two networks side by side on one slice, and the card of each: what a panel of models shows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.fusion.learned import by_network, required
from napari_fusion.threads import timed

if TYPE_CHECKING:
    from napari_fusion.nets.checkpoint import Checkpoint

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Comparison:
    """What two networks make of one slice.

    Parameters
    ----------
    first, second
        (h, w) in [0, 1]: the fused pictures.
    difference
        (h, w): first minus second.
    first_ms, second_ms
        CPU milliseconds each took on this thread.
    """

    first: Picture
    second: Picture
    difference: Picture
    first_ms: float
    second_ms: float


def shipped_networks() -> dict[str, Path]:
    """Give the files of the networks that come with the package, by name.

    Raises
    ------
    MissingExtra
        torch is not installed.
    """
    required()
    from napari_fusion.nets.shipped import SHIPPED, WEIGHTS

    return {name: WEIGHTS / f"{name}.safetensors" for name in SHIPPED}


def card(network: str | Path) -> str:
    """Give the card of a network file, or of a shipped one by name, as a page of text.

    Raises
    ------
    CheckpointError
        There is no such network, or its file is damaged.
    MissingExtra
        torch is not installed.
    """
    required()
    from napari_fusion.nets.card import card as told

    return told(_loaded(network))


def compare(planes: NDArray[np.float32], first: str | Path, second: str | Path) -> Comparison:
    """Fuse one slice by two networks, each a file or the name of a shipped one.

    Parameters
    ----------
    planes
        (k, h, w) float32 in [0, 1]: the same slice of k sources.
    first, second
        The networks.

    Raises
    ------
    ParameterError
        `planes` is not a float32 array of three axes.
    CheckpointError
        There is no such network, or its file is damaged.
    MissingExtra
        torch is not installed.
    """
    if planes.ndim != 3 or planes.dtype != np.float32:
        raise ParameterError(
            "networks are compared on float32 slices (sources, rows, columns), these are "
            f"{planes.dtype} {planes.shape}"
        )
    required()
    (one, one_ms), (two, two_ms) = (_fused(planes, network) for network in (first, second))
    return Comparison(one, two, one - two, one_ms, two_ms)


def _fused(planes: NDArray[np.float32], network: str | Path) -> tuple[Picture, float]:
    from napari_fusion.nets.ready import prepared

    net = prepared(_loaded(network))
    parts, ms = timed(lambda: by_network(planes[:, None], net)[:, 0])
    return parts.sum(axis=0).clip(0, 1), ms


def _loaded(network: str | Path) -> "Checkpoint":
    from napari_fusion.nets.checkpoint import Checkpoint
    from napari_fusion.nets.shipped import located

    path, sha256 = located(network)
    return Checkpoint.load(path, sha256=sha256)
