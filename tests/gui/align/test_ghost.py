"""The moving picture at a pose: on screen, by hand, by landmarks, and while it is sought."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_fusion import AlignError, Grid, ParameterError, resample
from napari_fusion.gui import align_by_landmarks, align_layers, place_layer, refine_layers
from napari_fusion.gui.align.ghost import GHOST, Ghost, show_ghost
from napari_fusion.gui.align.hand import Hand, Screen
from napari_fusion.gui.align.marking import add_marks, marks_of
from napari_fusion.gui.align.pose import posed, rounded
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.fuse.preview import find_preview
from napari_fusion.gui.snapshot import ALIGNMENT
from napari_fusion.phantom import foreground_points
from napari_fusion.registration import Alignment, DisplacementField


def truth_of(pair):
    return Alignment(pair[0].grid, pair[1].grid, pair[2])


def press(viewer, key):
    """Press a key as napari's canvas does."""
    from napari.utils.key_bindings import KeymapHandler

    handler = KeymapHandler()
    handler.keymap_providers = [viewer]
    handler.press_key(key)
    handler.release_key(key)


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_ghost_is_the_slice_of_the_resampled_volume(viewer, pair, axis, bent):
    fixed, moving, _ = pair
    found = bent_of(pair) if bent else truth_of(pair)
    drawn, _, _ = Ghost.of(viewer.layers["head T1"], moving, Frame()).at(found)
    whole = resample(moving, fixed.grid, found).array
    index = round(float(fixed.grid.lps_to_index(fixed.grid.centre)[axis]))
    # ITK also draws the outer half of the voxels at the edge
    rows = np.stack(np.indices(fixed.grid.shape), axis=-1).take(index, axis)
    lies = moving.grid.lps_to_index(found.map_points(fixed.grid.index_to_lps(rows)))
    inside = ((lies >= 0) & (lies <= np.array(moving.grid.shape) - 1)).all(axis=-1)
    key = tuple(index if i == axis else slice(None) for i in range(3))
    np.testing.assert_allclose(
        drawn[key][inside], whole.take(index, axis)[inside], atol=1e-3 * whole.max()
    )


def test_the_ghost_is_seen_in_every_plane_and_is_no_source(viewer, pair, dock):
    show_ghost(viewer, Ghost.of(viewer.layers[1], pair[1], Frame()), truth_of(pair))
    layer = find_preview(viewer, GHOST)
    assert dock.open.fixed.findText(layer.name) < 0
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        viewer.dims.order = order
        for step in (7, 9):
            viewer.dims.set_current_step(order[0], step)
            index = round(layer.world_to_data(viewer.dims.point)[order[0]])
            drawn = layer.data[tuple(index if i == order[0] else slice(None) for i in range(3))]
            np.testing.assert_array_equal(layer._slice.image.view, drawn)
            assert drawn.any()


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("turned", [("down", "right"), ("up", "left")])
def test_a_nudge_moves_the_picture_the_way_of_the_arrow(viewer, pair, order, turned):
    viewer.dims.order = order
    viewer.scene.camera.orientation2d = turned
    screen, hand = Screen.of(viewer, Frame()), Hand(truth_of(pair))
    place = np.array([10.0, -20.0, 30.0])
    before = hand.now.map_points(place)
    hand.shift(3 * screen.right)
    np.testing.assert_allclose(hand.now.map_points(place + 3 * screen.right), before, atol=1e-9)
    hand.undo()
    hand.turn(screen, 90)
    centre = pair[0].grid.centre
    seen_right, seen_below = centre + 7 * screen.right, centre + 7 * screen.down
    was = truth_of(pair).map_points(seen_right)
    np.testing.assert_allclose(hand.now.map_points(seen_below), was, atol=1e-9)  # clockwise


def test_steps_can_be_undone_and_done_again(pair):
    hand = Hand(truth_of(pair))
    hand.shift(np.array([1.0, 0, 0]))
    moved = hand.now.matrix
    assert hand.undo()
    np.testing.assert_array_equal(hand.now.matrix, pair[2])
    assert not hand.undo()
    assert hand.redo()
    np.testing.assert_array_equal(hand.now.matrix, moved)
    hand.undo()
    hand.shift(np.array([0.0, 1, 0]))
    assert not hand.redo()


def test_arrow_keys_nudge_only_while_moving_by_hand(qtbot, viewer, dock):
    before = dict(viewer.keymap)
    box = dock.align.hand
    box.set_open(on=True)
    qtbot.mouseClick(box.move_button, Qt.MouseButton.LeftButton)
    assert find_preview(viewer, GHOST) is not None
    assert not viewer.layers["head T1"].visible
    for key in ("Right", "Right", "Shift-Up", "Alt-Left"):
        press(viewer, key)
    shift, degrees = box.hand.pose
    assert degrees == pytest.approx((0, 0, 1.0), abs=1e-3)
    assert np.linalg.norm(shift) == pytest.approx(np.hypot(2, 0.1), abs=1e-3)
    qtbot.mouseClick(box.undo_button, Qt.MouseButton.LeftButton)
    assert box.hand.pose[1] == pytest.approx((0, 0, 0), abs=1e-6)
    qtbot.mouseClick(box.move_button, Qt.MouseButton.LeftButton)
    assert find_preview(viewer, GHOST) is None
    assert viewer.layers["head T1"].visible
    assert {k: v for k, v in viewer.keymap.items() if v is not None} == before


