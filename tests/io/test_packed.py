"""Volumes of any format within zips, and zips within folders."""

import zipfile

import nibabel as nib
import numpy as np
import pytest
import test_text_headers
from dicom_making import series

from napari_fusion.errors import Cancelled, ReadError
from napari_fusion.io import isolated, load, rectified, scan

MAKERS = {
    "a.nii": lambda path, affine: nib.save(image(affine), path),
    "a.nii.gz": lambda path, affine: nib.save(image(affine), path),
    "a.mha": lambda path, affine: test_text_headers.meta(path),
    "a.nrrd": lambda path, affine: test_text_headers.nrrd(path),
}


def image(affine=None):
    array = np.arange(120).reshape(4, 5, 6).astype("i2")
    return nib.Nifti1Image(array, np.diag([2.0, 3.0, 4.0, 1.0]) if affine is None else affine)


def zipped(path, *files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, f"sub/{file.name}")
    return path


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    isolated.close()
    yield
    isolated.close()  # a worker has a folder there
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("name", MAKERS)
def test_a_volume_in_a_zip_is_the_volume(tmp_path, name):
    file = tmp_path / name
    MAKERS[name](file, None)
    path = zipped(tmp_path / "study.zip", file)
    plain, packed = load(file), load(path)
    np.testing.assert_array_equal(packed.array, plain.array)
    assert (packed.grid, packed.history, packed.name) == (plain.grid, plain.history, plain.name)
    (found,) = scan(path)
    assert (found.uid, found.light) == (f"sub/{name}", scan(file)[0].light)
    np.testing.assert_array_equal(load(found).array, plain.array)


def test_several_formats_in_one_zip_are_chosen_from(tmp_path):
    folder = series(tmp_path / "study", 3)
    MAKERS["a.nii"](tmp_path / "a.nii", None)
    path = zipped(tmp_path / "study.zip", tmp_path / "a.nii", *folder.iterdir())
    assert sorted(s.modality for s in scan(path)) == ["CT", "OTHER"]
    with pytest.raises(ReadError, match="holds 2 volumes, choose one"):
        load(path)
    assert load(path, series="1.2.4").modality == "CT"
    assert load(path, series="sub/a.nii").grid.shape == (6, 5, 4)


def test_a_sheared_volume_in_a_zip_is_refused_and_resampled_on_request(tmp_path):
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[0, 2] = 1.0
    MAKERS["a.nii"](tmp_path / "a.nii", affine)
    path = zipped(tmp_path / "study.zip", tmp_path / "a.nii")
    with pytest.raises(ValueError, match="shear"):
        load(path)
    np.testing.assert_array_equal(rectified(path).array, rectified(tmp_path / "a.nii").array)


def test_a_pair_of_files_in_a_zip_is_red_with_the_reason(tmp_path):
    nib.save(nib.Nifti1Pair(image().get_fdata(), image().affine), tmp_path / "a.img")
    path = zipped(tmp_path / "study.zip", tmp_path / "a.hdr", tmp_path / "a.img")
    assert {s.reason for s in scan(path)} == {
        "its voxels lie in a second file: unpack the zip first"
    }
    with pytest.raises(ReadError, match="unpack the zip first"):
        load(path)


def test_a_damaged_member_is_named(tmp_path):
    MAKERS["a.nii"](tmp_path / "a.nii", None)
    path = zipped(tmp_path / "study.zip", tmp_path / "a.nii")
    data = bytearray(path.read_bytes())
    data[60:64] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    (found,) = scan(path)
    assert (found.light, found.reason) == ("red", "a.nii is damaged within study.zip")


@pytest.fixture
def of_zips(tmp_path):
    """A folder with a series, a zip of another, and a zip that is broken."""
    folder = tmp_path / "folder"
    series(folder / "plain", 3)
    other = series(tmp_path / "other", 4, "MR", uid="1.2.9")
    zipped(folder / "other.zip", *other.iterdir())
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 half a zip")
    return folder


def test_each_zip_of_a_folder_is_looked_into(of_zips):
    found = {s.uid: s for s in scan(of_zips)}
    assert [s.light for s in found.values()] == ["green", "green", "red"]
    assert found["broken.zip"].reason == "broken.zip is not a zip that can be read"
    assert load(found["1.2.9"]).grid.shape == load(of_zips, series="1.2.9").grid.shape == (4, 6, 8)
    assert load(of_zips, series="1.2.4").grid.shape == (3, 6, 8)
    assert isolated.load(of_zips, series="1.2.9").modality == "MR"


def test_a_folder_and_its_own_zip_are_told_apart(tmp_path):
    folder = series(tmp_path / "folder", 3)
    zipped(folder / "copy.zip", *folder.iterdir())
    assert sorted(s.uid for s in scan(tmp_path / "folder")) == ["1.2.4", "1.2.4#copy2"]


def test_looking_into_zips_can_be_cancelled_and_counts_on(of_zips):
    told = []
    scan(of_zips, progress=lambda fraction, words: told.append(fraction))
    assert told == sorted(told)

    def stop(_fraction, words):
        if words.startswith("0 of 4"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        scan(of_zips, progress=stop)
