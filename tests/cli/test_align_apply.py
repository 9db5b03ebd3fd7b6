import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from napari_fusion import Alignment, Grid, Landmarks, Quality, Volume, load, resample, save
from napari_fusion.registration import DisplacementField
from napari_fusion.registration.files import WRITTEN


def written(folder):
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@pytest.fixture(scope="module")
def truth(files) -> Alignment:
    return Alignment.load(files["truth"])


@pytest.fixture(scope="module")
def marks(files, truth, tmp_path_factory):
    """Six places marked in both volumes, as one table and as two files of 3D Slicer."""
    folder = tmp_path_factory.mktemp("marks")
    fixed = np.random.default_rng(0).uniform(-60, 60, (6, 3))
    noise = np.random.default_rng(1).normal(0, 1, (6, 3))
    pairs = Landmarks(fixed, truth.map_points(fixed) + noise)
    pairs.save(folder / "pairs.csv")
    pairs.save(folder / "ct.mrk.json", folder / "mr.fcsv")
    return folder


def test_align_writes_a_judged_transform(shell, files, tmp_path):
    out = tmp_path / "t.tfm"
    command = ("align", files["ct"], files["moved"], "--out", out, "--truth", files["truth"])
    code, said, _ = shell(*command)
    assert code == 0
    assert said.startswith("PASS: ")
    assert "uncertainty:" in said
    assert "error against the known transform:" in said
    assert str(out) in said
    assert written(tmp_path) == {"t.tfm"}
    assert Alignment.load(out).quality.verdict == "PASS"


def test_align_tells_machines_everything(shell, files, tmp_path):
    code, said, _ = shell(
        *("align", files["ct"], files["moved"], "--out", tmp_path / "t.json", "--json"),
        *("--truth", files["truth"], "--initial", files["truth"], "--search", "near"),
    )
    assert code == 0
    told = json.loads(said)
    assert told["verdict"] == "PASS"
    assert told["tre_mm"] < 1
    assert told["numbers"]["z"] > 2
    assert told["outputs"] == [str(tmp_path / "t.json")]
    read = Alignment.load(tmp_path / "t.json")
    np.testing.assert_array_equal(read.matrix, told["fixed_to_moving_lps"])


def test_a_fail_writes_nothing_unless_it_is_accepted_by_name(shell, files, truth, tmp_path):
    wrong = truth.moved((25, 0, 0), (0, 30, 0))
    wrong.save(tmp_path / "wrong.tfm")
    command = ("align", files["ct"], files["moved"], "--initial", tmp_path / "wrong.tfm")
    command += ("--no-refine", "--json", "--out", tmp_path / "t.tfm")
    code, said, err = shell(*command)
    assert code == 1
    assert json.loads(said)["verdict"] == "FAIL"
    assert json.loads(said)["outputs"] == []
    assert "Nothing was written." in err
    assert "--accept FAIL" in err
    assert written(tmp_path) == {"wrong.tfm"}
    code, said, _ = shell(*command, "--accept", "FAIL")
    assert code == 0
    assert Alignment.load(tmp_path / "t.tfm").quality.verdict == "FAIL"


def test_only_a_pass_may_be_asked_for(shell, files, marks, tmp_path):
    rows = (marks / "pairs.csv").read_text().splitlines()
    (tmp_path / "three.csv").write_text("\n".join(rows[:5]))
    code, _, err = shell(
        *("align", files["ct"], files["moved"], "--points", tmp_path / "three.csv"),
        *("--no-refine", "--accept", "PASS", "--out", tmp_path / "t.tfm"),
    )
    assert code == 1
    assert "CHECK: 3 pairs" in err
    assert written(tmp_path) == {"three.csv"}


@pytest.mark.parametrize("sides", [("pairs.csv",), ("ct.mrk.json", "mr.fcsv")])
def test_landmarks_alone_make_a_transform(sides, shell, files, truth, marks, tmp_path):
    given = [part for side in sides for part in ("--points", marks / side)]
    code, said, _ = shell(
        *("align", files["ct"], files["moved"], *given, "--no-refine"),
        *("--out", tmp_path / "t.tfm", "--truth", files["truth"]),
    )
    assert code == 0
    assert "landmarks: " in said
    assert "landmark pairs agree" in said
    read = Alignment.load(tmp_path / "t.tfm")
    assert np.abs(read.matrix - truth.matrix).max() < 4


