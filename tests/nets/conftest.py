"""Tiny networks and tiny folders of slices: everything here takes milliseconds."""

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="the extra cnn is not installed")

from napari_fusion.nets import bands  # noqa: E402
from napari_fusion.nets.checkpoint import Checkpoint  # noqa: E402
from napari_fusion.nets.model import FusionNet, NetConfig  # noqa: E402
from napari_fusion.nets.prior import VOTES  # noqa: E402

TINY = NetConfig(widths=(8, 8, 8), dilations=(1, 2, 1), context=(1,), levels=3)


def disc(side=96, seed=0):
    """Give one slice (side, side) of a textured disc, empty outside."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    plane = 0.5 + 0.25 * np.sin(9 * x + seed) * np.cos(7 * y) + 0.02 * rng.standard_normal(x.shape)
    return (plane.clip(0.02, 1) * (x**2 + y**2 < 0.8)).astype(np.float32)


@pytest.fixture
def head():
    return disc


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def tiny():
    """Give a tiny network's checkpoint with opinions: random heads, moved batch statistics."""
    return with_opinions("dense")


@pytest.fixture
def opinionated():
    """Give such a network of any block."""
    return with_opinions


def with_opinions(block):
    torch.manual_seed(0)
    net = FusionNet(TINY.model_copy(update={"block": block})).train()
    torch.nn.init.normal_(net.head.weight, std=0.5)
    with torch.no_grad():
        for _ in range(20):
            net(torch.rand(2, 2, 32, 32), torch.randn(2, 2, VOTES, 16, 16))
    return Checkpoint.of(net, {"data": "none"})


@pytest.fixture
def look():
    """Give what a network says of random sources with their own votes: k sources, h by w."""

    def looked(net, sources):
        with torch.inference_mode():
            return net(sources, bands.votes(sources, net.config.levels)[0])

    return looked


@pytest.fixture
def folder(tmp_path):
    """Give a folder of two sets, CT-MR of two cases and PET-MR of one, three slices each."""
    root = tmp_path / "slices"
    for group, kinds, cases in (("CT-MR", ("CT", "MR"), (1, 2)), ("PET-MR", ("PET", "MR"), (3,))):
        for j, kind in enumerate(kinds):
            place = root / group / kind
            place.mkdir(parents=True)
            for case in cases:
                for i in range(3):
                    plane = disc(seed=10 * case + i + 100 * j)
                    picture = Image.fromarray((plane * 255).astype(np.uint8))
                    picture.save(place / f"{case}{i:03d}.png")
    return root
