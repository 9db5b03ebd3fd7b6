"""Inference: what training saw, whatever the tile; the shipped files are the ones released."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from napari_fusion.errors import CheckpointError
from napari_fusion.fusion import fuse, learned, lookup
from napari_fusion.grid import Grid
from napari_fusion.nets import bands, infer, shipped
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.model import Block, NetConfig, size
from napari_fusion.nets.prior import prior
from napari_fusion.nets.prune import PruneOptions
from napari_fusion.nets.ready import ReadyNet, prepared
from napari_fusion.nets.shipped import SHIPPED
from napari_fusion.nets.train import TrainOptions
from napari_fusion.volume import Volume


def random(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def decided(net, planes, **options):
    return infer.decide(net, planes, prior(planes, net.config.levels)[0], **options)


@pytest.mark.parametrize("shape", [(64, 64), (96, 80), (130, 62)])
def test_inference_gives_the_picture_of_training(tiny, shape):
    planes = random(2, *shape)
    parts = learned.by_network(planes[:, None], prepared(tiny))[:, 0]
    trained = tiny.build()
    trained.settled = prepared(tiny).settled
    with torch.inference_mode():
        expected = bands.fused(trained, torch.from_numpy(planes)[:, None])[:, 0].numpy()
    np.testing.assert_allclose(parts, expected, atol=2e-6)


def test_a_network_that_runs_shares_more_evenly_than_it_was_trained_to(tiny):
    planes = ReadyNet.white * random(3, 64, 48)
    votes, _ = prior(planes, tiny.config.levels)
    calm = infer.decide(prepared(tiny), planes, votes).share
    sure = infer.decide(tiny.build(), planes, votes).share ** ReadyNet.calm
    np.testing.assert_allclose(calm, sure / sure.sum(0), atol=1e-5)
    assert ReadyNet.calm < 1


def test_what_is_nearly_white_is_not_calmed_away(tiny):
    planes = 0.5 * random(2, 64, 64)
    planes[0, 24:40, 24:40] = 1
    net = prepared(tiny)
    held = decided(net, planes).share
    net.bright = 0
    left = decided(net, planes).share
    bone = (slice(None), slice(12, 20), slice(12, 20))
    assert (held[0][bone] > left[0][bone]).all()
    held[(slice(None), *bone)] = left[(slice(None), *bone)]
    np.testing.assert_array_equal(held, left)


@pytest.mark.parametrize("block", get_args(Block))
@pytest.mark.parametrize("shape", [(97, 75), (64, 130), (33, 20)])
@pytest.mark.parametrize("tile", [16, 32, 64])
def test_tiles_are_bit_for_bit_one_piece(opinionated, block, shape, tile):
    net, planes = prepared(opinionated(block)), random(3, *shape)
    for whole, tiled in zip(decided(net, planes), decided(net, planes, tile=tile), strict=True):
        np.testing.assert_array_equal(tiled, whole)


def test_a_smaller_halo_would_show(tiny, monkeypatch):
    net, planes = prepared(tiny), random(2, 96, 96)
    whole = decided(net, planes).share
    monkeypatch.setattr(type(tiny.config), "halo", 0)
    assert not np.array_equal(decided(net, planes, tile=32).share, whole)


def test_threads_are_left_as_they_were(tiny):
    torch.set_num_threads(2)
    decided(prepared(tiny), random(2, 32, 32))
    assert torch.get_num_threads() == 2


def test_networks_side_by_side_leave_torch_its_threads(tiny):
    """One that begins while another runs, and ends after it, finds one thread, and kept it."""
    torch.set_num_threads(2)
    net, planes = prepared(tiny), random(2, 32, 32)
    votes = prior(planes, net.config.levels)[0]
    look, begun, first_done, seen = net.look, threading.Event(), threading.Event(), []

    def slow(*args):
        if not begun.is_set():
            begun.set()
            while not seen:
                time.sleep(0.01)
        else:
            seen.append("begun")
            first_done.wait(30)
            seen.append(torch.get_num_threads())
        return look(*args)

    net.__dict__["look"] = slow
    first = threading.Thread(target=infer.decide, args=(net, planes, votes))
    first.start()
    begun.wait(30)
    with ThreadPoolExecutor(1) as last:
        done = last.submit(infer.decide, net, planes, votes)
        first.join()
        first_done.set()
        done.result()
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 2
    assert seen == ["begun", 1]


def test_a_full_gpu_is_told_and_the_processor_decides(tiny, monkeypatch, caplog):
    net, planes = prepared(tiny), random(2, 32, 32)
    expected = decided(net, planes)
    piece, refused = infer._piece, []

    def full(*args):
        if not refused:
            refused.append(args)
            raise torch.OutOfMemoryError
        return piece(*args)

    monkeypatch.setattr(infer, "_piece", full)
    for a, b in zip(decided(net, planes), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [r.message for r in caplog.records] == [
        "the GPU has too little memory for this slice: the processor decides it"
    ]


def test_a_gpu_that_fills_up_midway_is_in_the_history(monkeypatch):
    pair = [Volume(planes, Grid.regular(planes.shape)) for planes in random(2, 3, 32, 32)]
    windows, inside, pieces = ["0:1"] * 2, infer._piece, []

    def full(*args):
        pieces.append(args)
        if len(pieces) == 2:
            raise torch.OutOfMemoryError
        return inside(*args)

    quiet = fuse(pair, "cnn", windows=windows)
    monkeypatch.setattr(infer, "_piece", full)
    told = fuse(pair, "cnn", windows=windows)
    np.testing.assert_array_equal(told.array, quiet.array)
    assert quiet.history[-1].warnings == ()
    assert told.history[-1].warnings == (
        "the GPU had too little memory for some slices: the processor ran the network there",
    )


def test_without_a_gpu_the_processor_is_used_and_said(monkeypatch, caplog):
    monkeypatch.setattr(infer, "gpu", lambda: None)
    infer._ready.cache_clear()
    assert next(infer.network("pruned", "gpu").parameters()).device.type == "cpu"
    assert "finds no GPU" in caplog.text
    infer._ready.cache_clear()


@pytest.mark.parametrize(("place", "told"), [(None, True), ("cuda", False)])
def test_a_history_tells_that_the_processor_stood_in_for_a_gpu(monkeypatch, place, told):
    monkeypatch.setattr(infer, "gpu", lambda: place)
    assert bool(lookup("cnn").doubts({"network": "pruned", "device": "gpu"})) == told
    assert not lookup("cnn").doubts({"network": "pruned", "device": "cpu"})
    if told:
        a, b = (Volume(x[None], Grid.regular((1, 32, 32))) for x in random(2, 32, 32))
        fused = fuse([a, b], "cnn", device="gpu")
        assert fused.warnings == ("torch finds no GPU it can use: the processor ran the network",)


def test_a_missing_extra_is_named(monkeypatch):
    from napari_fusion.errors import MissingExtra

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"napari-fusion\[cnn\]"):
        learned.cnn(random(2, 1, 16, 16))


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_networks_build_and_say_where_they_come_from(name):
    net = infer.network(name)
    path = shipped.WEIGHTS / f"{name}.safetensors"
    card = Checkpoint.load(path).card
    assert path.stat().st_size <= (40_000 if name == "pruned" else 100_000)
    assert size(net.config)[0] <= (8_000 if name == "pruned" else 50_000)
    assert {"data", "data_sha256", "data_greys", "licence", "limits", "seed", "curve"} <= set(card)


def test_a_shipped_file_that_was_exchanged_is_refused(tiny, tmp_path, monkeypatch):
    tiny.save(tmp_path / "pruned.safetensors")
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    infer._ready.cache_clear()
    with pytest.raises(CheckpointError, match="not the file expected"):
        infer.network("pruned")
    infer._ready.cache_clear()


@pytest.mark.parametrize("shape", [(64, 48), (77, 31), (9, 200)])
def test_strips_are_bit_for_bit_one_piece(tiny, shape, monkeypatch):
    net, stack = prepared(tiny), random(2, 1, *shape)
    whole = learned.by_network(stack, net)
    monkeypatch.setattr(learned, "STRIP", 10 * shape[1])
    np.testing.assert_array_equal(learned.by_network(stack, net), whole)


def test_shipped_networks_come_from_the_settings_told():
    told = json.loads((Path(__file__).parents[2] / "models" / "settings.json").read_text("utf-8"))
    cards = {n: Checkpoint.load(shipped.WEIGHTS / f"{n}.safetensors").card for n in SHIPPED}
    assert cards["dense"]["options"] == TrainOptions(**told["train"]).model_dump()
    assert cards["pruned"]["options"] == PruneOptions(**told["prune"]).tune.model_dump()
    assert infer.network("dense").config == NetConfig(**told["net"])
    assert list(infer.network("pruned").config.widths) == told["prune"]["widths"]
    for card in cards.values():
        assert {name: card[name] for name in told["card"]} == told["card"]
