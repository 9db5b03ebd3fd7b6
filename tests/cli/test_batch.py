"""``napari-fusion batch``: options reach every case, and a failure shows in the exit code."""

import json


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
