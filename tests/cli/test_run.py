import json
import re
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

OUTPUTS = {
    "alignment.tfm",
    "attribution.nii.gz",
    "fused.nii.gz",
    "montage.png",
    "moving_on_fixed.nii.gz",
    "record.json",
}


def written(folder):
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_a_recipe_on_the_command_line(shell, files, tmp_path):
    code, out, err = shell(
        *("run", files["ct"], files["mr"], "--out", tmp_path / "o", "--register", "none"),
        *("--method", "laplacian", "--param", "levels=3", "--no-window"),
    )
    assert code == 0
    assert written(tmp_path / "o") == OUTPUTS
    assert "fused.nii.gz" in out
    assert "NOT REGISTERED" in err
    record = json.loads((tmp_path / "o" / "record.json").read_text())
    assert record["recipe"]["params"]["levels"] == 3


def test_a_record_replays_bit_for_bit(shell, files, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    run = ("run", files["ct"], files["moved"], "--no-window", "--json")
    code, out, _ = shell(*run, "--out", first, "--method", "maximum")
    assert code == 0
    assert json.loads(out)["verdicts"][0] in {"PASS", "CHECK"}
    code, _, err = shell(
        *(*run, "--out", again, "--recipe", first / "record.json"),
        *("--alignment", first / "alignment.tfm"),
    )
    assert code == 0
    assert "not the files" not in err
    hashes = [json.loads((f / "record.json").read_text())["fused"] for f in (first, again)]
    assert hashes[0]["array_sha256"] == hashes[1]["array_sha256"]
    assert "to the bit" not in err
    told = json.loads((first / "record.json").read_text())
    told["fused"]["array_sha256"] = "0" * 64
    (tmp_path / "changed.json").write_text(json.dumps(told))
    code, _, err = shell(
        *(*run, "--out", again, "--recipe", tmp_path / "changed.json"),
        *("--alignment", first / "alignment.tfm"),
    )
    assert (code, "the picture is not the record's to the bit" in err) == (0, True)


def test_the_error_against_a_known_truth_is_printed(shell, files, tmp_path):
    run = ("run", files["ct"], files["moved"], "--method", "average", "--no-window")
    run += ("--truth", files["truth"])
    code, out, _ = shell(*run, "--alignment", files["truth"], "--out", tmp_path / "a", "--json")
    assert code == 0
    assert json.loads(out)["tre_mm"] == [pytest.approx(0, abs=1e-6)]
    code, out, _ = shell(*run, "--register", "none", "--out", tmp_path / "b")
    error = re.search(r"known truth: ([\d.]+) mm", out)
    assert code == 0
    assert error is not None
    assert 5 < float(error[1]) < 40


def test_a_record_of_other_files_is_told(shell, files, tmp_path):
    run = ("run", "--no-window", "--register", "none", "--method", "average")
    assert shell(*run, files["ct"], files["mr"], "--out", tmp_path / "a")[0] == 0
    code, _, err = shell(
        *(*run, files["ct"], files["moved"], "--out", tmp_path / "b"),
        *("--recipe", tmp_path / "a" / "record.json"),
    )
    assert code == 0
    assert "not the files the record was made from" in err


def test_modality_names_what_a_file_cannot_say(shell, files, tmp_path):
    plain = tmp_path / "plain.nii"
    image = nib.load(files["ct"])
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine), plain)
    code, _, _ = shell(
        *("run", plain, files["mr"], "--modality", "CT,MR", "--out", tmp_path / "o"),
        *("--register", "none", "--method", "average", "--no-window"),
    )
    assert code == 0
    record = json.loads((tmp_path / "o" / "record.json").read_text())
    assert record["recipe"]["windows"][0] == {"lower": -150.0, "upper": 1200.0}


@pytest.mark.parametrize("window", ["0:0", "-150:1200", "Bone"])
def test_a_window_among_the_volumes_is_told_apart_from_a_missing_file(
    shell, files, tmp_path, window
):
    run = ("run", files["ct"], files["mr"], "--register", "none", "--out", tmp_path / "out")
    code, _, err = shell(*run, "--window", "--", window)
    assert code == 1
    assert f"{window} is no volume: windows come after --windows" in err
    assert not (tmp_path / "out").exists()
    assert "bone.nii does not exist" in shell(*run, "--window", "bone.nii")[2]


def test_windows_by_name(shell, files, tmp_path):
    run = ("run", files["ct"], files["mr"], "--register", "none", "--method", "average")
    run += ("--no-window", "--out", tmp_path / "o")
    assert shell(*run, "--windows", "Bone", "--windows", "auto")[0] == 0
    recipe = json.loads((tmp_path / "o" / "record.json").read_text())["recipe"]
    assert recipe["windows"][0] == {"lower": -770.0, "upper": 1730.0}
    assert recipe["windows"][1]["upper"] > recipe["windows"][1]["lower"]
    code, _, err = shell(*run, "--windows", "bone")
    assert code == 1
    assert "2 volumes and 1 windows" in err


