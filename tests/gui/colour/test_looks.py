import numpy as np
import pytest
from napari.layers import Layer

from napari_fusion import Grid, Step, Volume
from napari_fusion.gui import to_layer
from napari_fusion.gui.colour.looks import look, share_colours
from napari_fusion.palette import palette


def volume(modality, unit="1", **changes):
    grid = Grid.regular((4, 5, 6))
    return Volume(np.linspace(0, 10, 120).reshape(grid.shape), grid, modality, unit, **changes)


def test_pet_is_clear_at_and_below_half_an_suv():
    colours = look(volume("PT", "g/mL"))["colormap"]["colors"]
    assert (colours[:27, 3] == 0).all()  # 0.5 of 0 to 5
    assert (colours[27:, 3] == 1).all()
    np.testing.assert_array_equal(colours[:, :3], palette("hot iron"))


@pytest.mark.parametrize(
    ("modality", "unit", "window"),
    [("CT", "HU", (-150, 1200)), ("PT", "g/mL", (0, 5)), ("FUSED", "1", (0, 1))],
)
def test_the_window_is_the_one_readers_expect(modality, unit, window):
    assert look(volume(modality, unit))["contrast_limits"] == window


def test_anatomy_is_grey_and_function_is_hot_iron():
    assert Layer.create(*to_layer(volume("MR"))).colormap.name == "gray"
    pet = Layer.create(*to_layer(volume("PT", "Bq/mL")))
    assert pet.colormap.name == "hot iron, clear below 10 %"
    assert pet.opacity < 1


def test_a_share_runs_from_blue_over_grey_to_orange():
    share = volume("OTHER", history=(Step("attribution"),))
    layer = Layer.create(*to_layer(share))
    assert layer.colormap.name == "share"
    blue, middle, orange = share_colours()[0], share_colours()[127], share_colours()[-1]
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    np.testing.assert_allclose(middle[:3], 0.5, atol=0.01)
