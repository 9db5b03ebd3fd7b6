import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from napari_fusion import GeometryError, Grid, Volume
from napari_fusion.itk import from_sitk, to_sitk

angles = st.tuples(*[st.floats(-180, 180)] * 3)
index = st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5))


@given(angles, index)
def test_both_sides_agree_where_a_voxel_lies(degrees, where):
    direction = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    grid = Grid.regular((4, 5, 6), (3.0, 2.0, 1.0), centre=(10, -20, 30), direction=direction)
    array = np.arange(120, dtype=np.float32).reshape(4, 5, 6)
    image = to_sitk(Volume(array, grid))
    there = tuple(int(i) for i in where[::-1])
    assert_allclose(image.TransformIndexToPhysicalPoint(there), grid.index_to_lps(where), atol=1e-9)
    assert image[there] == array[where]


@given(angles)
def test_nothing_changes_on_the_way_there_and_back(degrees):
    direction = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() * [1, -1, 1]
    grid = Grid.regular((4, 5, 6), (0.3, 2.0, 7.0), direction=direction)
    volume = Volume(np.random.default_rng(0).normal(size=grid.shape).astype(np.float32), grid)
    again = from_sitk(to_sitk(volume), modality="MR")
    assert again.grid.matches(grid, 1e-9)
    assert np.array_equal(again.array, volume.array)
    assert again.modality == "MR"


def test_a_sheared_image_is_refused():
    image = sitk.Image(4, 4, 4, sitk.sitkFloat32)
    image.SetDirection((1, 0.2, 0, 0, 0.98, 0, 0, 0, 1))
    with pytest.raises(GeometryError, match="sheared"):
        from_sitk(image)
