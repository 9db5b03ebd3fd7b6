"""The shell's four commands for networks, from pictures to a quantised, evaluated file."""

import csv
import json
from importlib.util import find_spec

import pytest
import torch

from napari_fusion.cli import main
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.data import greys, load_samples

SETTINGS = {
    "net": {"widths": [16, 16], "dilations": [1, 1], "context": [0], "levels": 2},
    "train": {"steps": 2, "count": 2, "side": 64, "every": 1},
    "prune": {
        "macs": 5e7,
        "sparse_steps": 1,
        "trial_steps": 1,
        "criteria": ["l2"],
        "tune": {"steps": 1, "count": 2, "side": 64},
    },
}


@pytest.fixture
def shell(capsys):
    def command(*args):
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in args])
        said = capsys.readouterr()
        return (stop.value.code or 0), said.out, " ".join(said.err.split())

    return command


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(SETTINGS))
    return path


def test_train_prune_quantise(shell, folder, settings, tmp_path):
    pytest.importorskip("torch_pruning", reason="the extra prune is not installed")
    dense, pruned, small = tmp_path / "dense", tmp_path / "pruned", tmp_path / "small.safetensors"
    code, out, err = shell("train", "--data", folder, "--out", dense, "--config", settings)
    assert (code, err) == (0, "")
    assert str(dense / "network.safetensors") in out
    code, out, err = shell("prune", dense / "network.safetensors", "--data", folder,
                           "--out", pruned, "--config", settings)  # fmt: skip
    assert (code, err) == (0, "")
    assert "chosen: " in out
    with (pruned / "candidates.csv").open() as file:
        assert [row["criterion"] for row in csv.DictReader(file)] == ["l2", "scratch"]
    code, out, err = shell("quantise", pruned / "network.safetensors", "--data", folder,
                           "--out", small)  # fmt: skip
    assert code == 0
    assert "dB" in out
    card = Checkpoint.load(small).card
    assert card["weights"] == "int8"
    assert card["int8_psnr_db"] > 50


