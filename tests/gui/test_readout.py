import numpy as np
import pytest

from napari_fusion.gui import align_layers, from_layer, fuse_layers, show_plane
from napari_fusion.gui.layers import place_of
from napari_fusion.gui.readout import readout


def point_at(viewer, lps):
    """Put the cursor and the slice on a patient point."""
    world = place_of(viewer.layers[0]).frame.to_world(lps)
    viewer.dims.set_point(range(3), world)
    viewer.cursor.position = tuple(world)


def lines(viewer):
    return dict(line.split(": ", 1) for line in readout(viewer).splitlines())


def nearest(volume, lps):
    return volume.array[tuple(np.round(volume.grid.lps_to_index(lps)).astype(int))]


@pytest.mark.parametrize("index", [(20, 30, 24), (30, 10, 20)])
def test_each_source_tells_its_own_value_and_unit(viewer, pair, index):
    lps = pair[0].grid.index_to_lps(index)
    point_at(viewer, lps)
    told = lines(viewer)
    value, unit = told["head CT"].split()
    assert float(value) == pytest.approx(pair[0].array[index], rel=1e-3)
    assert unit == "HU"
    assert float(told["head T1"]) == pytest.approx(nearest(pair[1], lps), rel=1e-3)


def test_an_aligned_layer_tells_the_voxel_of_its_original(viewer, pair, gate):
    align_layers(viewer, "head CT", "head T1")
    lps = pair[0].grid.index_to_lps((20, 30, 24))
    point_at(viewer, lps)
    truth = pair[2] @ [*lps, 1]
    told = lines(viewer)
    value = float(told["head T1 on head CT"])
    assert value == pytest.approx(nearest(pair[1], truth[:3]), rel=1e-3)
    assert "head T1" not in told


def test_shares_are_told_and_brightness_is_not(viewer, pair, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    fused, share = fuse_layers(viewer, ["head CT", moved], "average")
    index = np.unravel_index(np.argmax(from_layer(fused).array), pair[0].grid.shape)
    point_at(viewer, pair[0].grid.index_to_lps(index))
    told = lines(viewer)
    second = from_layer(share).array[index]
    assert told["fused"] == f"{100 * (1 - second):.0f} % head CT, {100 * second:.0f} % {moved.name}"
    assert set(told) == {"head CT", moved.name, "fused"}


def test_nothing_is_attributed_where_the_picture_is_black_or_hidden(viewer, pair, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    fused, _ = fuse_layers(viewer, ["head CT", moved], "average")
    index = np.unravel_index(np.argmax(from_layer(fused).array), pair[0].grid.shape)
    dark = np.unravel_index(np.argmin(from_layer(fused).array), pair[0].grid.shape)
    point_at(viewer, pair[0].grid.index_to_lps(dark))
    assert "fused" not in lines(viewer)
    point_at(viewer, pair[0].grid.index_to_lps(index))
    fused.visible = False
    assert "fused" not in lines(viewer)


def test_outside_there_is_nothing_to_tell(viewer):
    point_at(viewer, (900.0, 0.0, 0.0))
    assert readout(viewer) == ""


def test_in_another_plane_the_slice_counts(viewer, pair):
    show_plane(viewer, "coronal")
    lps = pair[0].grid.index_to_lps((20, 30, 24))
    point_at(viewer, lps)
    world = np.array(viewer.cursor.position)
    viewer.cursor.position = (world[0], 1e6, world[2])  # the hidden axis is the slider's
    value = float(lines(viewer)["head CT"].split()[0])
    assert value == pytest.approx(pair[0].array[20, 30, 24], rel=1e-3)


def test_layers_of_others_and_three_dimensions_are_silent(viewer, pair):
    viewer.add_image(np.ones((4, 5, 6)), name="plain", units=("mm",) * 3)
    point_at(viewer, pair[0].grid.centre)
    assert "plain" not in lines(viewer)
    viewer.dims.ndisplay = 3
    assert readout(viewer) == ""


def test_the_dock_tells_it_as_the_cursor_moves(qtbot, viewer, pair):
    from napari_fusion.gui.workspace import FusionWorkspace

    dock = FusionWorkspace(viewer)
    qtbot.addWidget(dock)
    point_at(viewer, pair[0].grid.index_to_lps((20, 30, 24)))
    assert dock.values.text() == readout(viewer) != ""


def test_large_numbers_are_written_out(viewer):
    from napari_fusion import Grid, Volume
    from napari_fusion.gui import to_layer

    grid = Grid.regular((3, 3, 3))
    data, keywords, _ = to_layer(
        Volume(np.full((3, 3, 3), 29570.0), grid, "PT", "Bq/mL", name="PT")
    )
    viewer.add_image(data, **keywords)
    point_at(viewer, (0.0, 0.0, 0.0))
    assert lines(viewer)["PT"] == "29570 Bq/mL"
