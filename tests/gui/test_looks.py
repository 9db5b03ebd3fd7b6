import numpy as np
import pytest
from napari.layers import Layer

from napari_fusion import Grid, Step, Volume
from napari_fusion.gui import to_layer
from napari_fusion.gui.looks import hot_iron, look, share_colours


def volume(modality, unit="1", **changes):
    grid = Grid.regular((4, 5, 6))
    return Volume(np.linspace(0, 10, 120).reshape(grid.shape), grid, modality, unit, **changes)


def test_hot_iron_is_the_palette_of_the_standard():
    from pydicom import dcmread
    from pydicom.data import get_palette_files

    (path,) = [p for p in get_palette_files("*.dcm") if "hotiron" in str(p)]
    table = dcmread(path)
    for column, name in enumerate(("Red", "Green", "Blue")):
        standard = np.frombuffer(getattr(table, f"{name}PaletteColorLookupTableData"), np.uint8)
        np.testing.assert_allclose(hot_iron()[:, column] * 255, standard, atol=1)


def test_pet_is_clear_where_there_is_nothing():
    assert hot_iron()[0, 3] == 0
    assert hot_iron()[26:, 3].min() == 1


@pytest.mark.parametrize(
    ("modality", "unit", "window"),
    [("CT", "HU", (-150, 1200)), ("PT", "g/mL", (0, 5)), ("FUSED", "1", (0, 1))],
)
def test_the_window_is_the_one_readers_expect(modality, unit, window):
    assert look(volume(modality, unit))["contrast_limits"] == window


def test_anatomy_is_grey_and_function_is_hot_iron():
    assert Layer.create(*to_layer(volume("MR"))).colormap.name == "gray"
    pet = Layer.create(*to_layer(volume("PT", "Bq/mL")))
    assert pet.colormap.name == "hot iron"
    assert pet.opacity < 1


def test_a_share_runs_from_blue_over_grey_to_orange():
    share = volume("OTHER", history=(Step("attribution"),))
    layer = Layer.create(*to_layer(share))
    assert layer.colormap.name == "share"
    blue, middle, orange = share_colours()[0], share_colours()[127], share_colours()[-1]
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    np.testing.assert_allclose(middle[:3], 0.5, atol=0.01)
