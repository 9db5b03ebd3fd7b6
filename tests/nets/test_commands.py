"""The shell's four commands for networks, from pictures to a quantised, evaluated file."""

import csv
import json
from contextlib import nullcontext
from importlib.util import find_spec

import pytest
import torch

from napari_fusion.cli import evaluate as evaluating
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


@pytest.fixture
def evaluation(shell, folder, tmp_path):
    """Give the command that ranks two methods on three slices, and its folder."""
    out = tmp_path / "e"

    def command(methods="maximum,average", every=3):
        return shell("evaluate", "--data", folder, "--methods", methods, "--every", every,
                     "--out", out, "--json")  # fmt: skip

    return command, out


@pytest.fixture
def judged(monkeypatch):
    """Give the slices that are judged; Ctrl-C comes when as many have been as `judged.most`."""

    class Judged(list):
        most = None

    seen, judge = Judged(), evaluating._judged

    def watched(stack, contender):
        if len(seen) == seen.most:
            raise KeyboardInterrupt
        seen.append(stack)
        return judge(stack, contender)

    monkeypatch.setattr(evaluating, "_judged", watched)
    return seen


def test_an_evaluation_goes_on_where_it_was_stopped(evaluation, judged):
    command, out = evaluation
    whole = json.loads(command()[1])
    assert (len(judged), sorted(p.name for p in out.iterdir())) == (
        6,
        ["evaluation.csv", "evaluation.md", "ranks.png"],
    )
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    judged.most = 10  # the second method on CT-MR is through, the first on PET-MR is not begun
    assert command()[0] == 130
    left = {p.name: p.read_bytes() for p in out.iterdir()}
    assert len(json.loads(left.pop("so_far.json"))["rows"]) == 2
    assert left == before
    judged.most = None
    again = json.loads(command()[1])
    assert len(judged) == 6 + 6
    assert again["ranks"] == whole["ranks"]
    for mine, theirs in zip(again["rows"], whole["rows"], strict=True):
        assert mine | {"cpu_ms": 0} == theirs | {"cpu_ms": 0}
    assert not (out / "so_far.json").exists()


def test_a_stopped_evaluation_of_another_kind_is_refused(evaluation, judged, tiny, tmp_path):
    command, out = evaluation
    network = tmp_path / "tiny.safetensors"
    tiny.save(network)
    judged.most = 0
    assert command(f"{network},average")[0] == 130
    left = (out / "so_far.json").read_bytes()
    judged.most = None
    tiny.described(title="another").save(network)
    for asked in ({"methods": f"{network},average"}, {"methods": "average"}, {"every": 2}):
        code, _, err = command(**asked)
        assert (code, len(judged)) == (1, 0)
        assert "a stopped evaluation of other slices" in err
    assert (out / "so_far.json").read_bytes() == left
    assert [p.name for p in out.iterdir()] == ["so_far.json"]


def test_an_evaluation_tells_every_slice(evaluation, monkeypatch):
    told = []
    monkeypatch.setattr(evaluating, "bar", lambda: nullcontext(lambda *one: told.append(one)))
    assert evaluation[0]()[0] == 0
    assert [message for _, message in told] == [
        f"{method} on {group}, slice {i} of {count}"
        for group, count in (("CT-MR", 2), ("PET-MR", 1))
        for method in ("maximum", "average")
        for i in range(1, count + 1)
    ]
    assert [fraction for fraction, _ in told] == pytest.approx([i / 6 for i in range(6)])


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
