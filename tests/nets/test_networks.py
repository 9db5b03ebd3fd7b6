"""What a panel of models shows: two networks on one slice, and a card in words."""

import threading
import time

import numpy as np
import pytest

from napari_fusion import Grid, Volume, fuse
from napari_fusion.errors import CheckpointError, ParameterError
from napari_fusion.fusion import learned, lookup, networks
from napari_fusion.nets import shipped
from napari_fusion.nets.checkpoint import file_sha256
from napari_fusion.nets.ready import prepared


@pytest.fixture
def planes(head):
    return np.stack([head(seed=1), head(seed=2)])


def test_two_networks_are_compared_on_one_slice(planes):
    found = networks.compare(planes, "pruned", "dense")
    assert found.first.shape == found.second.shape == planes.shape[1:]
    np.testing.assert_array_equal(found.difference, found.first - found.second)
    assert np.abs(found.difference).max() > 0
    assert min(found.first_ms, found.second_ms) > 0
    method = lookup("cnn")(planes[:, None], network="dense").sum(axis=0).clip(0, 1)[0]
    np.testing.assert_array_equal(found.second, method)


def test_what_other_threads_do_is_not_told_of_a_network(planes, monkeypatch):
    def burn():
        start = time.thread_time()
        while time.thread_time() - start < 0.3:
            pass

    def fused(stack, net):
        beside = threading.Thread(target=burn)
        beside.start()
        beside.join()
        return stack

    monkeypatch.setattr(networks, "by_network", fused)
    assert networks.compare(planes, "pruned", "pruned").first_ms < 150


def test_a_network_of_ones_own_is_compared_too(planes, tiny, tmp_path):
    path = tiny.save(tmp_path / "mine.safetensors")
    assert (networks.compare(planes, path, path).difference == 0).all()


@pytest.mark.parametrize("name", ["pruned", "dense"])
def test_a_card_tells_size_data_licence_and_limits(name):
    told = networks.card(name)
    assert "million multiply-accumulates" in told
    for word in (
        "licence: BSD-3-Clause",
        "data:",
        "limits: ",
        "weights int8",
        "validation: loss ",
        "code: ",
        "metrics, original and pruned:",
        "q_abf 0.6061 0.6098",
    ):
        assert word in told


def test_an_unknown_or_spoilt_network_is_named(tmp_path, planes):
    with pytest.raises(CheckpointError, match="there are: dense, pruned"):
        networks.card("best")
    (tmp_path / "spoilt.safetensors").write_bytes(b"no network")
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        networks.compare(planes, "pruned", tmp_path / "spoilt.safetensors")


def test_a_network_cut_to_three_times_fewer_operations_says_so():
    sizes = [
        networks.card(name).split(" parameters, ")[1].split()[0] for name in ("dense", "pruned")
    ]
    assert float(sizes[0]) >= 3 * float(sizes[1])


def test_a_network_of_ones_own_fuses_and_is_told_by_its_digest(tiny, tmp_path, head):
    grid = Grid.regular((2, 96, 96))
    pair = [Volume(np.stack([head(seed=i), head(seed=i + 9)]), grid) for i in (1, 2)]
    path = tiny.save(tmp_path / "mine.safetensors")
    fused = fuse(pair, "cnn", network=path)
    told = fused.history[-1].parameters
    assert told["params"]["network"] == str(path)
    assert told["sha256"] == {"network": file_sha256(path)}
    assert not np.array_equal(fused.array, fuse(pair, "cnn").array)
    stack = np.stack([volume.window()(volume.array) for volume in pair])
    parts = learned.by_network(stack, prepared(tiny))
    np.testing.assert_array_equal(fused.array, parts.sum(axis=0).clip(0, 1))


def test_the_file_of_a_network_is_hashed_once_for_all_slabs(tiny, tmp_path, head, monkeypatch):
    path, hashed = tiny.save(tmp_path / "mine.safetensors"), []
    monkeypatch.setattr(shipped, "file_sha256", lambda p: hashed.append(p) or file_sha256(p))
    stack = np.stack([head(seed=1), head(seed=2)])[:, None]
    for _ in range(3):
        lookup("cnn")(stack, network=path)
    assert hashed == [path]


def test_a_network_trained_anew_takes_the_place_of_the_old_one(tiny, opinionated, tmp_path, head):
    stack = np.stack([head(seed=1), head(seed=2)])[:, None]
    path = tiny.save(tmp_path / "mine.safetensors")
    before = lookup("cnn")(stack, network=path)
    opinionated("separable").save(path)
    assert not np.array_equal(lookup("cnn")(stack, network=path), before)


@pytest.mark.parametrize(
    ("network", "said"),
    [("dens", "did you mean 'dense'"), (3, "pruned, dense, or a .safetensors file, not 3")],
)
def test_what_is_no_network_is_named(network, said):
    with pytest.raises(ParameterError, match=said):
        lookup("cnn").resolve({"network": network})


def test_a_network_that_is_gone_is_told_before_any_work(tmp_path, head):
    volume = Volume(head()[None], Grid.regular((1, 96, 96)))
    with pytest.raises(ParameterError, match=r"gone\.safetensors cannot be read"):
        fuse([volume, volume], "cnn", network=tmp_path / "gone.safetensors")