def test_place_draws_the_pose_judged_and_says_how_to_repeat_it(qtbot, viewer, dock, pair):
    box = dock.align.hand
    box.set_open(on=True)
    viewer.layers["head T1"].visible = True
    qtbot.mouseClick(box.move_button, Qt.MouseButton.LeftButton)
    box.hand.start = posed(pair[0].grid, pair[1].grid, rounded(truth_of(pair)))
    press(viewer, "Shift-Right")
    qtbot.mouseClick(box.place_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: len(viewer.layers) == 3 and dock.align.button.isEnabled(), timeout=60_000
    )
    added = viewer.layers[-1]
    assert added.metadata[ALIGNMENT].quality.verdict in {"PASS", "CHECK"}
    line = dock.keep.code.lines[-1]
    assert "place_layer(viewer, 'head CT', 'head T1', pose=((" in line
    exec(line, {"viewer": viewer})
    np.testing.assert_array_equal(viewer.layers[-1].data, added.data)


def test_a_bad_pose_by_hand_is_not_added_silently(viewer):
    with pytest.raises(AlignError, match="Nothing was added"):
        place_layer(viewer, "head CT", "head T1", pose=((60, 20, 0), (0, 40, 0)))
    assert len(viewer.layers) == 2


def test_align_from_a_pose_searches_near_it_only(viewer, pair, monkeypatch):
    asked = []

    def align(fixed, moving, options, *, initial=None, progress):
        asked.append((options.search, initial.pose()))
        return truth_of(pair)

    monkeypatch.setattr("napari_fusion.registration.align", align)
    refine_layers(viewer, "head CT", "head T1", start=((1, 2, 3), (4, 5, 6)))
    search, (shift, degrees) = asked[0]
    assert search == "near"
    np.testing.assert_allclose([*shift, *degrees], [1, 2, 3, 4, 5, 6], atol=1e-9)


