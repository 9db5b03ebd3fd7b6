import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.ndimage import maximum_filter, minimum_filter

from napari_fusion.fusion import reach
from napari_fusion.fusion.reach import Reach, spread

SPACING = np.array([2.0, 1.0, 0.5])


@pytest.fixture
def array():
    return np.random.default_rng(4).random((7, 29, 31)).astype(np.float32)


def everywhere(array, off_mm):
    return Reach(array, np.asarray(off_mm, np.float32), SPACING).of(slice(0, len(array)))


def test_a_box_of_whole_voxels_is_that_of_scipy(array):
    radii = np.array([1.0, 2.0, 3.0])
    assert_array_equal(
        spread(array, radii, cv2.dilate), maximum_filter(array, (3, 5, 7), mode="nearest")
    )
    assert_array_equal(
        spread(array, radii, cv2.erode), minimum_filter(array, (3, 5, 7), mode="nearest")
    )


def test_a_length_reaches_as_far_along_every_axis(array):
    low, high = everywhere(array, 2.0)
    assert_array_equal(low, minimum_filter(array, (3, 5, 9), mode="nearest"))
    assert_array_equal(high, maximum_filter(array, (3, 5, 9), mode="nearest"))


@pytest.mark.parametrize("known", [True, False])
def test_blocks_leave_no_trace(array, known, monkeypatch):
    """Whatever is looked at together, lengths that differ and voxels not known included."""
    if not known:
        array[2:4, 5:15, 8:14] = np.nan
    lengths = np.random.default_rng(5).random(array.shape) * np.linspace(0, 9, 31)
    for off_mm in (0.0, 0.7, 3.0, lengths, np.full(array.shape, 1.2)):
        found = []
        for size in (1000, 5):
            monkeypatch.setattr(reach, "BLOCK", size)
            found.append(everywhere(array, off_mm))
        assert_array_equal(*found)


def test_few_levels_are_looked_at_where_lengths_change_slowly(monkeypatch):
    asked = []

    def counted(filled, radii, line):
        asked.append(filled.size)
        return spread(filled, radii, line)

    monkeypatch.setattr(reach, "spread", counted)
    array, work = np.zeros((1, 16, 600), np.float32), []
    for size in (1000, 50):
        asked.clear()
        monkeypatch.setattr(reach, "BLOCK", size)
        everywhere(array, np.broadcast_to(np.linspace(0.1, 4, 600), array.shape))
        work.append(sum(asked))
    assert work[1] < work[0] / 2


def test_nothing_known_is_nothing_found(array):
    low, high = everywhere(np.full_like(array, np.nan), 1.0)
    assert not low.any()
    assert not high.any()
