"""Inference: what training saw, whatever the tile; the shipped files are the ones released."""

import numpy as np
import pytest
import torch

from napari_fusion.errors import CheckpointError
from napari_fusion.fusion import learned
from napari_fusion.nets import bands, infer
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.model import size
from napari_fusion.nets.shipped import SHIPPED


def random(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("shape", [(64, 64), (96, 80), (130, 62)])
def test_inference_gives_the_picture_of_training(tiny, shape):
    planes = random(2, *shape)
    parts = learned.mixed(planes, *infer.maps(infer.prepared(tiny), planes))
    sources = torch.from_numpy(planes)[:, None]
    with torch.inference_mode():
        expected = bands.fuse(sources, *tiny.build()(sources))[:, 0].numpy()
    np.testing.assert_allclose(parts, expected, atol=2e-6)


@pytest.mark.parametrize("shape", [(97, 75), (64, 130), (33, 20)])
@pytest.mark.parametrize("tile", [16, 32, 64])
def test_tiles_are_bit_for_bit_one_piece(tiny, shape, tile):
    net, planes = infer.prepared(tiny), random(3, *shape)
    for whole, tiled in zip(
        infer.maps(net, planes), infer.maps(net, planes, tile=tile), strict=True
    ):
        np.testing.assert_array_equal(tiled, whole)


def test_a_smaller_halo_would_show(tiny, monkeypatch):
    net, planes = infer.prepared(tiny), random(2, 96, 96)
    whole = infer.maps(net, planes)[0]
    monkeypatch.setattr(type(tiny.config), "halo", 0)
    assert not np.array_equal(infer.maps(net, planes, tile=32)[0], whole)


def test_threads_are_left_as_they_were(tiny):
    torch.set_num_threads(2)
    infer.maps(infer.prepared(tiny), random(2, 32, 32))
    assert torch.get_num_threads() == 2


def test_a_missing_extra_is_named(monkeypatch):
    from napari_fusion.errors import MissingExtra

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"napari-fusion\[cnn\]"):
        learned.cnn(random(2, 1, 16, 16))


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_networks_build_and_say_where_they_come_from(name):
    net = infer.shipped(name)
    path = infer.WEIGHTS / f"{name}.safetensors"
    card = Checkpoint.load(path).card
    assert path.stat().st_size <= (40_000 if name == "pruned" else 100_000)
    assert size(net.config)[0] <= (8_000 if name == "pruned" else 50_000)
    assert {"data", "licence", "limits", "seed", "validation"} <= set(card)


def test_a_shipped_file_that_was_exchanged_is_refused(tiny, tmp_path, monkeypatch):
    tiny.save(tmp_path / "pruned.safetensors")
    monkeypatch.setattr(infer, "WEIGHTS", tmp_path)
    infer._shipped.cache_clear()
    with pytest.raises(CheckpointError, match="not the file expected"):
        infer.shipped("pruned")
    infer._shipped.cache_clear()
