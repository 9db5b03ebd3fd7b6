import numpy as np
import pytest

from napari_fusion.metrics import correlation, scd

PICTURE = np.random.default_rng(0).random((2, 50, 50))


@pytest.mark.parametrize("level", [0.1, 0.3, 1.0])
def test_an_even_picture_correlates_with_nothing(level):
    even = np.full((50, 50), level)
    assert np.isnan(correlation(even, PICTURE))
    assert correlation(PICTURE[0], np.stack([even, PICTURE[0]])) == pytest.approx(1)


def test_a_copy_of_one_source_leaves_nothing_of_the_other_to_compare():
    first, second = PICTURE
    left = np.corrcoef((second - first).ravel(), second.ravel())[0, 1]
    assert scd(second, PICTURE) == pytest.approx(left)
