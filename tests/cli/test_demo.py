import json


def test_the_demo_recovers_the_known_truth(shell, tmp_path):
    code, out, _ = shell("demo", "--out", tmp_path, "--json", "--no-window")
    assert code == 0
    result = json.loads(out)
    assert result["tre_mm"] < 1.0
    assert result["start_mm"] > 5.0
    assert result["verdicts"] == ["PASS"]
    assert {"render", "align", "resample", "fuse", "write"} <= set(result["seconds"])
    names = {path.name for path in tmp_path.iterdir()}
    assert {"fixed.nii.gz", "moving.nii.gz", "fused.nii.gz", "truth.tfm", "record.json"} <= names
