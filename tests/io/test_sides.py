"""Catalogue C, 49, 50, 52 and 54: left stays left in every order, format and direction."""

import itertools

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from dicom_making import dataset, pixels, write

from napari_fusion.errors import GeometryError
from napari_fusion.grid import Grid
from napari_fusion.io import load, save
from napari_fusion.volume import Volume

SHAPE, SPACING = (7, 8, 9), np.array([2.0, 1.5, 1.0])
BEADS = {"right": ([-3, 0, 0], 100), "anterior": ([0, -4, 0], 200), "superior": ([0, 0, 4], 300)}
ORDERS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product([1, -1], repeat=3)
]


def marked(direction, grid=None):
    """Beads to the patient's right, front and top of the centre, on a grid turned any way."""
    grid = grid or Grid.regular(SHAPE, SPACING, direction=direction, centre=(5, 6, 7))
    array = np.zeros(grid.shape, np.float32)
    middle = np.round(grid.lps_to_index([5, 6, 7]))
    centre = grid.index_to_lps(middle)
    places = {}
    for name, (offset, value) in BEADS.items():
        index = tuple(np.round(grid.lps_to_index(centre + offset)).astype(int))
        array[index] = value
        places[name] = grid.index_to_lps(index)
    return Volume(array, grid), places


def direction_of(order, signs):
    """Columns of a direction: array axis k runs along patient axis order[k]."""
    direction = np.zeros((3, 3))
    for axis, (row, sign) in enumerate(zip(order, signs, strict=True)):
        direction[row, axis] = sign
    return direction


def check(volume, places, tolerance=0.01):
    """Every bead lies where it lay, on its side of the others, in a canonical array."""
    assert volume.grid.letters == "SPL"
    for name, (_, value) in BEADS.items():
        (index,) = np.argwhere(volume.array == value)
        np.testing.assert_allclose(volume.grid.index_to_lps(index), places[name], atol=tolerance)
    right, anterior, superior = (np.argwhere(volume.array == v)[0] for _, v in BEADS.values())
    assert right[2] < anterior[2]
    assert anterior[1] < superior[1]
    assert superior[0] > right[0]


def write_nifti(volume, path):
    """By nibabel alone."""
    affine = np.diag([-1.0, -1, 1, 1]) @ volume.grid.affine
    nib.save(nib.Nifti1Image(volume.array, affine), path)


def write_sitk(volume, path):
    """By SimpleITK alone."""
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.grid.spacing[::-1].tolist())
    image.SetOrigin(volume.grid.origin.tolist())
    image.SetDirection(volume.grid.direction[:, ::-1].ravel().tolist())
    sitk.WriteImage(image, str(path))


def write_dicom(volume, folder):
    """By pydicom alone: a right-handed stack, or the same stack from its other end."""
    grid = volume.grid
    for number in range(grid.shape[0]):
        ds = dataset("MR")
        ds.SeriesInstanceUID, ds.InstanceNumber = "1.2.4", number + 1
        ds.PixelSpacing = [float(grid.spacing[1]), float(grid.spacing[2])]
        ds.ImageOrientationPatient = [*grid.direction[:, 2], *grid.direction[:, 1]]
        ds.ImagePositionPatient = grid.index_to_lps([number, 0, 0]).tolist()
        pixels(ds, volume.array[number].astype("<i2"))
        write(ds, folder / f"{number}.dcm")


WRITERS = {".nii.gz": write_nifti, ".mha": write_sitk, ".nrrd": write_sitk, "": write_dicom}


@pytest.mark.parametrize("suffix", WRITERS, ids=["nifti", "mha", "nrrd", "dicom"])
@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_049_left_is_left_in_all_axis_orders_and_formats(tmp_path, order, signs, suffix):
    volume, places = marked(direction_of(order, signs))
    path = tmp_path / f"beads{suffix}"
    WRITERS[suffix](volume, path)
    check(load(path), places)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize(("order", "signs"), ORDERS[::5])
def test_049_052_left_is_left_after_saving_and_loading_again(tmp_path, order, signs, suffix):
    volume, places = marked(direction_of(order, signs))
    first = load(save(volume, tmp_path / f"a{suffix}"))
    again = load(save(first, tmp_path / f"b{suffix}"))
    check(first, places)
    check(again, places)
    assert again.grid.matches(first.grid)


def turned(degrees, axes):
    angle = np.radians(degrees)
    turn = np.eye(3)
    a, b = axes
    turn[a, a] = turn[b, b] = np.cos(angle)
    turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    return turn @ direction_of((2, 1, 0), (1, 1, 1))


@pytest.mark.parametrize("suffix", WRITERS, ids=["nifti", "mha", "nrrd", "dicom"])
@pytest.mark.parametrize("axes", [(0, 1), (0, 2), (1, 2)])
@pytest.mark.parametrize("degrees", [30, 44.9, 45.1, -44.9, 135.1])
def test_050_oblique_grids_keep_every_point_to_a_tenth_of_a_millimetre(
    tmp_path, degrees, axes, suffix
):
    grid = Grid.regular((12, 13, 14), (2, 2, 2), direction=turned(degrees, axes), centre=(5, 6, 7))
    volume, places = marked(None, grid)
    path = tmp_path / f"beads{suffix}"
    WRITERS[suffix](volume, path)
    back = load(path)
    assert sorted(back.grid.letters) == ["L", "P", "S"]
    for name, (_, value) in BEADS.items():
        (index,) = np.argwhere(back.array == value)
        np.testing.assert_allclose(back.grid.index_to_lps(index), places[name], atol=0.1)


def test_052_a_sheared_grid_cannot_reach_a_writer():
    affine = np.diag([2.0, 1, 1, 1])
    affine[1, 0] = 0.6
    with pytest.raises(GeometryError, match="sheared"):
        Volume(np.zeros((3, 3, 3), np.float32), Grid((3, 3, 3), affine))


def test_054_a_mirrored_header_is_a_mirrored_volume_and_never_unmirrored(tmp_path):
    """A left-handed affine says where voxels are; it is followed, not corrected."""
    volume, places = marked(direction_of((2, 1, 0), (1, 1, -1)))
    write_nifti(volume, tmp_path / "a.nii.gz")
    check(load(tmp_path / "a.nii.gz"), places)
