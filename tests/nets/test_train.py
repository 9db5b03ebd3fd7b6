"""Training: it learns, it is decided by its seed, and it goes on after an interruption."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from napari_fusion.errors import Cancelled, CheckpointError, ParameterError, WriteError
from napari_fusion.nets import train as training
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.data import Sample, held_out, load_samples
from napari_fusion.nets.model import NetConfig
from napari_fusion.nets.train import TrainData, TrainOptions, draw_curve, train, validate

QUICK = TrainOptions(steps=6, count=2, side=64, every=3)


@pytest.fixture
def data(folder):
    return TrainData(*held_out(load_samples(folder), {"PET-MR/3"}))


def same(a, b):
    return all(torch.equal(a.tensors[name], b.tensors[name]) for name in a.tensors)


def test_the_same_seed_gives_the_same_network(tiny, data):
    first = train(tiny.config, data, QUICK)
    assert same(first, train(tiny.config, data, QUICK))
    assert not same(first, train(tiny.config, data, QUICK.model_copy(update={"seed": 1})))


def test_torch_keeps_its_threads_and_its_chance(tiny, data):
    torch.set_num_threads(2)
    torch.manual_seed(3)
    there = torch.get_rng_state()
    train(tiny.config, data, QUICK)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), there)


def one_sided(head, seed):
    """Give a slice whose contrasts show mostly the left and mostly the right."""
    planes = np.stack([head(seed=seed), head(seed=seed + 50)])
    planes[0, :, 52:] *= 0.15
    planes[1, :, :44] *= 0.15
    return Sample("set", str(seed), "x", ("a", "b"), (planes * 255).astype(np.uint8))


def test_the_loss_falls(tiny, head):
    samples = [one_sided(head, seed) for seed in range(4)]
    quick = QUICK.model_copy(update={"steps": 24, "every": 24, "count": 4, "rate": 5e-3})
    made = train(tiny, TrainData(samples, samples), quick)
    assert made.card["curve"][-1][2] < validate(tiny.build(), samples) - 0.05


def test_a_killed_training_goes_on_to_the_same_result(tiny, data, tmp_path):
    options = QUICK.model_copy(update={"every": 2})
    whole = train(tiny.config, data, options)
    with pytest.raises(Cancelled):
        train(tiny.config, data, options, out=tmp_path, progress=Interrupted(after=2))
    steps_done = Checkpoint.load(tmp_path / "last.safetensors").card["curve"][-1][0]
    assert steps_done == 2
    resumed = train(tiny.config, data, options, out=tmp_path)
    assert same(whole, resumed)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill so bluntly")
def test_a_process_killed_at_any_moment_goes_on_to_the_same_result(tiny, data, folder, tmp_path):
    settings = {
        "net": tiny.config.model_dump(),
        "train": {"steps": 40, "count": 2, "side": 64, "every": 4},
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "napari_fusion", "train", "--data", str(folder)]
    command += ["--config", str(tmp_path / "settings.json"), "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    for _ in range(3):
        with subprocess.Popen(
            [*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL
        ) as run:
            while run.poll() is None and not (tmp_path / "killed" / "last.safetensors").exists():
                time.sleep(0.01)
            time.sleep(0.3)
            run.kill()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    made = [Checkpoint.load(tmp_path / n / "network.safetensors") for n in ("whole", "killed")]
    assert same(*made)


def test_bfloat16_is_asked_for_and_used_only_where_it_gains(tiny, data, monkeypatch):
    half = QUICK.model_copy(update={"bf16": True})
    plain = train(tiny.config, data, QUICK)
    monkeypatch.setattr(training, "bf16_gains", lambda: False)
    assert same(plain, train(tiny.config, data, half))
    monkeypatch.setattr(training, "bf16_gains", lambda: True)
    assert not same(plain, train(tiny.config, data, half))


class Interrupted:
    """Stop at a report, before its file is written."""

    def __init__(self, after):
        self.left = after

    def __call__(self, fraction, message):
        self.left -= 1
        if not self.left:
            raise Cancelled


def test_an_unfinished_training_of_another_kind_is_not_overwritten(tiny, data, tmp_path):
    train(tiny.config, data, QUICK, out=tmp_path)
    with pytest.raises(CheckpointError, match="began with another network"):
        train(NetConfig(widths=(8,), dilations=(1,), context=(0,)), data, QUICK, out=tmp_path)
    with pytest.raises(CheckpointError, match="other options"):
        train(tiny.config, data, QUICK.model_copy(update={"rate": 1e-3}), out=tmp_path)
    with pytest.raises(CheckpointError, match="other slices"):
        train(tiny.config, TrainData(data.train[:-1], data.val), QUICK, out=tmp_path)
    with pytest.raises(CheckpointError, match="began with another network"):
        train(tiny, data, QUICK, out=tmp_path)


def test_the_curve_is_written(tiny, data, tmp_path):
    train(tiny.config, data, QUICK, out=tmp_path)
    assert (tmp_path / "curve.csv").read_text().splitlines()[0].startswith("step,")
    assert (tmp_path / "curve.png").stat().st_size > 500


def test_a_curve_is_whole_or_the_old_one(tmp_path, monkeypatch):
    rows = [[0.0, 2.0, 3.0], [5.0, 1.0, 2.0]]
    draw_curve(rows, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"curve\.csv was not written: no space left"):
        draw_curve([*rows, [9.0, 0.5, 1.0]], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_going_on_keeps_the_card_and_changes_the_weights(tiny, data):
    made = train(tiny, data, QUICK)
    assert made.card["data"] == "none"
    assert not same(made, tiny)


def test_replayed_slices_are_drawn(tiny, data):
    older = TrainData(data.train, data.val, data.val)
    options = QUICK.model_copy(update={"replay": 0.9})
    assert not same(train(tiny, older, options), train(tiny, data, options))


def test_nothing_to_learn_from_is_refused(tiny):
    with pytest.raises(ParameterError, match="no slices"):
        train(tiny.config, TrainData([], []), QUICK)


def test_validation_leaves_the_network_as_it_was(tiny, data):
    net = tiny.build().train()
    before = {n: t.clone() for n, t in net.state_dict().items()}
    first = validate(net, data.val)
    assert first == validate(net, data.val)
    assert net.training
    assert all(torch.equal(before[n], t) for n, t in net.state_dict().items())
