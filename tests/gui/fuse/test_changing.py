"""What changed as a layer: the same as the verb of the core, said again by its line and session."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import Qt

from napari_fusion import ParameterError, QuantityError, phantom, save
from napari_fusion.gui import add_volume, align_layers, change_layers, open_session, save_session
from napari_fusion.gui.fuse.changing import Changing
from napari_fusion.gui.readout import readout
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.recipe import changed


@pytest.fixture(scope="module")
def dates():
    grid = phantom.default_grid("T1", 4.0)
    pose = phantom.rigid((3, -2, 4), (2, 3, -4), (0, 0, 0))
    before = phantom.head("T1", grid, seed=1)
    after = phantom.head("T1", grid, pose=np.linalg.inv(pose), date=1, seed=2)
    return replace(before, name="before"), replace(after, name="after")


@pytest.fixture
def viewer(dates):
    """In the place of the pair that other tests look at, in the dock too."""
    viewer = ViewerModel()
    for volume in dates:
        add_volume(viewer, volume)
    return viewer


def test_the_check_of_the_alignment_says_how_far_it_is_off(viewer, dates):
    aligned = align_layers(viewer, "before", "after")
    layer = change_layers(viewer, ["before", aligned])
    found = layer.metadata["napari_fusion"]
    expected = changed(*dates, aligned.metadata["napari_fusion_alignment"])
    assert_array_equal(found.array, expected.array)
    assert len(found.history[-2].parameters["uncertainty_mm"]) == 2
    low, high = layer.contrast_limits
    assert low == -high < 0
    assert layer.name.startswith("change: before to after on before")


def test_where_nothing_changed_the_baseline_is_seen_below(viewer):
    layer = change_layers(viewer, ["before", align_layers(viewer, "before", "after")])
    volume = layer.metadata["napari_fusion"]
    assert np.isnan(np.asarray(layer.data)).mean() > 0.8
    assert_allclose(np.nan_to_num(layer.data), np.nan_to_num(volume.array))
    assert viewer.layers["before"].visible


def test_nobody_knows_how_far_a_given_pose_is_off(viewer, dates):
    viewer.layers["after"].metadata["napari_fusion"] = dates[1]
    with pytest.raises(QuantityError, match="nobody knows"):
        change_layers(viewer, ["before", "after"])
    layer = change_layers(viewer, ["before", "after"], uncertainty_mm=2)
    assert layer.name.startswith("NOT REGISTERED: change")


def test_the_button_says_its_line_and_leaves_the_pair_chosen(viewer, dock, qtbot, said):
    align_layers(viewer, "before", "after")
    dock.open.fixed.choose(viewer.layers["before"])
    dock.open.moving.choose(viewer.layers["after on before"])
    qtbot.mouseClick(dock.fuse.change_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=60_000)
    qtbot.waitUntil(dock.fuse.change_button.isEnabled, timeout=5000)
    line = dock.keep.code.lines[-1]
    assert line.endswith(
        "change_layers(viewer, ['before', 'after on before'], sigmas=5.0, scale_mm=1.0)"
    )
    by_button = viewer.layers[-1].data
    exec(line, {"viewer": viewer})
    assert_array_equal(viewer.layers[-1].data, by_button)
    assert dock.open.current.names == ("before", "after on before")
    viewer.cursor.position = tuple(viewer.dims.point)
    assert "change" in readout(viewer)


def test_an_unknown_uncertainty_is_asked_for_in_the_window(viewer, dock, qtbot, said):
    dock.open.fixed.choose(viewer.layers["before"])
    dock.open.moving.choose(viewer.layers["after"])
    qtbot.mouseClick(dock.fuse.change_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(said()), timeout=30_000)
    assert "nobody knows how far" in said()[-1]
    dock.fuse.off_mm.setValue(1.5)
    qtbot.mouseClick(dock.fuse.change_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=30_000)
    assert "uncertainty_mm=1.5" in dock.keep.code.lines[-1]


def test_the_line_says_zero(viewer):
    job = Changing(Snapshot.of(viewer), ("before", "after"), 0.0, sigmas=0.0, scale_mm=0.0)
    assert job.line().endswith("uncertainty_mm=0.0, sigmas=0.0, scale_mm=0.0)")


def test_a_session_makes_it_again(dates, plugins, tmp_path):
    viewer = ViewerModel()
    for volume in dates:
        path = save(volume, tmp_path / f"{volume.name}.nii.gz")
        viewer.open(str(path), plugin="napari-fusion")
    first, second = (layer.name for layer in viewer.layers)
    aligned = align_layers(viewer, first, second)
    layer = change_layers(viewer, [first, aligned])
    other = ViewerModel()
    open_session(other, save_session(viewer, tmp_path / "kept.fusion"))
    assert_array_equal(other.layers[layer.name].data, layer.data)


def test_two_layers_of_one_kind_are_asked_for(viewer):
    with pytest.raises(ParameterError, match="between two layers"):
        change_layers(viewer, ["before"])
    ct = phantom.head("CT", phantom.default_grid("CT", 4.0))
    add_volume(viewer, replace(ct, name="CT"))
    with pytest.raises(QuantityError, match="CT in HU"):
        change_layers(viewer, ["before", "CT"], uncertainty_mm=1)
    assert len(viewer.layers) == 3
