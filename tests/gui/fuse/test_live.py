"""The preview is the visible slice's, computed beside the window, and never another slice's."""

import threading
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.compat import isalive

from napari_fusion import GeometryError, Window, fuse
from napari_fusion.gui import (
    add_volume,
    from_layer,
    fuse_layers,
    preview_layers,
    show_plane,
    to_layer,
)
from napari_fusion.gui.fuse import slices
from napari_fusion.gui.fuse.preview import find_preview
from napari_fusion.gui.layers import PLACE
from napari_fusion.gui.readout import readout
from napari_fusion.gui.session.looks import look_of
from napari_fusion.gui.snapshot import SHARES, Snapshot
from napari_fusion.gui.views.marks import measured


@pytest.fixture
def aligned(viewer, pair):
    """The viewer with CT and the same head's T1 that lies on it."""
    viewer.layers.remove("head T1")
    fixed = pair[0]
    t1 = replace(fixed, modality="MR", unit="1", array=fixed.array[:, ::-1] + 1024, name="T1")
    for volume in (replace(fixed, frame_uid="1", name="CT"), replace(t1, frame_uid="1")):
        add_volume(viewer, volume)
    viewer.layers.remove("head CT")
    return viewer


@pytest.fixture
def dock(docked, aligned):
    widget = docked(aligned)
    widget.fuse.choose_method("laplacian")
    yield widget
    if isalive(widget.fuse.live):
        widget.fuse.live.stop()


def idle(dock):
    return dock.fuse.live._job is None


def whole(viewer, method="laplacian", axis=None, **params):
    layers = [viewer.layers["CT"], viewer.layers["T1"]]
    windows = [Window(lower=low, upper=high) for low, high in (x.contrast_limits for x in layers)]
    volumes = [from_layer(layer) for layer in layers]
    return fuse(volumes, method, windows=windows, axis=axis, **params).array


def slider(viewer, index):
    """Move the slider to a slice of the CT."""
    axis = viewer.dims.order[0]
    layer = viewer.layers["CT"]
    viewer.dims.set_point(axis, layer.translate[axis] + index * layer.scale[axis])


def seen(viewer):
    """What the preview draws on the slice that is shown; None when it draws nothing."""
    layer = find_preview(viewer)
    if layer is None or layer._slice.empty:
        return None
    return np.asarray(layer._slice.image.raw)


def test_the_preview_is_the_slice_of_the_whole_fusion(aligned):
    slider(aligned, 7)
    layer = preview_layers(aligned, ["CT", "T1"], "laplacian", levels=3)
    assert layer.name == "live laplacian (CHECK)"
    np.testing.assert_array_equal(seen(aligned), whole(aligned, levels=3)[7])
    assert layer.metadata[PLACE].grid == aligned.layers["CT"].metadata[PLACE].grid


@pytest.mark.parametrize(("plane", "axis"), [("coronal", 1), ("sagittal", 2)])
def test_every_plane_has_its_preview(aligned, plane, axis):
    show_plane(aligned, plane)
    slider(aligned, 20)
    preview_layers(aligned, ["CT", "T1"])
    np.testing.assert_array_equal(seen(aligned), whole(aligned, axis=axis).take(20, axis))


def test_another_slice_is_fused_when_it_is_shown(aligned):
    expected = whole(aligned)
    slider(aligned, 7)
    layer = preview_layers(aligned, ["CT", "T1"])
    for index in (8, 7, 30, 0):
        slider(aligned, index)
        np.testing.assert_array_equal(seen(aligned), expected[index])
    np.testing.assert_array_equal(layer.data, expected)


def test_a_slice_that_takes_long_is_black_until_it_comes(dock, aligned, qtbot, monkeypatch):
    gate = Gate(monkeypatch)
    gate.open.set()
    monkeypatch.setattr(slices, "QUICK_S", -1.0)
    slider(aligned, 5)
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    expected = whole(aligned)
    gate.open.clear()
    slider(aligned, 9)
    assert not seen(aligned).any()  # and not slice 5's
    assert dock.fuse.live.box.text() == "Live — fusing …"
    gate.open.set()
    qtbot.waitUntil(lambda: idle(dock))
    assert dock.fuse.live.box.text() == "Live"
    np.testing.assert_array_equal(seen(aligned), expected[9])
    assert threading.get_ident() not in gate.threads


