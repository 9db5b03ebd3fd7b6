import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_fusion import GeometryError, Grid, ParameterError, Volume, Window
from napari_fusion.fusion import colour, palette, tint

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("hot iron", (0, 0, 0), (255, 255, 255)),
        ("spring", (255, 0, 255), (255, 255, 0)),
        ("summer", (0, 255, 0), (0, 128, 254)),
        ("fall", (255, 255, 0), (255, 0, 0)),
        ("winter", (0, 0, 255), (127, 255, 128)),
    ],
)
def test_palettes_are_those_of_the_standard(name, first, last):
    """First and last colours of PS3.6 annex B; fall is warm and winter cold."""
    table = np.rint(palette(name) * 255)
    assert table.shape == (256, 3)
    assert {tuple(table[0]), tuple(table[-1])} == {first, last}


def test_unknown_palettes_are_refused():
    with pytest.raises(ParameterError, match="there are: hot iron, PET"):
        palette("jet")


def test_luminance_convention_keeps_the_grey_as_luma():
    grey = np.full((4, 4), 0.5, np.float32)
    functional = np.linspace(0.1, 0.6, 16, dtype=np.float32).reshape(4, 4)
    picture = tint(grey, functional)
    inside = (picture > 0).all(axis=-1) & (picture < 1).all(axis=-1)
    assert inside.any()
    assert_allclose((picture @ LUMA)[inside], 0.5, atol=1e-6)
    assert np.ptp(picture, axis=-1).max() > 0.3


def test_lightness_convention_shows_grey_where_nothing_and_the_palette_where_full():
    grey = np.full(2, 0.3, np.float32)
    picture = tint(grey, np.array([0, 1], np.float32), "winter", "lightness")
    assert_allclose(picture[0], 0.3)
    assert_allclose(picture[1], palette("winter")[255])


def test_a_volume_becomes_eight_bit_colour():
    grid = Grid.regular((2, 3, 4))
    fused = Volume(np.full(grid.shape, 0.5, np.float32), grid, modality="FUSED")
    pet = Volume(np.arange(24, dtype=np.float32).reshape(grid.shape), grid, "PT", "g/mL")
    picture = colour(fused, pet, convention="lightness", window=Window(lower=0, upper=23))
    assert picture.dtype == np.uint8
    assert picture.shape == (2, 3, 4, 3)
    assert_array_equal(picture[0, 0, 0], 128)
    assert_array_equal(picture[1, 2, 3], 255)
    other = Volume(np.zeros((2, 3, 5)), Grid.regular((2, 3, 5)))
    with pytest.raises(GeometryError, match="resample"):
        colour(fused, other)


def test_wrong_requests_are_refused():
    with pytest.raises(ParameterError, match="shapes differ"):
        tint(np.zeros((2, 2), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ParameterError, match="luminance or lightness"):
        tint(np.zeros(2, np.float32), np.zeros(2, np.float32), "PET", "hue")