def test_one_command_does_it_all_and_goes_on_where_it_stopped(shell, folder, settings, tmp_path):
    pytest.importorskip("torch_pruning", reason="the extra prune is not installed")
    told = {**SETTINGS, "card": {"licence": "mine", "limits": "many"}}
    settings.write_text(json.dumps(told))
    command = ("pipeline", "--data", folder, "--val", folder, "--out", tmp_path / "p",
               "--config", settings, "--methods", "maximum,average")  # fmt: skip
    code, out, err = shell(*command)
    assert (code, err) == (0, "")
    for stage in ("dense", "pruned", "quantised", "evaluated"):
        assert f"{stage} after" in out
    pruned = Checkpoint.load(tmp_path / "p" / "pruned.safetensors")
    assert pruned.card["licence"] == "mine"
    assert len(pruned.card["data_sha256"]) == 64
    assert pruned.card["data_greys"] == greys(load_samples(folder))
    assert pruned.card["code"]
    with (tmp_path / "p" / "evaluation" / "evaluation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} >= {"maximum", str(tmp_path / "p" / "dense.safetensors")}
    for name in ("dense", "pruned"):
        graded = Checkpoint.load(tmp_path / "p" / f"{name}.safetensors").card["metrics"]
        for role, file in (("original", "dense"), ("pruned", "pruned")):
            mine = [row for row in rows if row["method"].endswith(f"{file}.safetensors")]
            assert {row["group"]: float(row["q_abf"]) for row in mine} == pytest.approx(
                {group: numbers["q_abf"] for group, numbers in graded[role].items()}, abs=1e-4
            )
    assert shell(*command)[0] == 0
    again = Checkpoint.load(tmp_path / "p" / "pruned.safetensors")
    assert again.card == pruned.card
    assert all(torch.equal(again.tensors[name], t) for name, t in pruned.tensors.items())


def test_a_run_on_other_slices_is_not_taken_for_this_one(shell, folder, settings, tmp_path):
    pytest.importorskip("torch_pruning", reason="the extra prune is not installed")
    command = ("pipeline", "--data", folder, "--out", tmp_path / "p", "--config", settings)
    assert shell(*command)[0] == 0
    settings.write_text(json.dumps(SETTINGS | {"card": {"title": "only another title"}}))
    assert shell(*command)[0] == 0
    next(folder.rglob("*.png")).unlink()
    code, _, err = shell(*command)
    assert code == 1
    assert "networks from other slices or with other settings" in err


def test_going_on_tells_what_was_forgotten(shell, folder, settings, tmp_path):
    shell("train", "--data", folder, "--out", tmp_path / "a", "--config", settings)
    code, out, _ = shell("train", "--data", folder, "--out", tmp_path / "b", "--config", settings,
                         "--from", tmp_path / "a" / "network.safetensors",
                         "--replay", folder)  # fmt: skip
    assert code == 0
    assert "loss on the older data" in out


def test_evaluate_ranks_methods_and_writes_tables(shell, folder, tmp_path):
    code, out, err = shell("evaluate", "--data", folder, "--methods", "maximum,laplacian:levels=2",
                           "--every", 3, "--out", tmp_path / "e", "--json")  # fmt: skip
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert set(told["ranks"]) == {"two-sided", "broad"}
    assert sum(told["ranks"]["two-sided"].values()) == pytest.approx(3)
    assert {row["group"] for row in told["rows"]} == {"CT-MR", "PET-MR"}
    assert all(row["leak"] == 0 for row in told["rows"])
    assert "| maximum |" in (tmp_path / "e" / "evaluation.md").read_text()
    assert len((tmp_path / "e" / "evaluation.csv").read_text().splitlines()) == 5
    assert (tmp_path / "e" / "ranks.png").stat().st_size > 300


def test_what_onnx_lacks_is_said_before_anything_is_written(shell, folder, tiny, tmp_path):
    network, out = tiny.save(tmp_path / "full.safetensors"), tmp_path / "out"
    out.mkdir()
    asked = ("quantise", network, "--out", out / "a.safetensors", "--onnx", out / "a.onnx")
    code, _, err = shell(*asked)
    assert (code, "give --data" in err, list(out.iterdir())) == (1, True, [])
    if find_spec("onnx") is None:
        code, _, err = shell(*asked, "--data", folder)
        assert (code, "napari-fusion[onnx]" in err, list(out.iterdir())) == (1, True, [])


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("train", "--data", "none"), "is not a folder"),
        (("evaluate", "--data", "none"), "is not a folder"),
        (("evaluate", "--data", "none", "--methods", "lapacian"), "did you mean 'laplacian'"),
        (("prune", "none.safetensors", "--data", "none"), "no network file"),
        (("quantise", "none.safetensors"), "no network file"),
    ],
)
def test_faults_are_one_sentence(shell, tmp_path, args, sentence):
    code, _, err = shell(*args, "--out", tmp_path / "out")
    assert code == 1
    assert sentence in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"train": {"steps": 0}}', "steps"),
        ('{"net": {"magic": 1}}', "magic"),
        ('{"train": {"weights": {"beauty": 1}}}', "the terms of the loss are"),
    ],
)
def test_wrong_settings_are_named(shell, folder, tmp_path, text, sentence):
    path = tmp_path / "wrong.json"
    path.write_text(text)
    code, _, err = shell("train", "--data", folder, "--out", tmp_path / "o", "--config", path)
    assert code == 1
    assert sentence in err


@pytest.mark.parametrize("command", ["train", "pipeline"])
def test_settings_that_nobody_knows_are_refused(shell, folder, settings, tmp_path, command):
    settings.write_text(json.dumps({"steps": 40}))
    code, _, err = shell(command, "--data", folder, "--out", tmp_path / "o", "--config", settings)
    assert code == 1
    assert "steps is not one of net, train, prune, card" in err
    assert not (tmp_path / "o").exists()
