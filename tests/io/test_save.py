"""What is saved reads back the same, here and in other programs, or nothing is saved."""

import itertools
import os

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion.errors import WriteError
from napari_fusion.grid import Grid
from napari_fusion.io import files, load, nifti, save
from napari_fusion.itk import from_sitk
from napari_fusion.volume import Volume

FORMATS = [".nii", ".nii.gz", ".mha", ".nrrd"]


def volume(dtype=np.float32, **meaning):
    rng = np.random.default_rng(7)
    grid = Grid.regular((4, 5, 6), (3.0, 0.7, 1.1), centre=(12.5, -40.25, 900.125))
    return Volume((rng.normal(size=grid.shape) * 100).astype(dtype), grid, **meaning)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1", "u2", "i4", "i8", "?"])
def test_values_positions_and_meaning_come_back(tmp_path, suffix, dtype):
    kept = volume(dtype, modality="PT", unit="g/mL")
    back = load(save(kept, tmp_path / f"kept{suffix}"))
    assert back.array.dtype == np.float32
    np.testing.assert_array_equal(back.array, kept.array.astype(np.float32))
    assert back.grid.matches(kept.grid)
    assert (back.modality, back.unit, back.name) == ("PT", "g/mL", "kept")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_name_in_capitals_is_the_same_format(tmp_path, suffix):
    kept = volume()
    path = save(kept, tmp_path / f"KEPT{suffix.upper()}")
    assert [place.name for place in tmp_path.iterdir()] == [path.name]
    np.testing.assert_array_equal(load(path).array, kept.array)


@pytest.mark.parametrize("suffix", FORMATS)
def test_nan_comes_back_and_is_counted(tmp_path, suffix):
    array = volume().array.copy()
    array[0, 0, :2] = np.nan
    back = load(save(Volume(array, volume().grid), tmp_path / f"nan{suffix}"))
    np.testing.assert_array_equal(back.array, array)
    assert back.warnings == ("voxels that are not a finite number, kept as NaN (no value): 2",)


@pytest.mark.parametrize("suffix", FORMATS)
def test_052_other_programs_see_the_same_millimetres(tmp_path, suffix):
    kept = volume()
    path = save(kept, tmp_path / f"kept{suffix}")
    assert from_sitk(sitk.ReadImage(str(path))).grid.matches(kept.grid, tolerance_mm=0.01)
    if "nii" in suffix:
        corner = np.array(kept.grid.shape[::-1]) - 1
        ras = nib.affines.apply_affine(nib.load(path).affine, corner)
        lps = kept.grid.index_to_lps(corner[::-1])
        np.testing.assert_allclose(ras * [-1, -1, 1], lps, atol=0.01)


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_oblique_grid_in_any_order_comes_back(tmp_path, suffix):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    for order, sign in itertools.product([(0, 1, 2), (2, 0, 1), (1, 0, 2)], [1, -1]):
        direction = turn[:, order] * [1, sign, 1]
        grid = Grid.regular((4, 5, 6), (3.0, 0.7, 1.1), direction=direction)
        kept = Volume(np.arange(120, dtype=np.float32).reshape(4, 5, 6), grid)
        back = load(save(kept, tmp_path / f"kept{suffix}"))
        for index in [(0, 0, 0), (3, 4, 5), (1, 2, 3)]:
            there = back.grid.lps_to_index(grid.index_to_lps(index))
            np.testing.assert_allclose(there, np.round(there), atol=1e-4)
            assert back.array[tuple(np.round(there).astype(int))] == kept.array[index]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_dask_array_is_read_once_and_comes_back(tmp_path, suffix):
    da = pytest.importorskip("dask.array")
    plain, reads = volume(), []

    def read(block):
        reads.append(block.shape)
        return block

    lazy = da.from_array(plain.array, chunks=-1).map_blocks(read, meta=np.empty((0, 0, 0), "f4"))
    back = load(save(Volume(lazy, plain.grid), tmp_path / f"lazy{suffix}"))
    np.testing.assert_array_equal(back.array, plain.array)
    assert reads == [(4, 5, 6)]


@pytest.mark.parametrize("name", ["a.tif", "a", "a.mhd", "a.gz"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(WriteError, match=r"must end in \.nii\.gz, \.nii, \.mha or \.nrrd"):
        save(volume(), tmp_path / name)


def test_what_no_format_holds_is_refused(tmp_path):
    with pytest.raises(WriteError, match="cannot be written"):
        save(Volume(np.full((4, 5, 6), 2**40), volume().grid), tmp_path / "a.nii.gz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", FORMATS)
def test_083_a_folder_that_refuses_leaves_the_old_file(tmp_path, suffix, monkeypatch):
    path = save(volume(), tmp_path / f"kept{suffix}")
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(WriteError, match="not writable"):
        save(volume("u1"), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("cut", [1, 40])
def test_081_a_file_that_lost_its_end_is_not_kept(tmp_path, suffix, monkeypatch, cut):
    """A full disk that the writer does not report looks like this."""
    path = save(volume(), tmp_path / f"kept{suffix}")
    before = path.read_bytes()
    kind = nifti if "nii" in suffix else files
    write = kind.write

    def short(kept, part):
        write(kept, part)
        part.write_bytes(part.read_bytes()[:-cut])

    monkeypatch.setattr(kind, "write", short)
    with pytest.raises(WriteError, match="was not written"):
        save(volume(modality="MR"), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("change", ["voxels", "positions"])
def test_a_file_that_reads_back_differently_is_not_kept(tmp_path, suffix, monkeypatch, change):
    kind = nifti if "nii" in suffix else files
    write = kind.write
    other = volume("f8") if change == "voxels" else volume()
    grid = Grid.regular((4, 5, 6), (3.0, 0.7, 1.2)) if change == "positions" else other.grid
    wrong = Volume(np.zeros((4, 5, 6)) if change == "voxels" else other.array, grid)
    monkeypatch.setattr(kind, "write", lambda kept, part: write(wrong, part))
    with pytest.raises(WriteError, match=f"the {change} read back differ"):
        save(volume(), tmp_path / f"kept{suffix}")
    assert not list(tmp_path.iterdir())
