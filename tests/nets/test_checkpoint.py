"""A network's file: the same after a round trip, and refused when anything is wrong with it."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_fusion.errors import CheckpointError, WriteError
from napari_fusion.nets.checkpoint import Checkpoint, file_sha256
from napari_fusion.nets.quantise import quantise


@pytest.fixture
def path(tiny, tmp_path):
    return tiny.save(tmp_path / "tiny.safetensors")


def test_a_round_trip_keeps_everything(tiny, path, look):
    found = Checkpoint.load(path)
    assert found.config == tiny.config
    assert found.card == tiny.card
    sources = torch.rand(2, 1, 32, 32)
    for a, b in zip(look(found.build(), sources), look(tiny.build(), sources), strict=True):
        assert torch.equal(a, b)


def test_one_network_is_one_file(tiny, tmp_path):
    told = tiny.described(name="Žiga", limits=["a", "b"])
    files = [told.save(tmp_path / f"{i}.safetensors") for i in range(6)]
    assert len({file_sha256(path) for path in files}) == 1
    assert Checkpoint.load(files[0]).card == told.card


def test_the_file_pinned_is_the_only_one_taken(path):
    pinned = file_sha256(path)
    assert Checkpoint.load(path, sha256=pinned)
    with pytest.raises(CheckpointError, match="not the file expected"):
        Checkpoint.load(path, sha256="0" * 64)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="no network file none.safetensors"):
        Checkpoint.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 1000])
def test_a_truncated_file_is_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        Checkpoint.load(path)


def test_a_network_of_another_version_is_to_be_trained_again(path):
    path.write_bytes(path.read_bytes().replace(b"fusion network 3", b"fusion network 2"))
    with pytest.raises(CheckpointError, match="another version of this package .* train it again"):
        Checkpoint.load(path)


def test_a_changed_weight_is_noticed(path):
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="changed after it was written"):
        Checkpoint.load(path)


def test_a_changed_card_is_noticed(path):
    content = path.read_bytes().replace(b"none", b"ours")
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="changed after it was written"):
        Checkpoint.load(path)


def test_another_safetensors_file_is_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="holds no network"):
        Checkpoint.load(tmp_path / "other.safetensors")


def test_a_pickle_is_refused(tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / "old.pt")
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        Checkpoint.load(tmp_path / "old.pt")


def test_tensors_of_another_network_are_refused(tiny):
    wrong = Checkpoint(tiny.config.model_copy(update={"widths": (8, 8, 4)}), tiny.tensors)
    with pytest.raises(CheckpointError, match="wrong shape"):
        wrong.build()
    fewer = {n: t for n, t in tiny.tensors.items() if n != "head.weight"}
    with pytest.raises(CheckpointError, match="not those"):
        Checkpoint(tiny.config, fewer).build()


def test_a_weight_that_is_not_finite_is_refused(tiny):
    broken = {**tiny.tensors, "head.weight": tiny.tensors["head.weight"] * torch.nan}
    with pytest.raises(CheckpointError, match="not finite"):
        Checkpoint(tiny.config, broken).build()


def test_int8_without_its_scales_is_refused(tiny):
    small = quantise(tiny)
    lost = {n: t for n, t in small.tensors.items() if n != "head.weight.scale"}
    with pytest.raises(CheckpointError, match="no scales"):
        Checkpoint(small.config, lost).build()


def test_a_full_disk_leaves_the_old_file(tiny, path, monkeypatch):
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(WriteError, match="no space left"):
        tiny.described(more="x").save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_card_can_be_read_without_this_package(path):
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["card"]) == {"data": "none"}
