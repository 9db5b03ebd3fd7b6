"""What a file does not say, a user can: window, colours, presets and unit follow."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_fusion import ParameterError
from napari_fusion.gui import add_volume, from_layer, name_modality
from napari_fusion.gui.check.geometry import told
from napari_fusion.gui.hands.presets import presets_of
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.readout import value_at


@pytest.fixture
def model(pair):
    """A CT whose file says so, and two volumes of files that say nothing."""
    bare = replace(pair[0], modality="OTHER", unit="1")
    function = np.clip(pair[0].array / 200, 0, 20)
    viewer = ViewerModel()
    for name, volume in (
        ("CT", replace(pair[0], name="CT")),
        ("nifti", replace(bare, name="nifti")),
        ("uptake", replace(bare, array=function, name="uptake")),
    ):
        add_volume(viewer, volume, name=name)
    return viewer


@pytest.fixture
def dock(docked, model):
    return docked(model)


def test_window_presets_and_unit_follow(model):
    layer = name_modality(model, "nifti", "CT in HU")
    ct = model.layers["CT"]
    assert layer.contrast_limits == ct.contrast_limits
    assert [one.name for one in presets_of(layer)] == [one.name for one in presets_of(ct)]
    assert value_at(layer, np.zeros(3)).endswith("HU")
    assert from_layer(layer).warnings[-1].endswith("taken for CT in HU")
    assert any("taken for CT in HU" in line for line in told(layer))


def test_pet_is_dressed_as_pet(model):
    layer = name_modality(model, "uptake", "PET in SUV")
    assert tuple(layer.contrast_limits) == (0, 5)
    assert layer.colormap.name.startswith("hot iron, clear below 10 %")
    assert layer.opacity == 0.6
    assert value_at(layer, np.zeros(3)).endswith("g/mL SUV")


def test_a_slip_is_corrected_by_saying_it_again(model):
    name_modality(model, "nifti", "PET")
    layer = name_modality(model, "nifti", "MR")
    assert layer.metadata[VOLUME].modality == "MR"
    assert len(layer.metadata[VOLUME].warnings) == 1
    assert layer.colormap.name == "gray"


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("CT", "MR", "says that it is CT"),
        ("nifti", "X-ray", "not 'X-ray'"),
        ("gone", "MR", "no volume 'gone'"),
    ],
)
def test_what_a_file_says_stays(model, name, kind, said):
    with pytest.raises(ParameterError, match=said):
        name_modality(model, name, kind)


def test_it_is_asked_only_where_nobody_knows(model, dock, qtbot):
    fixed, moving, _ = dock.open.kinds
    assert (fixed.isVisible(), moving.isVisible()) == (False, True)
    moving.setFocus()
    qtbot.keyClick(moving, Qt.Key.Key_Down)
    assert model.layers["nifti"].metadata[VOLUME].modality == "CT"
    assert moving.currentText() == "CT in HU"
    assert moving.isVisible()  # so that a slip can be corrected
    line = dock.keep.code.lines[-1]
    assert line.endswith("name_modality(viewer, 'nifti', 'CT in HU')")
    exec(line, {"viewer": model})
    dock.open.fixed.choose(model.layers["uptake"])
    assert fixed.isVisible()
    assert fixed.currentText() == "not said"
