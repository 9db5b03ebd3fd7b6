from itertools import permutations, product

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_fusion import Grid, ReadError, Volume, load, save
from napari_fusion.gui import Frame, from_layer, to_layer
from napari_fusion.gui.reader import get_reader
from napari_fusion.gui.writer import write, write_labels

SUFFIXES = (".nii.gz", ".mha", ".nrrd")


def volume(direction=None, modality="MR", unit="1"):
    direction = np.eye(3)[::-1] if direction is None else direction
    grid = Grid.regular((4, 5, 6), (3, 1, 2), centre=(-10, 20, 30), direction=direction)
    values = np.random.default_rng(0).normal(size=grid.shape).astype(np.float32)
    return Volume(values, grid, modality, unit)


def oblique():
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    return turn @ np.eye(3)[::-1]


def saved(layer, path):
    data, meta, kind = layer.as_layer_data_tuple()
    return load((write if kind == "image" else write_labels)(str(path), data, meta)[0])


def same_place(a, b, tolerance=1e-4):
    """Whether two volumes hold the same values at the same patient points."""
    points = a.grid.index_to_lps(np.argwhere(np.ones(a.grid.shape)))
    index = b.grid.lps_to_index(points)
    assert np.abs(index - index.round()).max() < tolerance
    found = b.array[tuple(index.round().astype(int).T)]
    np.testing.assert_allclose(found, a.array.ravel(), rtol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_read_is_written_the_same(tmp_path, suffix):
    path = save(volume(oblique()), tmp_path / f"a{suffix}")
    (data,) = get_reader(str(path))(str(path))
    layer = Layer.create(*data)
    assert from_layer(layer).modality == "MR"
    again = saved(layer, tmp_path / f"b{suffix}")
    original = load(path)
    assert again.grid.matches(original.grid)
    np.testing.assert_array_equal(again.array, original.array)


@pytest.mark.parametrize("end", [".hdr", ".img"])
def test_a_header_beside_its_voxels_is_read(tmp_path, end):
    import nibabel as nib

    values = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    nib.save(nib.Nifti1Pair(values, np.diag([-2.0, -3, 4, 1])), tmp_path / "a.img")
    (data,) = get_reader(str(tmp_path / f"a{end}"))(str(tmp_path / f"a{end}"))
    same_place(load(tmp_path / "a.hdr"), from_layer(Layer.create(*data)))


@pytest.mark.parametrize("order", list(permutations(range(3)))[::2])
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3))[::3])
def test_any_orientation_goes_to_its_place_in_the_patient(tmp_path, order, signs):
    original = volume(np.eye(3)[:, list(order)] * signs)
    same_place(original, saved(Layer.create(*to_layer(original)), tmp_path / "a.nrrd"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_oblique_volume_shown_in_another_frame_is_saved_as_it_was(tmp_path, suffix):
    original = volume(oblique())
    layer = Layer.create(*to_layer(original, Frame()))
    assert not np.array_equal(layer.data, original.array)
    same_place(original, saved(layer, tmp_path / f"a{suffix}"))


def test_a_layer_moved_by_hand_is_saved_where_it_is_now(tmp_path):
    original = volume()
    layer = Layer.create(*to_layer(original))
    layer.translate = np.add(layer.translate, (0, 0, 7.5))
    moved = saved(layer, tmp_path / "a.mha")
    np.testing.assert_allclose(moved.grid.centre - original.grid.centre, [7.5, 0, 0], atol=1e-4)


def test_a_layer_of_others_keeps_its_scale_translate_and_affine(tmp_path):
    affine = np.eye(4)
    affine[0, 3] = 100
    plain = Image(
        np.random.default_rng(0).random((4, 5, 6)).astype(np.float32),
        scale=(2, 1, 1),
        translate=(1, 2, 3),
        affine=affine,
        units=("mm",) * 3,
    )
    found = saved(plain, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(found.grid.spacing, [2, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(found.grid.origin, [3, 2, 101], atol=1e-4)


def test_labels_are_saved_as_labels(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 5, (4, 5, 6))
    labels = Labels(voxels.astype(np.uint8), scale=(2, 1, 1), units=("mm",) * 3)
    found = saved(labels, tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(found.array, voxels)
    assert found.modality == "LABEL"


@pytest.mark.usefixtures("plugins")
def test_the_viewer_opens_and_saves_through_the_manifest(tmp_path):
    path = save(volume(modality="CT", unit="HU"), tmp_path / "ct.nii.gz")
    viewer = ViewerModel()
    (layer,) = viewer.open(str(path), plugin="napari-fusion")
    assert layer.contrast_limits == [-150, 1200]
    assert layer.source.reader_plugin == "napari-fusion"
    assert viewer.layers.save(str(tmp_path / "b.nrrd"), plugin="napari-fusion")
    same_place(load(path), load(tmp_path / "b.nrrd"))


def test_several_files_are_shown_in_the_frame_of_the_first(tmp_path):
    first = save(volume(), tmp_path / "a.mha")
    second = save(volume(oblique()), tmp_path / "b.mha")
    layers = get_reader([str(first), str(second)])([str(first), str(second)])
    places = [keywords["metadata"]["napari_fusion_place"] for _, keywords, _ in layers]
    assert places[1].frame.matches(places[0].frame)
    assert "drawn turned" in places[1].note


@pytest.mark.parametrize("name", ["a.txt", "a.png", "a"])
def test_other_files_are_left_to_others(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    assert get_reader(str(tmp_path / name)) is None


def test_a_folder_without_dicom_is_left_to_others(tmp_path):
    (tmp_path / "note").write_text("nothing")
    assert get_reader(str(tmp_path)) is None


@pytest.mark.parametrize("name", ["IM0001", "a.dcm"])
def test_a_folder_with_dicom_is_ours(tmp_path, name):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).write_bytes(b"\0" * 128 + b"DICM")
    assert get_reader(str(tmp_path)) is not None


@pytest.mark.parametrize("name", ["study.zip", "a.nii.gz", "a.NRRD"])
def test_a_folder_with_zips_or_volumes_is_ours(tmp_path, name):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).write_bytes(b"")
    assert get_reader(str(tmp_path)) is not None


@pytest.mark.parametrize("name", ["DICOMDIR", "IM0001"])
def test_dicom_without_a_suffix_is_ours(tmp_path, name):
    (tmp_path / name).write_bytes(b"\0" * 128 + b"DICM")
    assert get_reader(str(tmp_path / name)) is not None


def test_a_damaged_file_is_one_plain_sentence(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(b"not a volume")
    with pytest.raises(ReadError, match=r"a\.nii"):
        get_reader(str(path))(str(path))


def test_a_warning_of_the_file_is_said_aloud(tmp_path, monkeypatch, said):
    from napari_fusion import Step

    path = save(volume(), tmp_path / "a.mha")
    noted = load(path).with_step(Step("load", {}, ("gantry tilt of 18.5° corrected",)))
    monkeypatch.setattr("napari_fusion.io.isolated.load", lambda *args, **kwargs: noted)
    get_reader(str(path))(str(path))
    assert any("gantry tilt of 18.5° corrected" in sentence for sentence in said())