def test_an_aligned_layer_goes_on_from_where_it_lies(viewer, pair, gate, dock, qtbot):
    moved = align_layers(viewer, "head CT", "head T1")
    dock.open.moving.choose(moved)
    dock.align.hand.set_open(on=True)
    qtbot.mouseClick(dock.align.hand.move_button, Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(dock.align.hand.hand.now.matrix, pair[2])
    assert not moved.visible


def bent_of(pair):
    """Bend the middle of the truth by 4 mm: the corners of the volume stay."""
    vectors = np.zeros((3, 3, 3, 3))
    vectors[1, 1, 1] = 4, 0, 0
    field = DisplacementField(Grid.regular((3, 3, 3), (30, 30, 30)), vectors)
    return replace(truth_of(pair), field=field)


def test_a_nudge_keeps_what_bends_space(pair):
    bent = bent_of(pair)
    hand, shift = Hand(bent), np.array([3.0, -2.0, 5.0])
    hand.shift(shift)
    places = foreground_points(50, seed=4)
    expected = bent.map_points(places)
    np.testing.assert_allclose(hand.now.map_points(places + shift), expected, atol=1e-4)
    assert not np.allclose(expected, truth_of(pair).map_points(places), atol=0.5)


def test_a_bent_layer_is_not_moved_by_hand(viewer, pair, dock, qtbot, monkeypatch, said):
    monkeypatch.setattr("napari_fusion.registration.align", lambda *_, **__: bent_of(pair))
    bent = align_layers(viewer, "head CT", "head T1", model="deformable")
    dock.open.moving.choose(bent)
    dock.align.hand.set_open(on=True)
    qtbot.mouseClick(dock.align.hand.move_button, Qt.MouseButton.LeftButton)
    assert dock.align.hand.hand is None
    assert "stretched or bent" in said()[-1]
    assert bent.visible


def set_at(layer, world):
    """Put marks at places (n, 3) in viewer mm."""
    layer.data = [layer.world_to_data(place) for place in world]


def marks(viewer, pair, count=9):
    """Set the same places as marks on both layers."""
    places = foreground_points(count, seed=3)
    there = places @ pair[2][:3, :3].T + pair[2][:3, 3]
    here, other = add_marks(viewer, "fixed", "head CT"), add_marks(viewer, "moving", "head T1")
    set_at(here, Frame().to_world(places))
    set_at(other, Frame().to_world(there))
    return here, other


def test_landmarks_give_the_map_and_the_error_of_every_pair(viewer, pair, dock, qtbot):
    _, other = marks(viewer, pair)
    other.data = np.vstack([other.data[:-1], other.data[-1] + 2.0 / other.scale])
    box = dock.align.landmarks
    box.set_open(on=True)
    qtbot.mouseClick(box.mark_button, Qt.MouseButton.LeftButton)
    assert box.table.rowCount() == 9
    shown = [float(box.table.item(row, 2).text()) for row in range(9)]
    assert max(shown) == shown[-1] > 2
    qtbot.mouseClick(box.align_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.align.button.isEnabled() and len(viewer.layers) == 5)
    found = viewer.layers[-1].metadata[ALIGNMENT]
    points = foreground_points(100)
    apart = found.map_points(points) - truth_of(pair).map_points(points)
    assert np.linalg.norm(apart, axis=1).max() < 2
    line = dock.keep.code.lines[-1]
    exec(line, {"viewer": viewer})
    np.testing.assert_array_equal(viewer.layers[-1].data, viewer.layers[-2].data)


def test_marks_are_asked_for_in_turn(viewer, dock, qtbot):
    box = dock.align.landmarks
    box.set_open(on=True)
    qtbot.mouseClick(box.mark_button, Qt.MouseButton.LeftButton)
    here, other = marks_of(viewer, "fixed", "head CT"), marks_of(viewer, "moving", "head T1")
    assert viewer.layers.selection.active is here
    assert (viewer.layers["head CT"].visible, viewer.layers["head T1"].visible) == (True, False)
    here.add([1, 2, 3])
    assert viewer.layers.selection.active is other
    assert other.mode == "add"
    assert (viewer.layers["head CT"].visible, viewer.layers["head T1"].visible) == (False, True)
    assert box.words.text() == "Click place 1 on head T1."
    other.add([3, 2, 1])
    assert box.words.text() == "Click place 2 on head CT."
    assert {str(unit) for unit in here.units} == {"millimeter"}


@pytest.mark.parametrize("gone", ["marks on head CT", "marks on head T1"])
def test_deleting_marks_ends_marking_and_shows_what_was_hidden(viewer, dock, qtbot, gone):
    box = dock.align.landmarks
    box.set_open(on=True)
    qtbot.mouseClick(box.mark_button, Qt.MouseButton.LeftButton)
    viewer.layers.remove(gone)
    assert not box.mark_button.isChecked()
    assert viewer.layers["head CT"].visible
    assert viewer.layers["head T1"].visible
    qtbot.mouseClick(box.mark_button, Qt.MouseButton.LeftButton)
    assert gone in viewer.layers


@pytest.mark.parametrize("shape", [(20, 30), (2, 10, 20, 30)])
def test_what_is_no_volume_is_not_marked_and_one_sentence_says_so(viewer, dock, qtbot, said, shape):
    viewer.add_image(np.zeros(shape), name="other")
    dock.open.moving.choose(viewer.layers["other"])
    box = dock.align.landmarks
    box.set_open(on=True)
    qtbot.mouseClick(box.mark_button, Qt.MouseButton.LeftButton)
    assert len(said()) == 1
    assert "'other'" in said()[0]
    assert not box.mark_button.isChecked()
    assert len(viewer.layers) == 3
    assert viewer.layers["head CT"].visible


def test_marks_that_decide_nothing_are_refused(viewer, pair):
    here, other = marks(viewer, pair, 2)
    with pytest.raises(AlignError, match="at least 3"):
        align_by_landmarks(viewer, "head CT", "head T1", marks=(here.name, other.name))
    here.data = here.data[:1]
    with pytest.raises(ParameterError, match="marked in both"):
        align_by_landmarks(viewer, "head CT", "head T1", marks=(here.name, other.name))
    with pytest.raises(ParameterError, match="no points layer 'head CT'"):
        align_by_landmarks(viewer, "head CT", "head T1", marks=("head CT", other.name))


def test_the_search_is_seen_while_it_runs_and_leaves_no_trace(viewer, dock, qtbot):
    seen = []
    dock.align.posed.connect(lambda matrix, score: seen.append(find_preview(viewer, GHOST)))
    qtbot.mouseClick(dock.align.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: len(viewer.layers) == 3 and dock.align.button.isEnabled(), timeout=60_000
    )
    assert any(layer is not None for layer in seen)
    assert len(dock.align.curve.scores) == len(seen) > 3
    assert find_preview(viewer, GHOST) is None
    assert not viewer.layers["head T1"].visible  # the result stands for it


def test_after_a_cancelled_search_all_is_as_before(viewer, dock, qtbot):
    qtbot.mouseClick(dock.align.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(dock.align.curve.scores), timeout=60_000)
    dock.jobs.cancel()
    assert [layer.name for layer in viewer.layers] == ["head CT", "head T1"]
    assert all(layer.visible for layer in viewer.layers)
