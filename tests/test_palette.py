import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_fusion import ParameterError
from napari_fusion.palette import clear_below, palette, palettes


@pytest.mark.parametrize("name", palettes())
def test_every_palette_is_256_colours_that_nobody_can_change(name):
    table = palette(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.float32
    assert 0 <= table.min() <= table.max() <= 1
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("hot iron", "hotiron"),
        ("PET", "pet.dcm"),
        ("hot metal blue", "hotmetalblue"),
        ("PET 20 step", "pet20step"),
    ],
)
def test_they_are_the_tables_the_standard_ships(name, file):
    from pydicom import dcmread
    from pydicom.data import get_palette_files

    (path,) = [p for p in get_palette_files("*.dcm") if file in str(p)]
    for column, channel in enumerate(("Red", "Green", "Blue")):
        words = getattr(dcmread(path), f"{channel}PaletteColorLookupTableData")
        standard = np.frombuffer(words, np.uint8)
        assert_array_equal(np.rint(palette(name)[:, column] * 255), standard)


def test_inverse_grey_is_grey_backwards():
    assert_allclose(palette("inverse grey"), palette("grey")[::-1], atol=1e-6)


def test_orange_and_blue_add_up_to_grey():
    assert_allclose(palette("orange") + palette("blue"), palette("grey"), atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_nothing_is_seen_at_and_below_the_floor(share):
    table = clear_below("hot iron", share)
    steps = np.arange(256) / 255
    assert (table[steps <= share, 3] == 0).all()
    assert (table[steps > share + 1 / 255, 3] == 1).all()
    assert table[:, 3].tolist() == sorted(table[:, 3])
    assert_array_equal(table[:, :3], palette("hot iron"))


def test_an_unknown_palette_is_refused_with_the_names_there_are():
    with pytest.raises(ParameterError, match="there are: hot iron, PET"):
        palette("jet")