def test_one_frame_of_a_4d_file(shell, files, tmp_path):
    image = nib.load(files["mr"])
    frames = np.stack([np.asarray(image.dataobj)] * 2, axis=-1)
    nib.save(nib.Nifti1Image(frames, image.affine), tmp_path / "4d.nii.gz")
    run = ("run", files["ct"], tmp_path / "4d.nii.gz", "--out", tmp_path / "o", "--no-window")
    run += ("--register", "none", "--method", "average")
    code, _, err = shell(*run)
    assert code == 1
    assert "frame" in err
    assert written(tmp_path / "o") == set()
    assert shell(*run, "--frame", "1")[0] == 0


def nan(array):
    array[:2] = np.nan


def all_nan(array):
    array[:] = np.nan


def constant(array):
    array[:] = 7


@pytest.mark.parametrize(
    ("change", "words"),
    [(nan, "NaN"), (all_nan, "no finite value"), (constant, "constant")],
)
def test_volumes_that_cannot_be_fused(shell, files, spoiled, tmp_path, change, words):
    out = tmp_path / "o"
    code, _, err = shell("run", files["ct"], spoiled(change), "--out", out, "--no-window")
    assert code == 1
    assert words in err
    assert "Traceback" not in err
    assert written(out) == set()


def test_nan_as_background_when_asked(shell, files, spoiled, tmp_path):
    code, _, err = shell(
        *("run", files["mr"], spoiled(nan), "--out", tmp_path / "o", "--nan", "background"),
        *("--register", "none", "--method", "average", "--no-window"),
    )
    assert code == 0
    assert "not finite" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "missing.nii.gz"), (b"not an image", "junk.nii.gz"), (b"", "empty.nii.gz")],
)
def test_files_that_are_no_volumes(shell, files, tmp_path, content, words):
    path = tmp_path / words
    if content is not None:
        path.write_bytes(content)
    code, _, err = shell("run", files["ct"], path, "--out", tmp_path / "o", "--no-window")
    assert code == 1
    assert words in err
    assert written(tmp_path / "o") == set()


def test_an_empty_folder(shell, files, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = shell("run", files["ct"], tmp_path / "empty", "--out", tmp_path / "o")
    assert code == 1
    assert "empty" in err


def test_volumes_that_do_not_overlap_are_not_fused_as_they_lie(shell, files, tmp_path):
    image = nib.load(files["mr"])
    affine = image.affine.copy()
    affine[:3, 3] += 2000
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), tmp_path / "far.nii.gz")
    code, _, err = shell(
        *("run", files["ct"], tmp_path / "far.nii.gz", "--out", tmp_path / "o"),
        *("--register", "none", "--no-window"),
    )
    assert code == 1
    assert "overlap" in err
    assert written(tmp_path / "o") == set()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "laplacien"], "laplacian"),
        (["--param", "levels"], "name=value"),
        (["--param", "levels=99"], "levels"),
        (["--modality", "XX,MR"], "--modality needs one of CT"),
    ],
)
def test_slips_are_named(shell, files, tmp_path, options, words):
    code, _, err = shell(
        "run", files["ct"], files["mr"], "--out", tmp_path / "o", "--no-window", *options
    )
    assert code == 1
    assert words in err
    assert written(tmp_path / "o") == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [("[1]", "not a JSON object"), ("{", "not JSON"), ('{"methd": "x"}', "methd")],
)
def test_recipes_that_are_none(shell, files, tmp_path, text, words):
    recipe = tmp_path / "recipe.json"
    recipe.write_text(text)
    code, _, err = shell(
        "run", files["ct"], files["mr"], "--out", tmp_path / "o", "--recipe", recipe
    )
    assert code == 1
    assert words in err


def test_an_output_folder_that_cannot_be_written(shell, files, tmp_path):
    (tmp_path / "taken").write_text("mine")
    code, _, err = shell("run", files["ct"], files["mr"], "--out", tmp_path / "taken")
    assert code == 1
    assert "nothing can be written to" in err
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_full_disk_leaves_nothing(files, tmp_path):
    """Let the system refuse to let files grow, as a full disk does."""
    resource = pytest.importorskip("resource", reason="file size limits are POSIX")
    command = [sys.executable, "-m", "napari_fusion", "run", files["ct"], files["mr"]]
    command += ["--out", tmp_path / "o", "--register", "none", "--no-window"]
    limit = 20_000  # bytes; fused.nii.gz needs more
    done = subprocess.run(
        [str(c) for c in command],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 1
    assert done.stderr.count("napari-fusion:") == 1
    assert "Traceback" not in done.stderr
    assert written(tmp_path / "o") == set()
