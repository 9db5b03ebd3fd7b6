"""What a command is told is done, or refused in one sentence; nothing is dropped in silence."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_fusion import load, phantom, save
from napari_fusion.cli import app, main
from napari_fusion.cli.volumes import Reading, load_all
from napari_fusion.errors import ParameterError, silent

PLAIN = ("--register", "none", "--no-window", "--method", "average")


@pytest.fixture
def pet(files):
    """Write a PET in g/mL on the CT's grid; the file says so."""
    path = files["ct"].with_name("pet.nii.gz")
    save(replace(phantom.head("PET", load(files["ct"]).grid), unit="g/mL"), path)
    return path


def test_an_input_is_never_written_over(shell, files, tmp_path):
    inside = tmp_path / "fused.nii.gz"
    inside.write_bytes(files["ct"].read_bytes())
    code, _, err = shell("run", inside, files["mr"], "--out", tmp_path, *PLAIN)
    assert code == 1
    assert "is one of the inputs and would be written over" in err
    assert inside.read_bytes() == files["ct"].read_bytes()
    code, _, err = shell("change", inside, files["mr"], "--out", tmp_path, *PLAIN[:2])
    assert (code, "one of the inputs" in err) == (1, True)


def test_an_input_folder_is_never_the_output(shell, files):
    code, _, err = shell("run", files["ct"].parent, files["mr"], "--out", files["ct"].parent)
    assert code == 1
    assert "choose another folder" in err


def test_results_of_an_earlier_run_go(shell, files, tmp_path):
    code, _, _ = shell("run", files["ct"], files["mr"], files["mr"], "--out", tmp_path, *PLAIN)
    assert code == 0
    assert (tmp_path / "attribution_2.nii.gz").exists()
    (tmp_path / "notes.txt").write_text("mine")
    code, _, _ = shell("run", files["ct"], files["mr"], "--out", tmp_path, *PLAIN)
    assert code == 0
    assert not list(tmp_path.glob("*_2*"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_refused_run_leaves_no_folder(shell, files, tmp_path):
    out = tmp_path / "deep" / "down"
    code, _, _ = shell("run", files["ct"], tmp_path / "none.nii.gz", "--out", out)
    assert code == 1
    assert not (tmp_path / "deep").exists()


def test_a_modality_that_the_file_contradicts_is_refused(shell, files, tmp_path):
    out = ("--out", tmp_path / "o", *PLAIN)
    code, _, err = shell("run", files["ct"], files["mr"], "--modality", "PT,MR", *out)
    assert code == 1
    assert "volume 1 says that it is CT" in err


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ("suv 10,auto", "'suv 10' is for PET in SUV (g/mL), and volume 1 is CT in HU"),
        ("brain,Bone", "'Bone' is for CT in HU, and volume 2 is MR"),
    ],
)
def test_a_named_window_of_another_modality_is_refused(shell, files, tmp_path, windows, said):
    out = ("--out", tmp_path / "o", *PLAIN)
    code, _, err = shell("run", files["ct"], files["mr"], "--windows", windows, *out)
    assert code == 1
    assert said in err


def test_a_named_window_of_its_modality_is_taken(shell, files, pet, tmp_path):
    out = ("--out", tmp_path / "o", *PLAIN)
    code, _, err = shell("run", files["ct"], pet, "--windows", "brain,SUV-10", *out)
    assert code == 0, err
    record = json.loads((tmp_path / "o" / "record.json").read_text())
    assert record["recipe"]["windows"][1] == {"lower": 0, "upper": 10}


def test_suv_is_asked_for_by_kind_and_another_kind_is_refused(shell, files, pet, tmp_path):
    command = ("run", files["ct"], pet, "--out", tmp_path / "o", *PLAIN)
    code, _, err = shell(*command, "--suv", "bw")
    assert code == 0, err
    assert json.loads((tmp_path / "o" / "record.json").read_text())["recipe"]["suv"] == "bw"
    code, _, err = shell(*command, "--suv", "lbm")
    assert code == 1
    assert "without patient weight" in err
    code, _, err = shell("change", files["ct"], files["ct"], "--out", tmp_path / "c", "--suv", "bw")
    assert code == 1
    assert "no volume is: leave it out" in err


