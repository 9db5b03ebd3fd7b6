import numpy as np
import pytest
from PIL import ImageDraw

from napari_fusion import Grid, Step, Volume
from napari_fusion.review import montage
from napari_fusion.review.montage import SOURCE_COLOURS, TILE, _coloured, _largest
from napari_fusion.review.planes import planes

GRID = Grid.regular((6, 20, 30), (3.0, 1.0, 1.0))


def picture(value_a=0.2, value_b=0.8, history=()):
    a = np.full(GRID.shape, value_a, np.float32)
    b = np.full(GRID.shape, value_b, np.float32)
    share = np.full(GRID.shape, 0.5, np.float32)
    fused = Volume((a + b) / 2, GRID, history=history)
    return montage(fused, [a, b], [share, share], ["CT", "MR"], "PASS: 1 mm.")


def test_a_montage_has_one_row_a_picture_and_three_columns():
    image = picture()
    assert image.dtype == np.uint8
    assert image.shape[0] > 4 * TILE
    assert 3 * TILE < image.shape[1] < 3.2 * TILE


def test_each_row_shows_its_own_array():
    image = picture()
    step = image.shape[0] // 4
    greys = [image[row * (TILE + 28) + TILE // 2 + 6, 80].tolist() for row in range(3)]
    assert step > TILE
    assert greys == [[51] * 3, [204] * 3, [127] * 3]


@pytest.mark.parametrize("owner", range(8))
def test_a_pixel_of_one_source_has_that_sources_colour(owner):
    shares = [np.full(GRID.shape, float(i == owner), np.float32) for i in range(8)]
    ones = np.ones(GRID.shape, np.float32)
    coloured = _coloured(ones, shares, planes(GRID)[0], 2)
    assert np.array_equal(coloured[5, 5], SOURCE_COLOURS[owner].astype(np.uint8))


def test_eight_sources_have_colours_that_differ():
    gaps = np.linalg.norm(SOURCE_COLOURS[:, None] - SOURCE_COLOURS, axis=2) + 999 * np.eye(8)
    assert len(SOURCE_COLOURS) == 8
    assert gaps.min() > 60


def yellow(image):
    return int(((image[..., 0] > 200) & (image[..., 1] > 200) & (image[..., 2] < 60)).sum())


def test_031_sides_that_are_unknown_have_no_letters():
    assert yellow(picture()) > 100
    inner = Step("load", {"orientation": "unknown"}).to_json()
    assert yellow(picture(history=(Step("source", {"history": [inner]}),))) == 0


def test_031_a_slice_of_unknown_sides_is_not_said_to_lie_on_one(monkeypatch):
    said, draw = [], ImageDraw.ImageDraw.text

    def text(self, at, words, *more, **options):
        said.append(words)
        draw(self, at, words, *more, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    picture()
    assert any(" mm" in words and "·" in words for words in said)
    said.clear()
    picture(history=(Step("load", {"orientation": "unknown"}),))
    assert not any(" mm" in words and "·" in words for words in said)


def test_an_empty_volume_still_makes_a_picture():
    assert picture(0.0, 0.0).any()


def test_a_lump_of_change_is_shown_and_not_a_rim_that_is_larger_in_all():
    grid = Grid.regular((20, 40, 40), (3.0, 1.0, 1.0))
    size = np.zeros(grid.shape, np.float32)
    size[2, :, :] = 1.0  # a plate, as at the end of a volume
    size[10:14, 20:32, 20:32] = 1.0
    at = _largest(size, grid.spacing)
    np.testing.assert_allclose(at, (12, 26, 26), atol=1)