def test_scrolling_on_finds_the_next_slice_fused(dock, aligned, qtbot, monkeypatch):
    monkeypatch.setattr(slices, "QUICK_S", 60.0)
    slider(aligned, 5)
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    fuser, expected = find_preview(aligned).data.maker, whole(aligned)
    for index in (6, 7, 8):
        slider(aligned, index)
        np.testing.assert_array_equal(seen(aligned), expected[index])
        qtbot.waitUntil(lambda: (0, index + 1) in fuser._kept)  # noqa: B023 - at once


def test_few_slices_are_kept(aligned):
    layer = preview_layers(aligned, ["CT", "T1"])
    for plane in ("axial", "coronal"):
        show_plane(aligned, plane)
        for index in range(layer.data.shape[aligned.dims.order[0]]):
            slider(aligned, index)
    assert len(layer.data.maker._kept) == slices.KEPT


def test_four_views_fuse_what_each_shows(aligned):
    from napari_fusion.gui.views.mirror import Mirror

    other = ViewerModel()
    mirror = Mirror(aligned, other)  # kept: events hold it but weakly
    show_plane(other, "sagittal")
    preview_layers(aligned, ["CT", "T1"])
    slider(other, 20)
    np.testing.assert_array_equal(seen(other), whole(aligned, axis=2)[:, :, 20])
    slider(aligned, 8)
    np.testing.assert_array_equal(seen(aligned), whole(aligned)[8])
    mirror.close()
    assert not other.layers


def test_an_oblique_fixed_layer_has_no_slice_on_screen(viewer, pair):
    turn = np.eye(4)
    turn[:3, :3] = [[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]
    grid = replace(pair[0].grid, affine=turn @ pair[0].grid.affine)
    data, keywords, _ = to_layer(
        replace(pair[0], grid=grid), viewer.layers[0].metadata[PLACE].frame, name="turned"
    )
    viewer.add_image(data, **keywords)
    with pytest.raises(GeometryError, match="oblique to the view"):
        preview_layers(viewer, ["turned", "head CT"])


def test_live_follows_slider_method_form_and_window(dock, aligned, qtbot):
    slider(aligned, 7)
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    assert "preview_layers(viewer, ['CT', 'T1'], 'laplacian'" in dock.keep.code.lines[-1]

    def follows(expected):
        qtbot.waitUntil(lambda: idle(dock) and seen(aligned) is not None)
        np.testing.assert_array_equal(seen(aligned), expected)

    slider(aligned, 9)
    follows(whole(aligned)[9])
    dock.fuse.fields["laplacian"]["levels"].value = 2
    follows(whole(aligned, levels=2)[9])
    dock.fuse.choose_method("maximum")
    follows(whole(aligned, "maximum")[9])
    aligned.layers["CT"].contrast_limits = (0, 300)
    follows(whole(aligned, "maximum")[9])
    show_plane(aligned, "coronal")
    slider(aligned, 30)
    qtbot.waitUntil(lambda: idle(dock) and seen(aligned) is not None)
    np.testing.assert_array_equal(seen(aligned), whole(aligned, "maximum", axis=1)[:, 30])
    dock.fuse.live.box.setChecked(False)
    assert find_preview(aligned) is None


class Stripes:
    """A fuser whose slices say which they are: 100 times the axis, and the index."""

    def __init__(self, shape):
        self.shape = shape

    def seen(self, cut):
        axis, index = cut
        plane = [n for i, n in enumerate(self.shape) if i != axis]
        return np.full([1, *plane], 100 * axis + index, np.float32)


@pytest.mark.parametrize(
    ("shape", "key", "value", "found"),
    [
        ((3, 4, 5), (slice(2, 3),), 2, (1, 4, 5)),
        ((3, 4, 5), (..., 4), 204, (3, 4)),
        ((3, 4, 5), (slice(None), 1, ...), 101, (3, 5)),
        ((3, 4, 5), (0, 1, 2), 0, ()),
        ((1, 4, 5), (slice(None), slice(1, 2), slice(None)), 101, (1, 1, 5)),
        ((1, 4, 5), (slice(0, 1), slice(None), slice(None)), 0, (1, 4, 5)),
        ((1, 1, 5), (slice(None), slice(None), slice(3, 4)), 203, (1, 1, 1)),
        ((3, 4, 5), ..., 0, (3, 4, 5)),
    ],
)
def test_the_plane_is_the_one_that_was_asked_for(shape, key, value, found):
    cut = slices.Slices(Stripes(shape))[key]
    assert cut.shape == found
    assert (cut == value).all()


def test_each_plane_is_as_quick_as_it_was(aligned, monkeypatch):
    monkeypatch.setattr(slices, "QUICK_S", 1.0)
    fuser = preview_layers(aligned, ["CT", "T1"]).data.maker
    assert fuser.is_quick(0)
    fuser._seconds = {0: 0.1, 2: 3.0}
    assert [fuser.is_quick(axis) for axis in range(3)] == [True, False, False]


class Gate:
    """Holds the fusion back until it is opened, and notes who asked for which slice."""

    def __init__(self, monkeypatch):
        self.asked, self.threads, self.open = [], set(), threading.Event()
        real = slices.fuse_slice_with_shares

        def slow(*args, index, **keywords):
            self.asked.append(index)
            self.threads.add(threading.get_ident())
            assert self.open.wait(30)
            return real(*args, index=index, **keywords)

        monkeypatch.setattr(slices, "fuse_slice_with_shares", slow)


def test_a_picture_that_comes_late_is_thrown_away(dock, aligned, qtbot, monkeypatch):
    gate = Gate(monkeypatch)
    monkeypatch.setattr(slices, "QUICK_S", -1.0)  # whatever the method, it counts as slow
    slider(aligned, 5)
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: gate.asked == [5])
    for index in (6, 7, 8):  # while slice 5 is still being computed
        slider(aligned, index)
    gate.open.set()
    qtbot.waitUntil(lambda: gate.asked == [5, 8] and idle(dock))  # those in between never began
    np.testing.assert_array_equal(seen(aligned), whole(aligned)[8])
    assert threading.get_ident() not in gate.threads