def test_a_truth_of_other_volumes_is_refused(shell, files, tmp_path):
    command = ("run", files["mr"], files["ct"], "--out", tmp_path / "o", *PLAIN)
    code, _, err = shell(*command, "--truth", files["truth"])
    assert code == 1
    assert "was made for another" in err


def test_as_many_truths_as_moving_volumes(shell, files, tmp_path):
    command = ("run", files["ct"], files["mr"], files["mr"], "--out", tmp_path / "o", *PLAIN)
    code, _, err = shell(*command, "--truth", files["truth"])
    assert code == 1
    assert "1 truths were given for 2 moving volumes" in err


@pytest.mark.parametrize("command", ["run", "change"])
def test_an_alignment_and_a_registration_contradict(shell, files, tmp_path, command):
    given = ("--alignment", files["truth"], "--register", "affine", "--out", tmp_path / "o")
    code, _, err = shell(command, files["ct"], files["moved"], *given)
    assert code == 1
    assert "leave out --register, or --alignment" in err


@pytest.mark.parametrize(
    ("option", "said"),
    [(("--series", "1.2.3"), "none of the volumes is this"), (("--frame", "3"), "several frames")],
)
def test_a_choice_that_fits_nothing_is_refused(shell, files, tmp_path, option, said):
    command = ("run", files["ct"], files["mr"], "--out", tmp_path / "o", *PLAIN)
    code, _, err = shell(*command, *option)
    assert code == 1
    assert said in err


def test_two_series_of_one_folder_are_chosen_in_order(files):
    place, read = files["ct"].parent, Reading(["mr.nii.gz", "ct.nii.gz"])
    names = [volume.name for volume in load_all([place, place], read, silent)]
    assert names == ["mr", "ct"]
    names = [
        volume.name for volume in load_all([files["moved"], place], Reading(["mr.nii.gz"]), silent)
    ]
    assert names == ["moved", "mr"]


def test_a_series_that_no_volume_is_left_for_is_refused(files):
    place, read = files["ct"].parent, Reading(["ct.nii.gz", "mr.nii.gz"])
    with pytest.raises(ParameterError, match=r"--series mr\.nii\.gz: ct\.nii\.gz is taken"):
        load_all([place, files["moved"]], read, silent)


def test_a_parameter_is_given_once(shell, files, tmp_path):
    twice = ("--method", "laplacian", "--param", "levels=3", "--param", "levels=4")
    code, _, err = shell("run", files["ct"], files["mr"], "--out", tmp_path / "o", *twice)
    assert code == 1
    assert "--param levels is given twice" in err


def test_what_no_refine_would_ignore_is_refused(shell, files, tmp_path):
    start = ("--initial", files["truth"], "--no-refine", "--out", tmp_path / "t.tfm")
    code, _, err = shell(
        "align", files["ct"], files["moved"], *start, "--seed", "9", "--model", "affine"
    )
    assert code == 1
    assert "leave out --model and --seed, or --no-refine" in err


def test_a_picture_is_no_mask(shell, files, tmp_path):
    out = ("--fixed-mask", files["mr"], "--out", tmp_path / "t.tfm")
    code, _, err = shell("align", files["ct"], files["moved"], *out)
    assert code == 1
    assert "is a picture, not a mask" in err


@pytest.mark.parametrize(
    "fill", [("--fill", "inf"), ("--fill", "1e60"), ("--labels", "--fill", "-3")]
)
def test_a_fill_that_no_voxel_can_hold_is_refused(shell, files, tmp_path, fill):
    out = tmp_path / "o.nii.gz"
    drawn = ("apply", files["truth"], files["moved"], "--like", files["ct"], "--out", out)
    code, _, err = shell(*drawn, *fill)
    assert code == 1
    assert "--fill" in err
    assert not out.exists()


@pytest.mark.parametrize("inputs", [5, [5], [{"history": [{}]}]])
def test_a_damaged_record_is_one_sentence(shell, files, tmp_path, inputs):
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"recipe": {}, "inputs": inputs}))
    out = ("--recipe", record, "--out", tmp_path / "o", *PLAIN)
    code, _, err = shell("run", files["ct"], files["mr"], *out)
    assert code == 1
    assert "the recipe" in err


