"""Regions on layers: each source on its own grid, through its alignment, as the core measures."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_fusion import ParameterError, Volume, measure, resample
from napari_fusion.gui import add_volume, align_layers, from_layer, fuse_layers, measure_layers
from napari_fusion.gui.layers import place_of
from napari_fusion.gui.snapshot import ALIGNMENT

AT_LPS = np.array([10.0, -5.0, 20.0])
MM = 24.0


def at(viewer):
    return place_of(viewer.layers[0]).frame.to_world(AT_LPS)


def ball(grid, centre):
    """Mark the voxels of a grid within the sphere, as one would by hand."""
    points = grid.index_to_lps(np.stack(np.indices(grid.shape), -1))
    inside = np.linalg.norm(points - centre, axis=-1) <= MM / 2
    return Volume(inside.astype(np.uint8), grid, "LABEL", "label")


def test_a_sphere_is_measured_on_every_sources_own_grid(viewer, pair):
    rows = measure_layers(viewer, sphere_mm=MM, at=at(viewer))
    assert [row.source for row in rows] == ["head CT", "head T1"]
    for row, volume in zip(rows, pair, strict=False):
        (wanted,) = measure(volume, ball(volume.grid, AT_LPS))
        assert row.stats.to_json() == pytest.approx(wanted.to_json())
        assert row.why == ""


def test_an_aligned_source_is_measured_where_the_region_lies_in_it(viewer, pair, gate):
    layer = align_layers(viewer, "head CT", "head T1")
    rows = measure_layers(viewer, sphere_mm=MM, at=at(viewer))
    assert [row.source for row in rows] == ["head CT", layer.name]  # not its original once more
    alignment = layer.metadata[ALIGNMENT]
    centre = alignment.map_points(AT_LPS)
    (wanted,) = measure(pair[1], ball(pair[1].grid, centre))  # a rigid map keeps a sphere one
    assert rows[1].stats.to_json() == pytest.approx(wanted.to_json())


def test_labels_are_measured_each(viewer, pair):
    ct = pair[0]
    array = np.zeros(ct.grid.shape, np.uint8)
    array[10:16, 20:30, 20:30], array[20:24, 15:25, 30:40] = 1, 7
    drawn = Volume(array, ct.grid, "LABEL", "label")
    layer = add_volume(viewer, drawn, name="regions")
    rows = measure_layers(viewer, layer)
    assert [(row.source, row.stats.label) for row in rows] == [
        (name, label) for name in ("head CT", "head T1") for label in (1, 7)
    ]
    for row, wanted in zip(rows, measure(ct, drawn), strict=False):
        assert row.stats.to_json() == pytest.approx(wanted.to_json())
    moved = measure(pair[1], resample(drawn, pair[1].grid, interpolation="nearest", fill=0))
    for row, wanted in zip(rows[2:], moved, strict=True):
        assert row.stats.mean == pytest.approx(wanted.mean)


def test_a_mask_that_was_opened_as_a_picture_holds_regions_and_is_no_source(viewer, pair):
    ct = pair[0]
    array = np.zeros(ct.grid.shape, np.float32)
    array[10:16, 20:30, 20:30] = 1
    add_volume(viewer, Volume(array, ct.grid), name="mask")
    rows = measure_layers(viewer, "mask")
    assert [row.source for row in rows] == ["head CT", "head T1"]
    assert rows[0].stats.mean == pytest.approx(ct.array[10:16, 20:30, 20:30].mean())
    add_volume(viewer, Volume(array + 0.5, ct.grid), name="grey")
    with pytest.raises(ParameterError, match="whole numbers, 0 outside"):
        measure_layers(viewer, "grey")


def test_a_layer_moved_by_hand_is_measured_where_it_lies(viewer, pair):
    layer = viewer.layers["head CT"]
    layer.translate = np.add(layer.translate, (6.0, 0, 0))
    frame = place_of(layer).frame
    centre = frame.to_lps(at(viewer) - [6.0, 0, 0])
    (wanted,) = measure(pair[0], ball(pair[0].grid, centre))
    found = measure_layers(viewer, sphere_mm=MM, at=at(viewer))[0].stats
    assert found.to_json() == pytest.approx(wanted.to_json())


def test_pictures_are_not_measured(viewer, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    fused, _ = fuse_layers(viewer, ["head CT", moved], "average")
    told = {row.source for row in measure_layers(viewer, sphere_mm=MM, at=at(viewer))}
    assert told == {"head CT", moved.name}
    assert from_layer(fused).modality == "FUSED"


def test_what_a_source_does_not_reach_is_said(viewer, pair):
    ct = pair[0]
    low, high = ct.grid.corners.min(axis=0), ct.grid.corners.max(axis=0)
    frame = place_of(viewer.layers[0]).frame
    edge = frame.to_world([*((low + high) / 2)[:2], high[2]])
    told = measure_layers(viewer, sphere_mm=MM, at=edge)[0].why
    assert told == "a part of the region lies outside"
    far = frame.to_world(high + 500)
    assert {row.why for row in measure_layers(viewer, sphere_mm=MM, at=far)} == {"outside"}


def test_a_gap_is_one_sentence(viewer, pair):
    hollow = np.array(pair[0].array)
    hollow[:] = np.nan
    add_volume(viewer, replace(pair[0], array=hollow), name="hollow")
    row = measure_layers(viewer, sphere_mm=MM, at=at(viewer))[-1]
    assert (row.stats, row.why) == (None, "the volume has no value in region 1")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "give one of them"),
        ({"sphere_mm": 5}, "give one of them"),
        ({"labels": "head CT", "sphere_mm": 5, "at": (0, 0, 0)}, "give one of them"),
        ({"labels": "gone"}, "no layer 'gone'"),
        ({"labels": "head CT"}, "no layer of labels"),
        ({"sphere_mm": -1, "at": (0, 0, 0)}, "above 0 mm"),
        ({"sphere_mm": 5, "at": (0, 0)}, "three finite numbers"),
    ],
)
def test_what_is_no_region_is_refused(viewer, asked, said):
    with pytest.raises(ParameterError, match=said):
        measure_layers(viewer, **asked)


def test_empty_labels_and_an_empty_viewer_are_refused(viewer, pair):
    viewer.add_labels(np.zeros((4, 4, 4), np.uint8), name="empty", units=("mm",) * 3)
    with pytest.raises(ParameterError, match="paint a region first"):
        measure_layers(viewer, "empty")
    with pytest.raises(ParameterError, match="open a volume first"):
        measure_layers(ViewerModel(), sphere_mm=5, at=(0, 0, 0))
