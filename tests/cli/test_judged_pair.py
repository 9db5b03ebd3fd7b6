"""A verdict in a transform file is of two volumes, not of their grids."""

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_fusion import Alignment, Quality, load, save

PASSED = Quality(verdict="PASS", sentence="They match.", uncertainty_mm=0.4)


@pytest.fixture
def given(files, tmp_path):
    """A transform judged on ct and moved, and files of other voxels on the same two grids."""
    ct, moved = load(files["ct"]), load(files["moved"])
    truth = Alignment.load(files["truth"])
    named = replace(truth, quality=PASSED, judged_on=(ct.fingerprints, moved.fingerprints))
    named.save(tmp_path / "t.tfm")
    noise = np.random.default_rng(0).normal(0, 20, moved.array.shape).astype(np.float32)
    other = save(replace(moved, array=moved.array + noise), tmp_path / "other.nii.gz")
    labels = (ct.array > 300).astype(np.float32) + (ct.array > 700)
    drawn = save(replace(ct, array=labels, modality="OTHER", unit="1"), tmp_path / "drawn.nii.gz")
    return {"t": tmp_path / "t.tfm", "other": other, "labels": drawn, "out": tmp_path / "out"}


def test_d62_run_refuses_other_voxels_on_the_same_grid(shell, files, given):
    command = ("run", files["ct"], given["other"], "--alignment", given["t"], "--no-window")
    command += ("--out", given["out"], "--method", "average", "--json")
    code, _, err = shell(*command)
    assert code == 1
    assert "t.tfm was made for another moving volume" in err
    assert "--other-pair" in err
    assert not given["out"].exists()
    code, said, _ = shell(*command, "--other-pair")
    assert (code, json.loads(said)["verdicts"]) == (0, ["CHECK"])


def test_d62_run_believes_the_verdict_of_its_own_volumes_and_writes_it(shell, files, given):
    command = ("run", files["ct"], files["moved"], "--no-window", "--method", "average", "--json")
    first = shell(*command, "--alignment", given["t"], "--out", given["out"])
    again = shell(*command, "--alignment", given["out"] / "alignment.tfm", "--out", given["out"])
    assert [json.loads(said)["verdicts"] for _, said, _ in (first, again)] == [["PASS"]] * 2


def test_d62_apply_draws_labels_and_other_contrasts_of_the_pair(shell, files, given, tmp_path):
    common = ("--like", files["ct"], "--out", tmp_path / "drawn_on.nii.gz", "--json")
    code, said, _ = shell("apply", given["t"], given["other"], *common)
    told = json.loads(said)
    assert (code, told["verdict"]) == (0, "CHECK")
    assert "other voxels than the moving volume's" in told["sentence"]
    back = ("--like", files["moved"], "--out", tmp_path / "back.nii.gz", "--json")
    Alignment.load(given["t"]).inverse().save(tmp_path / "back.tfm")
    code, said, _ = shell("apply", tmp_path / "back.tfm", given["labels"], *back, "--labels")
    told = json.loads(said)
    assert (code, told["verdict"], told["labels"]) == (0, "PASS", True)


def test_d62_a_transform_edited_by_hand_is_no_pass(shell, files, given):
    text = given["t"].read_text()
    numbers = text.split("Parameters: ")[1].split("\n")[0].split()
    moved = " ".join([*numbers[:9], repr(float(numbers[9]) + 40), *numbers[10:]])
    given["t"].write_text(text.replace(" ".join(numbers), moved, 1))
    command = ("run", files["ct"], files["moved"], "--alignment", given["t"], "--no-window")
    code, said, _ = shell(*command, "--out", given["out"], "--method", "average", "--json")
    assert (code, json.loads(said)["verdicts"]) == (0, ["CHECK"])
    assert "changed after it was judged" in json.loads(said)["state"]


def test_measure_tells_a_transform_that_is_no_pass(shell, files, given):
    command = ("measure", given["other"], given["labels"], "--transform", given["t"], "--json")
    code, _, err = shell(*command)
    assert code == 0
    assert "CHECK: This alignment was judged on other voxels than the moving volume's" in err