def test_a_replay_on_another_frame_says_so(shell, files, tmp_path):
    ct = nib.load(files["ct"])
    frames = np.stack([ct.get_fdata(), ct.get_fdata()[::-1]], -1).astype(np.float32)
    path = tmp_path / "two.nii.gz"
    nib.save(nib.Nifti1Image(frames, ct.affine), path)
    command = ("run", path, files["mr"], *PLAIN, "--windows", "0:100,auto")
    code, _, err = shell(*command, "--out", tmp_path / "a", "--frame", "0")
    assert code == 0, err
    again = ("--recipe", tmp_path / "a" / "record.json", "--out", tmp_path / "b", "--frame", "1")
    code, _, err = shell(*command, *again)
    assert code == 0
    assert "volume 1 with frame 0, not 1" in err


@pytest.mark.parametrize("spacing", [[-1, 1, 1], [0, 1, 1], [0.01, 0.01, 0.01]])
def test_a_spacing_that_makes_no_grid_is_refused(shell, files, tmp_path, spacing):
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"spacing": spacing}))
    out = ("--recipe", recipe, "--out", tmp_path / "o", *PLAIN)
    code, _, err = shell("run", files["ct"], files["mr"], *out)
    assert code == 1
    assert "spacing" in err


def test_a_change_smoothed_beyond_all_bounds_is_refused(shell, files, tmp_path):
    command = ("change", files["ct"], files["ct"], "--out", tmp_path / "o", "--register", "none")
    code, _, err = shell(*command, "--uncertainty", "1", "--scale", "1e9")
    assert code == 1
    assert "at most 50 mm" in err


def test_ctrl_c_says_so(monkeypatch, shell, files, tmp_path):
    def stop(*_args, **_keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_fusion.recipe.run", stop)
    code, _, err = shell("run", files["ct"], files["mr"], "--out", tmp_path / "o", *PLAIN)
    assert code == 130
    assert "stopped" in err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("command", ["run", "change", "align"])
def test_every_default_is_told(command):
    told = CliRunner().invoke(app.app, [command, "--help"], env={"COLUMNS": "200"}).output
    for default in ("rigid", "laplacian", "CHECK", "refuse") if command != "align" else ("wide",):
        assert f"[default: ({default})]" in told or f"[default: {default}]" in told


@pytest.mark.parametrize("kind", [MemoryError, RuntimeError])
def test_memory_that_ran_out_is_one_sentence(monkeypatch, capsys, kind):
    def fail(args):
        raise kind("itkImportImageContainer.hxx:179:\nFailed to allocate memory for image.")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 1
    assert "not enough memory" in capsys.readouterr().err


def test_other_faults_are_not_called_memory(monkeypatch):
    monkeypatch.setattr(app, "app", lambda args: exec('raise RuntimeError("a bug")'))
    with pytest.raises(RuntimeError, match="a bug"):
        main([])


@pytest.mark.parametrize("command", ["train", "pipeline"])
def test_a_file_where_a_folder_is_wanted_is_said(shell, command, tmp_path):
    pytest.importorskip("torch", reason="the extra cnn is not installed")
    for kind in ("CT", "MR"):
        for name in ("1000", "2000"):
            path = tmp_path / "data" / "CT-MR" / kind / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((32, 32), 99, np.uint8)).save(path)
    (tmp_path / "file").write_text("mine")
    code, _, err = shell(command, "--data", tmp_path / "data", "--out", tmp_path / "file")
    assert code == 1
    assert "nothing can be written to" in err
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is of Linux")
def test_a_full_disk_for_what_is_printed_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "napari_fusion", "methods"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "no space is left" in done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("run", "{ct}", "{mr}", "--out", "{long}"), r"nothing can be written to x+ \(File name"),
        (("apply", "{truth}", "{mr}", "--like", "{ct}", "--out", "{long}.nii"), "name too long$"),
        (("measure", "{ct}", "{long}.nii"), r"x+\.nii cannot be read: file name too long$"),
        (("quantise", "{long}", "--out", "n.safetensors"), "x+ cannot be used: file name too long"),
    ],
)
def test_a_place_that_the_system_refuses_is_one_sentence(shell, files, command, words):
    """A folder that may not be entered gives the same kind of error, but not to the superuser."""
    places = {name: str(path) for name, path in files.items()} | {"long": "x" * 300}
    code, said, complaint = shell(*(part.format(**places) for part in command))
    assert (code, said) == (1, "")
    assert re.search(f"^napari-fusion: .*{words}", complaint)
