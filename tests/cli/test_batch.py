"""``napari-fusion batch``: options reach every case, and a failure shows in the exit code."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest


def table(folder, *lines):
    path = folder / "cohort.csv"
    path.write_text("\n".join(["case,fixed,moving", *lines]))
    return path


def test_options_reach_the_cases(shell, files, tmp_path):
    path = table(tmp_path, f"one,{files['ct']},{files['mr']}")
    options = ["--register", "none", "--method", "laplacian", "--param", "levels=3"]
    options += ["--windows", "bone,auto", "--modality", "CT,MR"]
    code, out, _ = shell("batch", path, "--out", tmp_path / "out", *options, "--json")
    assert code == 0
    told = json.loads(out)["cases"]
    assert [(row["case"], row["status"], row["verdict"]) for row in told] == [
        ("one", "done", "CHECK")
    ]
    record = json.loads((tmp_path / "out/one/record.json").read_text())
    assert record["recipe"]["params"]["levels"] == 3
    assert record["recipe"]["windows"][0]["upper"] - record["recipe"]["windows"][0]["lower"] > 1500
    assert record["inputs"][1]["modality"] == "MR"


def test_a_failed_case_is_told_and_counts(shell, files, tmp_path):
    path = table(
        tmp_path,
        f"one,{files['ct']},{tmp_path / 'none.nii.gz'}",
        f"two,{files['ct']},{files['mr']}",
    )
    code, out, _ = shell("batch", path, "--out", tmp_path / "out", "--register", "none")
    assert code == 1
    assert "one: failed. none.nii.gz does not exist" in out
    assert "1 of 2 cases are done, 1 failed" in out


def test_a_wrong_table_is_one_sentence(shell, tmp_path):
    code, _, err = shell("batch", table(tmp_path), "--out", tmp_path / "out")
    assert code == 1
    assert "holds no case" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [("--windows=nonsense", "the window 'nonsense'"), ("--modality=CT,XX", "XX")],
)
def test_what_no_case_can_be_asked_is_refused_before_the_first(
    shell, files, tmp_path, option, said
):
    path = table(tmp_path, f"one,{files['ct']},{files['mr']}")
    code, _, err = shell("batch", path, "--out", tmp_path / "out", option)
    assert code == 1
    assert said in err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sign", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_cohort_that_is_told_to_end_ends_its_cases_and_leaves_nothing(files, tmp_path, sign):
    path = table(tmp_path, f"one,{files['ct']},{files['mr']}")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "napari_fusion", "batch", path, "--out", out]
    batch = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    case = first_child(batch.pid)
    batch.send_signal(getattr(signal, sign))
    said = batch.communicate(timeout=20)[1]
    assert batch.returncode == 130
    assert "stopped; no unfinished file was kept" in said
    case.wait(10)  # of itself it would end later, and leave its results
    assert not list(out.glob("one*"))


def first_child(pid):
    """Wait until a process has started another, and give that."""
    for _ in range(200):
        if children := psutil.Process(pid).children():
            return children[0]
        time.sleep(0.05)
    raise AssertionError("no case was begun")