def test_the_previews_pixels_are_accounted_for(aligned):
    slider(aligned, 7)
    layer = preview_layers(aligned, ["CT", "T1"])
    names, shares = layer.metadata[SHARES]
    total = sum(np.asarray(share.array) for share in shares.values())
    np.testing.assert_allclose(total, 1, atol=1e-6)
    place = layer.metadata[PLACE]
    row, column = np.argwhere(layer.data[0] > 0.3)[0]
    aligned.cursor.position = place.frame.to_world(place.grid.index_to_lps([0, row, column]))
    assert "fused: " in readout(aligned)
    assert all(f"% {name}" in readout(aligned) for name in names)


def test_each_plane_tells_the_shares_of_its_own_picture(aligned):
    layer = preview_layers(aligned, ["CT", "T1"])
    place, voxel = layer.metadata[PLACE], (20, 30, 24)
    world = place.frame.to_world(place.grid.index_to_lps(voxel))
    told = [readout(aligned, world, axis).splitlines()[-1] for axis in (0, 1, 2, 0)]
    for axis, words in zip((0, 1, 2, 0), told, strict=True):
        given = layer.data.maker.make((axis, voxel[axis]))[1]
        rest = [i for one, i in enumerate(voxel) if one != axis]
        assert f"fused: {100 * given[tuple(rest)]:.0f} % CT" in words
    assert len(set(told)) > 1


def test_a_live_layer_can_be_duplicated(aligned):
    layer = preview_layers(aligned, ["CT", "T1"])
    assert deepcopy(layer.data).maker is layer.data.maker


def test_switching_off_while_computing_shows_nothing(dock, aligned, qtbot, monkeypatch):
    gate = Gate(monkeypatch)
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: len(gate.asked) == 1)
    dock.fuse.live.box.setChecked(False)
    gate.open.set()
    qtbot.wait(200)
    assert find_preview(aligned) is None


def test_what_cannot_be_shown_is_one_sentence(dock, aligned, qtbot):
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    aligned.dims.ndisplay = 3
    qtbot.waitUntil(lambda: find_preview(aligned) is None)
    assert "leave the 3-D view" in dock.fuse.live.words.text()


