import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_fusion import Grid, PetInfo, Volume
from napari_fusion.gui import (
    add_volume,
    align_layers,
    compare_layers,
    from_layer,
    fuse_layers,
    show_plane,
    to_layer,
)
from napari_fusion.gui.compare.modes import Mode
from napari_fusion.gui.compare.pictures import Seen
from napari_fusion.gui.layers import place_of, world_of
from napari_fusion.gui.readout import readout
from napari_fusion.gui.views.pixels import cursor_point
from napari_fusion.review import opaque


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


def test_outside_a_volume_it_says_so(viewer, pair):
    point_at(viewer, (900.0, 0.0, 0.0))
    assert set(lines(viewer).values()) == {"outside"}
    corner = pair[0].grid.index_to_lps((0, 0, 0))
    point_at(viewer, corner)
    told = lines(viewer)
    assert told["head CT"] != "outside"
    inside = pair[1].grid.lps_to_index(corner)
    assert (told["head T1"] == "outside") == bool((inside < -0.5).any())


def test_a_gap_is_no_value(viewer):
    holes = Volume(np.full((3, 3, 3), np.nan), Grid.regular((3, 3, 3)), "MR", name="holes")
    data, keywords, _ = to_layer(holes)
    viewer.add_image(data, **keywords | {"contrast_limits": (0, 1)})
    point_at(viewer, (0.0, 0.0, 0.0))
    assert lines(viewer)["holes"] == "no value"


@pytest.mark.parametrize(
    ("modality", "unit", "pet", "written"),
    [
        ("PT", "g/mL", PetInfo(suv_type="BW"), "3.2 g/mL SUVbw"),
        ("PT", "g/mL", PetInfo(suv_type="LBM"), "3.2 g/mL SUVlbm"),
        ("PT", "g/mL", None, "3.2 g/mL SUV"),
        ("PT", "Bq/mL", PetInfo(), "3.2 Bq/mL"),
        ("CT", "HU", None, "3.2 HU"),
        ("MR", "1", None, "3.2"),
    ],
)
def test_a_unit_says_what_the_number_means(viewer, modality, unit, pet, written):
    volume = Volume(
        np.full((3, 3, 3), 3.2), Grid.regular((3, 3, 3)), modality, unit, pet=pet, name="X"
    )
    add_volume(viewer, volume)
    point_at(viewer, (0.0, 0.0, 0.0))
    assert lines(viewer)["X"] == written


@pytest.mark.parametrize("turned", [False, True])
def test_a_layer_moved_by_hand_is_read_where_it_lies_now(viewer, pair, turned):
    layer = viewer.layers["head CT"]
    if turned:
        layer.affine = [[1, 0, 0, 3], [0, 0.8, -0.6, 0], [0, 0.6, 0.8, 0], [0, 0, 0, 1]]
    else:
        layer.translate = np.add(layer.translate, (8, -12, 4))
    index = (20, 30, 24)
    world = world_of(layer)
    place = world[:3, :3] @ index + world[:3, 3]
    told = readout(viewer, place).splitlines()[0]
    assert float(told.split()[2]) == pytest.approx(pair[0].array[index], rel=1e-3)


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_linked_canvas_reads_the_same(viewer, pair, plane):
    other = ViewerModel()
    for layer in viewer.layers:
        other.add_layer(Layer.create(*layer.as_layer_data_tuple()))
    show_plane(other, plane)
    lps = pair[0].grid.index_to_lps((20, 30, 24))
    point_at(viewer, lps)
    point_at(other, lps)
    assert readout(other) == readout(viewer) != ""
    assert readout(viewer, cursor_point(other)) == readout(viewer)


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("mode", ["swipe", "checkerboard"])
def test_while_comparing_it_says_whose_picture_is_shown(viewer, pair, plane, mode):
    show_plane(viewer, plane)
    shown = compare_layers(viewer, "head CT", "head T1", mode)
    axis = viewer.dims.order[0]
    a, b = (Seen.of(layer) for layer in viewer.layers if layer is not shown)
    sheet = shown.data.raster.sheet(axis, 12)
    pictures = {one.name: opaque(one.picture(sheet)) for one in (a, b)}
    drawn = shown.data.draw(axis, 12)
    heard = set()
    for row, column in np.ndindex(*sheet.shape):
        if (row + column) % 7:
            continue
        point = np.array(sheet.corner)
        point[list(sheet.along)] += np.array([row, column]) * sheet.pixel_mm
        name = readout(viewer, point).splitlines()[-1].removeprefix("shown here: ")
        heard.add(name)
        np.testing.assert_array_equal(drawn[row, column], pictures[name][row, column])
    assert heard == {"head CT", "head T1"}


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
    qtbot.waitUntil(lambda: dock.values.text() == readout(viewer) != "")


def test_the_dock_reads_once_however_much_happens_at_once(qtbot, viewer, pair, monkeypatch):
    from napari_fusion.gui import values
    from napari_fusion.gui.workspace import FusionWorkspace

    dock = FusionWorkspace(viewer)
    qtbot.addWidget(dock)
    read = []
    monkeypatch.setattr(values, "readout", lambda *asked: read.append(asked) or "told")
    for k in range(5):
        viewer.dims.set_point(0, viewer.dims.range[0].start + 3 * k)
        point_at(viewer, pair[0].grid.index_to_lps((20, 30, 20 + k)))
    qtbot.waitUntil(lambda: dock.values.text() == "told")
    assert len(read) == 1


def test_the_dock_tells_it_anew_when_another_mode_is_chosen(qtbot, viewer, pair):
    from napari_fusion.gui.workspace import FusionWorkspace

    dock = FusionWorkspace(viewer)
    qtbot.addWidget(dock)
    point_at(viewer, pair[0].grid.centre)
    for mode, name in ((Mode.A, "head CT"), (Mode.B, "head T1")):
        dock.check.comparer.set_mode(mode)
        said = f"shown here: {name}"
        qtbot.waitUntil(lambda said=said: dock.values.text().endswith(said))


def test_large_numbers_are_written_out(viewer):
    grid = Grid.regular((3, 3, 3))
    data, keywords, _ = to_layer(
        Volume(np.full((3, 3, 3), 29570.0), grid, "PT", "Bq/mL", name="PT")
    )
    viewer.add_image(data, **keywords)
    point_at(viewer, (0.0, 0.0, 0.0))
    assert lines(viewer)["PT"] == "29570 Bq/mL"
