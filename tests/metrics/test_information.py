import numpy as np
import pytest

from napari_fusion.metrics import mutual_information


def test_a_picture_tells_all_about_itself():
    four = np.repeat([0, 0.25, 0.5, 1], 16).reshape(8, 8)
    assert mutual_information(four, four[None]) == pytest.approx(np.log(4))
    assert mutual_information(four, np.stack([four, four])) == pytest.approx(2 * np.log(4))


def test_independent_pictures_share_nothing():
    rows, columns = np.indices((8, 8)) / 8
    assert mutual_information(rows, columns[None]) == pytest.approx(0, abs=1e-12)