def test_landmarks_start_a_search(shell, files, marks, tmp_path):
    code, said, _ = shell(
        *("align", files["ct"], files["moved"], "--points", marks / "pairs.csv"),
        *("--search", "near", "--out", tmp_path / "t.tfm", "--json", "--truth", files["truth"]),
    )
    assert code == 0
    told = json.loads(said)
    assert told["tre_mm"] < 1
    assert len(told["landmarks_mm"]) == 6
    assert max(told["landmarks_mm"]) < 6


@pytest.mark.parametrize("ending", [e for e in WRITTEN if e != ".dcm"])
def test_any_format_goes_out_and_in(ending, shell, files, marks, tmp_path):
    from napari_fusion import align_landmarks

    out = tmp_path / f"t{ending}"
    code, _, err = shell(
        *("align", files["ct"], files["moved"], "--points", marks / "pairs.csv", "--no-refine"),
        *("--out", out),
    )
    assert code == 0, err
    ct, mr = load(files["ct"]), load(files["moved"])
    expected = align_landmarks(Landmarks.load(marks / "pairs.csv"), ct.grid, mr.grid)
    drawn = tmp_path / "drawn.nii.gz"
    code, _, err = shell("apply", out, files["moved"], "--like", files["ct"], "--out", drawn)
    assert code == 0
    assert ("does not say which volumes" in err) == (ending in {".h5", ".hdf5", ".mat"})
    there = resample(mr, ct.grid, expected).array
    np.testing.assert_allclose(load(drawn).array, there, atol=1e-2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "elastic"], "model"),
        (["--search", "far"], "search"),
        (["--engine", "flirt"], "engine"),
        (["--engine", "elastix", "--model", "similarity"], "rigid and affine maps"),
        (["--no-refine"], "needs a start"),
        (["--points", "gone.csv"], "gone.csv"),
        (["--points", "a", "--points", "b", "--points", "c"], "two files"),
        (["--initial", "gone.tfm"], "gone.tfm"),
        (["--out", "t.nii"], "saved as .tfm"),
        (["--out", "gone/t.tfm"], "folder does not exist"),
        (["--out", "t.dcm"], "frames of reference"),
        (["--out", "t.json", "--model", "deformable"], "save it as .tfm"),
        (["--no-refine", "--points", "a.csv", "--model", "deformable"], "leave out --no-refine"),
        (["--no-refine", "--fixed-mask", "m.nii.gz"], "masks limit"),
        (["--moving-mask", "gone.nii.gz"], "gone.nii.gz"),
    ],
)
def test_slips_are_named_and_nothing_is_written(
    options, words, shell, files, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in options else ["--out", "t.tfm"]
    code, _, err = shell("align", files["ct"], files["moved"], *out, *options)
    assert code == 1
    assert words in err
    assert "Traceback" not in err
    assert written(tmp_path) == set()


@pytest.fixture
def mask(files, tmp_path):
    """Write labels on the grid of one of the files."""

    def write(name, array) -> Path:
        grid = load(files[name]).grid
        volume = Volume(array(grid).astype(np.uint8), grid, "LABEL", "label")
        return save(volume, tmp_path / f"{name}_mask.nii.gz")

    return write


def test_masks_bound_what_is_bent(shell, files, mask, tmp_path, monkeypatch):
    asked = {}

    def align(fixed, moving, options, *, initial, masks, progress):
        asked.update(options=options, masks=masks)
        vectors = np.full((2, 2, 2, 3), 1.0)
        field = DisplacementField(Grid.regular((2, 2, 2), (50, 50, 50)), vectors)
        quality = Quality(verdict="PASS", sentence="They match.")
        return Alignment(fixed.grid, moving.grid, np.eye(4), quality, field)

    monkeypatch.setattr("napari_fusion.registration.align", align)
    half = mask("moved", lambda grid: np.arange(grid.shape[0])[:, None, None] * np.ones(grid.shape))
    code, _, err = shell(
        *("align", files["ct"], files["moved"], "--model", "deformable"),
        *("--moving-mask", half, "--out", tmp_path / "t.tfm"),
    )
    assert code == 0, err
    assert asked["options"].model == "deformable"
    assert asked["masks"][0] is None
    np.testing.assert_array_equal(asked["masks"][1].array, load(half).array)
    assert not Alignment.load(tmp_path / "t.tfm").linear


@pytest.mark.parametrize("role", ["fixed", "moving"])
def test_d58_an_empty_mask_is_refused(role, shell, files, mask, tmp_path):
    empty = mask({"fixed": "ct", "moving": "moved"}[role], lambda grid: np.zeros(grid.shape))
    code, _, err = shell(
        *("align", files["ct"], files["moved"], f"--{role}-mask", empty),
        *("--out", tmp_path / "t.tfm"),
    )
    assert code == 1
    assert f"the mask of the {role} volume marks none of its voxels" in err
    assert written(tmp_path) == {empty.name}


def test_two_starts_are_one_too_many(shell, files, marks, tmp_path):
    code, _, err = shell(
        *("align", files["ct"], files["moved"], "--points", marks / "pairs.csv"),
        *("--initial", files["truth"], "--out", tmp_path / "t.tfm"),
    )
    assert code == 1
    assert "not both" in err


@pytest.mark.parametrize(
    ("change", "words"),
    [(lambda a: a.fill(np.nan), "no finite value"), (lambda a: a.fill(7), "same value")],
)
def test_d58_volumes_without_content_are_refused(change, words, shell, files, spoiled, tmp_path):
    path = spoiled(change)
    code, _, err = shell("align", files["ct"], path, "--out", tmp_path / "t.tfm")
    assert code == 1
    assert words in err
    assert written(tmp_path) == {path.name}


def test_d62_a_transform_of_another_pair_needs_a_flag(shell, files, tmp_path):
    grid = load(files["ct"]).grid
    Alignment.identity(grid.with_spacing(5), grid).save(tmp_path / "other.tfm")
    command = ("align", files["ct"], files["moved"], "--initial", tmp_path / "other.tfm")
    command += ("--out", tmp_path / "t.tfm")
    code, _, err = shell(*command)
    assert code == 1
    assert "another fixed and another moving volume" in err
    assert "--other-pair" in err
    assert shell(*command, "--other-pair", "--search", "near", "--accept", "FAIL")[0] == 0


@pytest.fixture
def labels(files, tmp_path):
    """A file of three labels on the grid of the moved MR, as another program writes it."""
    image = nib.load(files["moved"])
    array = np.zeros(image.shape, np.uint16)
    array[8:24, 10:30, 10:30] = 7
    array[12:20, 14:22, 14:22] = 1003
    path = tmp_path / "labels.nii.gz"
    nib.save(nib.Nifti1Image(array, image.affine), path)
    return path


def test_apply_draws_an_image_as_python_does(shell, files, truth, tmp_path):
    out = tmp_path / "drawn.nii.gz"
    code, said, _ = shell(
        "apply", files["truth"], files["moved"], "--like", files["ct"], "--out", out
    )
    assert code == 0
    assert "linear" in said
    expected = resample(load(files["moved"]), load(files["ct"]).grid, truth)
    np.testing.assert_array_equal(load(out).array, expected.array)
    assert load(out).modality == "MR"
    assert written(tmp_path) == {"drawn.nii.gz"}


def test_apply_keeps_labels_whole_by_itself(shell, files, labels, tmp_path):
    out = tmp_path / "drawn.nii.gz"
    code, said, _ = shell(
        "apply", files["truth"], labels, "--like", files["ct"], "--out", out, "--json"
    )
    assert code == 0
    assert json.loads(said)["labels"] is True
    drawn = nib.load(out)
    assert drawn.get_data_dtype() == np.int16
    assert set(np.unique(np.asarray(drawn.dataobj))) == {0, 7, 1003}
    assert load(out).modality == "LABEL"
    theirs = sitk.Resample(
        sitk.ReadImage(str(labels)),
        sitk.ReadImage(str(files["ct"])),
        sitk.ReadTransform(str(files["truth"])),
        sitk.sitkNearestNeighbor,
    )
    same = sitk.GetArrayFromImage(theirs) == sitk.GetArrayFromImage(sitk.ReadImage(str(out)))
    assert same.mean() > 0.9999


def test_apply_does_as_it_is_told(shell, files, labels, tmp_path):
    command = ("apply", files["truth"], labels, "--like", files["ct"], "--json")
    code, said, _ = shell(*command, "--out", tmp_path / "a.nii.gz", "--no-labels")
    assert code == 0
    assert json.loads(said)["interpolation"] == "linear"
    assert len(np.unique(load(tmp_path / "a.nii.gz").array)) > 10
    code, _, err = shell(*command, "--out", tmp_path / "b.nii.gz", "--interpolation", "cubic")
    assert code == 1
    assert "--no-labels" in err
    command = ("apply", files["truth"], files["moved"], "--like", files["ct"])
    code, _, err = shell(*command, "--out", tmp_path / "c.nii.gz", "--labels")
    assert code == 1
    assert "whole numbers" in err


def test_apply_undoes_a_transform(shell, files, truth, tmp_path):
    out = tmp_path / "drawn.mha"
    command = ("apply", files["truth"], files["ct"], "--like", files["moved"], "--out", out)
    code, _, err = shell(*command)
    assert code == 1
    assert "--other-pair" in err
    assert shell(*command, "--inverse", "--fill", "-1000")[0] == 0
    expected = resample(load(files["ct"]), load(files["moved"]).grid, truth.inverse(), fill=-1000)
    np.testing.assert_array_equal(load(out).array, expected.array)


def test_d62_a_mirror_is_not_applied(shell, files, truth, tmp_path):
    Alignment(truth.fixed, truth.moving, truth.matrix @ np.diag([-1.0, 1, 1, 1])).save(
        tmp_path / "mirror.tfm"
    )
    command = ("apply", tmp_path / "mirror.tfm", files["moved"], "--like", files["ct"])
    code, _, err = shell(*command, "--out", tmp_path / "a.nii.gz")
    assert code == 1
    assert "left and right" in err
    assert "Nothing was applied." in err
    assert written(tmp_path) == {"mirror.tfm"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "a.txt"], ".nii.gz"),
        (["--out", "gone/a.nii.gz"], "folder does not exist"),
        (["--interpolation", "magic"], "linear, nearest, cubic"),
        (["--like", "gone.nii.gz"], "gone.nii.gz"),
    ],
)
def test_slips_of_apply_are_named(options, words, shell, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = [] if "--out" in options else ["--out", "a.nii.gz"]
    more += [] if "--like" in options else ["--like", files["ct"]]
    code, _, err = shell("apply", files["truth"], files["moved"], *more, *options)
    assert code == 1
    assert words in err
    assert written(tmp_path) == set()


def test_apply_never_writes_over_its_input(shell, files, tmp_path):
    path = save(load(files["moved"]), tmp_path / "mine.nii.gz")
    before = path.read_bytes()
    code, _, err = shell("apply", files["truth"], path, "--like", files["ct"], "--out", path)
    assert code == 1
    assert "one of the inputs" in err
    assert path.read_bytes() == before


@pytest.mark.real
@pytest.mark.slow
def test_a_dicom_registration_goes_out_and_in_of_dicom_folders(shell, data, tmp_path):
    """The published CT and MR, the MR moved and given a frame of its own."""
    study = data / "volumes" / "sts_petct_mr" / "STS_002"
    ct, mr = study / "CT" / "image", tmp_path / "mr"
    mr.mkdir()
    for path in (study / "MR_T1" / "image").iterdir():
        slice_ = pydicom.dcmread(path)
        slice_.FrameOfReferenceUID = "1.2.3.4"
        x, y, z = map(float, slice_.ImagePositionPatient)
        slice_.ImagePositionPatient = [x + 5, y, z]
        slice_.save_as(mr / path.name)
    shift = {"matrix": np.eye(4).tolist(), "frame": "LPS", "direction": "fixed to moving"}
    shift["matrix"][0][3] = 5
    (tmp_path / "shift.json").write_text(json.dumps(shift))
    code, _, err = shell(
        *("align", ct, mr, "--initial", tmp_path / "shift.json", "--no-refine"),
        *("--accept", "FAIL", "--out", tmp_path / "t.dcm"),
    )
    assert code == 0, err
    draw = ("apply", tmp_path / "t.dcm", mr, "--like", ct, "--out", tmp_path / "moved.nii.gz")
    assert shell(*draw)[0] == 0
    there = resample(load(study / "MR_T1" / "image"), load(ct).grid)
    np.testing.assert_allclose(load(tmp_path / "moved.nii.gz").array, there.array, atol=0.5)


def test_labels_that_32_bit_numbers_cannot_tell_apart_are_refused(shell, files, labels, tmp_path):
    image = nib.load(labels)
    values = np.asarray(image.dataobj).astype(np.int32)
    values[values == values.max()] = 2**24 + 1
    path = tmp_path / "many.nii.gz"
    nib.save(nib.Nifti1Image(values, image.affine), path)
    out = tmp_path / "drawn.nii.gz"
    code, _, err = shell("apply", files["truth"], path, "--like", files["ct"], "--out", out)
    assert code == 1
    assert "labels of 16777216 or more" in err
    assert not out.exists()
