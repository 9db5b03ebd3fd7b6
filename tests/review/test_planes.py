import numpy as np
import pytest

from napari_fusion import Grid
from napari_fusion.review.planes import planes

GRID = Grid.regular((4, 6, 8), (3.0, 2.0, 1.0))


def beads():
    """One voxel at each end of each axis, told apart by its value."""
    array = np.zeros(GRID.shape, np.float32)
    middle = [n // 2 for n in GRID.shape]
    for axis, (low, high) in enumerate(("IS", "AP", "RL")):
        for letter, index in ((low, 0), (high, GRID.shape[axis] - 1)):
            where = list(middle)
            where[axis] = index
            array[tuple(where)] = ord(letter)
    return array, middle


@pytest.mark.parametrize("view", planes(GRID), ids=lambda v: v.name)
def test_letters_stand_where_the_sides_are(view):
    array, middle = beads()
    picture = view.cut(array, middle[view.axis])
    rows, columns = np.nonzero(picture)
    spots = {chr(int(picture[r, c])): (r, c) for r, c in zip(rows, columns, strict=True)}
    left, right, top, bottom = view.letters
    assert spots[left][1] == 0
    assert spots[right][1] == picture.shape[1] - 1
    assert spots[top][0] == 0
    assert spots[bottom][0] == picture.shape[0] - 1


def test_the_view_is_radiological():
    axial, coronal, sagittal = planes(GRID)
    assert axial.letters == ("R", "L", "A", "P")
    assert coronal.letters == ("R", "L", "S", "I")
    assert sagittal.letters == ("A", "P", "S", "I")
    assert axial.pixel_mm == (2.0, 1.0)
    assert coronal.pixel_mm == (3.0, 1.0)
    assert sagittal.pixel_mm == (3.0, 2.0)
