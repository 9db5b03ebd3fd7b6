import json

import nibabel as nib
import numpy as np
import pytest

from napari_fusion import Volume, export, load, save
from napari_fusion.export import digest


@pytest.fixture
def dates(files, tmp_path):
    """A CT, and the same with a lesion grown into it."""
    before = load(files["ct"])
    array = np.array(before.array)
    middle = tuple(n // 2 for n in array.shape)
    grown = tuple(slice(m - 3, m + 3) for m in middle)
    array[grown] += 300
    after = Volume(array, before.grid, modality="CT", unit="HU")
    return files["ct"], save(after, tmp_path / "after.nii.gz"), grown


def test_what_grew_is_told_and_written(shell, dates, tmp_path):
    before, after, grown = dates
    code, out, _ = shell(
        *("change", before, after, "--out", tmp_path / "o", "--register", "none"),
        *("--uncertainty", "1.5", "--scale", "0", "--method", "average", "--json"),
    )
    assert code == 0
    told = json.loads(out)
    assert told["change"]["unit"] == "HU"
    assert told["change"]["highest"] > 100
    assert told["change"]["lowest"] == pytest.approx(0, abs=1e-3)
    change = load(tmp_path / "o" / "change.nii.gz")
    outside = np.ones(change.array.shape, bool)
    outside[grown] = False
    assert np.abs(change.array[outside]).max() == pytest.approx(0, abs=1e-3)
    assert (tmp_path / "o" / "fused.nii.gz").exists()
    kept = json.loads((tmp_path / "o" / "record.json").read_text(encoding="utf-8"))["change"]
    assert kept.pop("array_sha256") == digest(change)
    assert kept == told["change"]
    voxel_ml = change.grid.spacing.prod() / 1000
    assert kept["more_ml"] == pytest.approx(np.count_nonzero(change.array > 0) * voxel_ml)
    assert kept["less_ml"] == pytest.approx(np.count_nonzero(change.array < 0) * voxel_ml)


def test_a_disk_full_at_the_change_keeps_the_former_results(shell, dates, tmp_path, monkeypatch):
    place = tmp_path / "out"
    asked = ["change", *dates[:2], "--out", place, "--register", "none", "--uncertainty", "2"]
    assert shell(*asked)[0] == 0
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    save = export.save

    def full(volume, path):
        if path.name == "change.nii.gz":
            raise OSError(28, "No space left on device")
        return save(volume, path)

    monkeypatch.setattr(export, "save", full)
    code, _, err = shell(*asked, "--sigmas", "3")
    assert code == 1
    assert "No space left on device" in err
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_an_unknown_uncertainty_is_asked_for(shell, dates, tmp_path):
    code, _, err = shell(
        "change", *dates[:2], "--out", tmp_path / "o", "--register", "none", "--method", "average"
    )
    assert code == 1
    assert "--uncertainty" in err
    assert not (tmp_path / "o").exists()


def test_different_modalities_are_refused(shell, files, tmp_path):
    code, _, err = shell(
        *("change", files["ct"], files["mr"], "--out", tmp_path / "o", "--register", "none"),
        *("--uncertainty", "1", "--method", "average"),
    )
    assert code == 1
    assert "CT in HU" in err


def test_windows_have_names(shell, dates, tmp_path):
    code, _, err = shell(
        *("change", *dates[:2], "--out", tmp_path / "o", "--register", "none"),
        *("--uncertainty", "1", "--method", "average", "--windows", "bone, bonne"),
    )
    assert code == 1
    assert "did you mean 'bone'" in err


@pytest.fixture
def bright_and_hot(files, tmp_path):
    """A fused picture and a functional volume on its grid, as files."""
    ct = load(files["ct"])
    grey = Volume(((ct.array - ct.array.min()) / np.ptp(ct.array)).astype(np.float32), ct.grid)
    hot = Volume(np.maximum(ct.array, 0).astype(np.float32), ct.grid, modality="NM")
    return save(grey, tmp_path / "grey.nii.gz"), save(hot, tmp_path / "hot.nii.gz")


def test_a_fused_picture_in_colour(shell, bright_and_hot, tmp_path):
    code, out, _ = shell(
        *("colour", *bright_and_hot, "--out", tmp_path / "o", "--palette", "PET"),
        *("--convention", "lightness", "--window", "0:1000", "--json"),
    )
    assert code == 0
    assert len(json.loads(out)["outputs"]) == 2
    image = nib.load(tmp_path / "o" / "colour.nii.gz")
    voxels = np.asarray(image.dataobj)
    grey = nib.load(bright_and_hot[0])
    assert voxels.dtype.names == ("R", "G", "B")
    assert image.shape == grey.shape
    assert np.allclose(image.affine, grey.affine, atol=1e-3)
    cold = np.asarray(nib.load(bright_and_hot[1]).dataobj) == 0
    assert (voxels["R"][cold] == voxels["B"][cold]).all()
    assert (voxels["R"][~cold] != voxels["B"][~cold]).any()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["--palette", "rainbow"], "no palette 'rainbow'"),
        (["--convention", "loud"], "luminance or lightness"),
        (["--window", "5:1"], "upper > lower"),
    ],
)
def test_colour_says_what_is_wrong(shell, bright_and_hot, tmp_path, asked, sentence):
    code, _, err = shell("colour", *bright_and_hot, "--out", tmp_path / "o", *asked)
    assert code == 1
    assert sentence in err
    assert not (tmp_path / "o").exists()


def test_colour_writes_both_files_or_none(shell, bright_and_hot, tmp_path):
    (tmp_path / "o" / "colour.png").mkdir(parents=True)
    code, _, err = shell("colour", *bright_and_hot, "--out", tmp_path / "o")
    assert code == 1
    assert "colour.png" in err
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["colour.png"]


def test_colour_needs_the_fused_picture_first(shell, bright_and_hot, tmp_path):
    code, _, err = shell("colour", *bright_and_hot[::-1], "--out", tmp_path / "o")
    assert code == 1
    assert "give fused.nii.gz first" in err


def test_names_of_files_stay_out_of_the_record(shell, dates, tmp_path):
    named = [tmp_path / f"DOE_JOHN_{i}.nii.gz" for i in (1, 2)]
    for path, kept in zip(dates[:2], named, strict=True):
        kept.write_bytes(path.read_bytes())
    shell(
        *("change", *named, "--out", tmp_path / "o", "--register", "none", "--uncertainty", "1"),
        *("--modality", "CT,CT", "--method", "average"),
    )
    assert "DOE" not in (tmp_path / "o" / "record.json").read_text(encoding="utf-8")