def test_a_preview_is_no_source(dock, aligned, qtbot):
    preview_layers(aligned, ["CT", "T1"])
    listed = [dock.open.fixed.itemText(i) for i in range(dock.open.fixed.count())]
    assert listed == ["CT", "T1"]
    assert list(Snapshot.of(aligned).taken) == ["CT", "T1"]


def test_the_preview_moving_along_is_no_move_by_hand(dock, aligned, qtbot):
    heard = []
    dock.keep.geometry_panel.moved.connect(lambda: heard.append(1))
    slider(aligned, 5)
    preview_layers(aligned, ["CT", "T1"])
    slider(aligned, 6)
    preview_layers(aligned, ["CT", "T1"])
    assert heard == []
    aligned.layers["T1"].translate += 1
    assert heard


def test_fusing_takes_the_previews_place(dock, aligned, qtbot):
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    dock.fuse.button.click()
    qtbot.waitUntil(dock.fuse.button.isEnabled, timeout=60_000)
    assert find_preview(aligned) is None
    assert not dock.fuse.live.box.isChecked()


@pytest.fixture
def live(dock, aligned, qtbot):
    """The workspace with *Live* ticked and its picture shown."""
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    return dock


def visible(viewer):
    return {layer.name: layer.visible for layer in viewer.layers}


def test_the_picture_takes_the_place_of_its_sources_until_it_goes(live, aligned, qtbot):
    assert visible(aligned) == {"CT": False, "T1": False, "live laplacian (CHECK)": True}
    aligned.layers["T1"].visible = True  # by hand: and so it stays
    live.fuse.choose_method("maximum")
    qtbot.waitUntil(lambda: idle(live) and "live maximum (CHECK)" in visible(aligned))
    assert visible(aligned) == {"CT": False, "T1": True, "live maximum (CHECK)": True}
    live.fuse.live.box.setChecked(False)
    assert visible(aligned) == {"CT": True, "T1": True}


def test_a_layer_that_was_hidden_before_stays_hidden(dock, aligned, qtbot):
    aligned.layers["T1"].visible = False
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: seen(aligned) is not None and idle(dock))
    dock.fuse.live.box.setChecked(False)
    assert visible(aligned) == {"CT": True, "T1": False}


@pytest.mark.parametrize("leave", ["throw out", "3-D", "no place", "close"])
def test_however_the_picture_goes_its_sources_come_back(live, aligned, qtbot, leave):
    if leave == "throw out":
        aligned.layers.remove(find_preview(aligned))
        assert not live.fuse.live.box.isChecked()
    elif leave == "3-D":
        aligned.dims.ndisplay = 3
    elif leave == "no place":
        aligned.layers["T1"].data = np.zeros((2, 2, 2), np.float32)  # where that lies is not known
    else:
        live.fuse.live.deleteLater()
    qtbot.waitUntil(lambda: visible(aligned) == {"CT": True, "T1": True})


def test_a_preview_made_by_code_stays_when_the_dock_goes(dock, aligned, qtbot):
    layer = preview_layers(aligned, ["CT", "T1"])
    dock.fuse.live.deleteLater()
    qtbot.waitUntil(lambda: not isalive(dock.fuse.live))
    assert find_preview(aligned) is layer


def test_covered_sources_are_windowed_and_told_of(live, aligned):
    aligned.layers.selection.active = aligned.layers["CT"]
    assert live.desk.hands.layer() is aligned.layers["CT"]
    assert [layer.name for layer in measured(aligned)] == ["T1", "CT"]
    assert readout(aligned).startswith("CT: ")
    assert look_of(aligned.layers["CT"])["visible"]


def test_what_an_alignment_hides_stays_hidden(live, aligned, gate, qtbot):
    live.align.button.click()
    qtbot.waitUntil(lambda: "T1 on CT" in visible(aligned), timeout=20_000)
    qtbot.waitUntil(lambda: idle(live) and live.align.button.isEnabled())
    live.fuse.live.box.setChecked(False)
    assert visible(aligned) == {"CT": True, "T1": False, "T1 on CT": True}


def test_two_previews_replace_each_other(aligned):
    preview_layers(aligned, ["CT", "T1"], "average")
    preview_layers(aligned, ["CT", "T1"], "maximum")
    assert [layer.name for layer in aligned.layers] == ["CT", "T1", "live maximum (CHECK)"]
    fuse_layers(aligned, ["CT", "T1"], "average")
