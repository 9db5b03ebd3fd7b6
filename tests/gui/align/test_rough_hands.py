"""Aligning while the user does something else: nothing is mixed up, lost or applied twice."""

import threading

import numpy as np
import pytest
from napari.utils.key_bindings import KeymapHandler
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_fusion.gui import open_session, save_session
from napari_fusion.gui.align.ghost import GHOST
from napari_fusion.gui.align.marking import add_marks
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.fuse.preview import find_preview
from napari_fusion.gui.layers import VOLUME, add_volume
from napari_fusion.gui.readout import patient_point, readout, value_at
from napari_fusion.gui.snapshot import ALIGNMENT
from napari_fusion.phantom import foreground_points, head


@pytest.fixture
def slow(monkeypatch, gate):
    """Hold the (replaced) registration back until the test lets it go."""
    from napari_fusion import registration

    go, quick = threading.Event(), registration.align

    def align(*given, **keywords):
        go.wait(20)
        return quick(*given, **keywords)

    monkeypatch.setattr("napari_fusion.registration.align", align)
    yield go
    go.set()


def click(qtbot, one):
    qtbot.mouseClick(one, Qt.MouseButton.LeftButton)


def idle(dock):
    return lambda: dock.align.button.isEnabled()


def mark(viewer, moving, shift=(0.0, 0.0, 0.0)):
    """Mark four places on CT, and the same ones shifted by LPS mm on a layer."""
    places = foreground_points(4, seed=3)
    here, there = add_marks(viewer, "fixed", "head CT"), add_marks(viewer, "moving", moving)
    for layer, lps in ((here, places), (there, places + np.array(shift))):
        layer.data = [layer.world_to_data(place) for place in Frame().to_world(lps)]


def test_landmarks_give_the_same_pose_however_often_they_are_asked(viewer, dock, qtbot):
    mark(viewer, "head T1", (6.0, 2.0, 0.0))
    box = dock.align.landmarks
    box.set_open(on=True)
    for count in (1, 2):
        box._tell()
        click(qtbot, box.align_button)
        qtbot.waitUntil(lambda n=count: idle(dock)() and len(viewer.layers) == 4 + n)
    first, again = (layer.metadata[ALIGNMENT].matrix for layer in viewer.layers[-2:])
    np.testing.assert_allclose(again, first)
    np.testing.assert_allclose(first[:3, 3], [6, 2, 0], atol=1e-6)


def test_marks_belong_to_the_layer_they_were_set_on(viewer, pair, dock):
    mark(viewer, "head T1")
    box = dock.align.landmarks
    box._tell()
    assert box.align_button.isEnabled()
    add_volume(viewer, head("T2", pair[1].grid), name="T2")
    dock.open.moving.choose(viewer.layers["T2"])
    assert not box.align_button.isEnabled()
    assert "4 places marked on the fixed layer, 0 on the moving one" in box.words.text()
    dock.open.moving.choose(viewer.layers["head T1"])
    assert box.words.text() == "4 pairs marked."


def test_marks_change_neither_the_steps_of_the_sliders_nor_the_slice(viewer, dock):
    viewer.dims.set_current_step(0, 21)
    ranges, point = viewer.dims.range, viewer.dims.point
    mark(viewer, "head T1")
    assert viewer.dims.range == ranges
    for name in ("marks on head CT", "marks on head T1"):
        viewer.layers.remove(name)
    assert (viewer.dims.range, viewer.dims.point) == (ranges, point)


def test_the_state_names_landmarks_and_their_own_number(viewer, dock, qtbot):
    mark(viewer, "head T1", (6.0, 2.0, 0.0))
    box = dock.align.landmarks
    box._tell()
    marks = viewer.layers["marks on head T1"]
    shaken = np.random.default_rng(1).normal(0, 0.05, (4, 3))
    marks.data = marks.data + shaken
    box._tell()
    click(qtbot, box.align_button)
    qtbot.waitUntil(lambda: idle(dock)() and len(viewer.layers) == 5)
    found = viewer.layers[-1].metadata[ALIGNMENT].quality
    assert "aligned by landmarks" in dock.state.text()
    assert f"{found.uncertainty_mm:.1f} mm</b>" in dock.state.text()
    assert f"{found.uncertainty_mm:.1f} mm" in found.sentence


def test_marks_come_back_with_the_session(viewer, tmp_path, dock):
    mark(viewer, "head T1")
    save_session(viewer, tmp_path / "one.fusion")
    looks = [(str(m.symbol[0]), m.size[0], m.face_color[0].tolist()) for m in viewer.layers[-2:]]
    open_session(viewer, tmp_path / "one.fusion", replace=True)
    assert dock.align.landmarks.words.text() == "4 pairs marked."
    again = [(str(m.symbol[0]), m.size[0], m.face_color[0].tolist()) for m in viewer.layers[-2:]]
    assert again == looks


def test_one_thing_at_a_time(viewer, slow, dock, qtbot, said):
    dock.align.hand.set_open(on=True)
    click(qtbot, dock.align.button)
    assert not dock.align.hand.isEnabled()
    assert not dock.align.landmarks.isEnabled()
    dock.jobs.start(lambda: pytest.fail("began"), lambda *_: None)
    assert said()[-1] == "Something is being computed: wait for it, or press Cancel."
    slow.set()
    qtbot.waitUntil(idle(dock))
    assert dock.align.hand.isEnabled()


def test_what_was_refused_belongs_to_its_pair(viewer, pair, gate, dock, qtbot):
    gate("FAIL")
    add_volume(viewer, head("T2", pair[1].grid), name="T2")
    dock.open.moving.choose(viewer.layers["head T1"])
    click(qtbot, dock.align.button)
    qtbot.waitUntil(lambda: idle(dock)() and dock.align.anyway_button.isVisibleTo(dock.align))
    dock.open.moving.choose(viewer.layers["T2"])
    assert not dock.align.anyway_button.isVisibleTo(dock.align)
    assert "FAIL" not in dock.align.verdict.text()


def test_d61_a_result_of_a_closed_layer_is_not_added(viewer, slow, dock, qtbot, said):
    click(qtbot, dock.align.button)
    viewer.layers.remove("head T1")
    slow.set()
    qtbot.waitUntil(idle(dock))
    assert said()[-1] == "'head T1' was closed meanwhile: nothing was added"
    assert [layer.name for layer in viewer.layers] == ["head CT"]


def test_a_layer_that_got_another_name_meanwhile_makes_place_and_no_namesake_does(
    viewer, slow, dock, qtbot
):
    fixed, moving = viewer.layers
    click(qtbot, dock.align.button)
    moving.name, fixed.name = "T1 of Monday", "head T1"
    slow.set()
    qtbot.waitUntil(lambda: idle(dock)() and len(viewer.layers) == 3)
    assert not moving.visible
    assert fixed.visible


def test_undo_shows_again_what_was_hidden_while_it_was_watched(viewer, slow, dock, qtbot):
    assert dock.align.watch.isChecked()
    click(qtbot, dock.align.button)
    assert viewer.layers["head T1"].visible  # nothing takes its place yet
    dock.align._pass_on(np.eye(4), 1.0)
    assert find_preview(viewer, GHOST) is not None
    assert not viewer.layers["head T1"].visible
    slow.set()
    qtbot.waitUntil(lambda: idle(dock)() and len(viewer.layers) == 3)
    assert not viewer.layers["head T1"].visible
    dock.desk._undo()
    assert [(layer.name, layer.visible) for layer in viewer.layers] == [
        ("head CT", True),
        ("head T1", True),
    ]
    dock.desk._redo()
    assert not viewer.layers["head T1"].visible


def press(viewer, key):
    """Press a key as napari's canvas does."""
    handler = KeymapHandler()
    handler.keymap_providers = [viewer]
    handler.press_key(key)
    handler.release_key(key)


def held(viewer, dock, qtbot):
    """Take the moving picture in hand and push it twice."""
    box = dock.align.hand
    box.set_open(on=True)
    click(qtbot, box.move_button)
    for _ in range(2):
        press(viewer, "Right")
    return box


def test_everything_may_be_closed_while_a_picture_is_in_hand(viewer, dock, qtbot):
    box = held(viewer, dock, qtbot)
    viewer.layers.select_all()
    viewer.layers.remove_selected()
    qtbot.waitUntil(lambda: box.hand is None)
    assert not len(viewer.layers)


def test_the_words_say_which_way_the_picture_went(viewer, dock, qtbot):
    box = held(viewer, dock, qtbot)  # two millimetres to the right of the screen: to the left side
    assert box.words.text().startswith("Moved by L +2.0 P +0.0 S +0.0 mm, turned by L +0.0°")


def test_undo_takes_back_the_nudge_while_a_picture_is_in_hand(viewer, dock, qtbot):
    box = held(viewer, dock, qtbot)
    before = box.hand.pose
    dock.desk._undo()
    assert box.hand.pose != before
    dock.desk._redo()
    assert box.hand.pose == before
    assert {"head CT", "head T1"} <= {layer.name for layer in viewer.layers}


def test_a_pose_that_was_refused_is_still_in_hand(viewer, dock, qtbot, monkeypatch):
    from napari_fusion.registration import Quality

    monkeypatch.setattr(
        "napari_fusion.gui.align.hand.assess",
        lambda _fixed, _moving, found: found.__class__(
            found.fixed, found.moving, found.matrix, Quality(verdict="FAIL", sentence="Off.")
        ),
    )
    box = held(viewer, dock, qtbot)
    pose = box.hand.pose
    click(qtbot, box.place_button)
    qtbot.waitUntil(idle(dock))
    assert box.hand is None
    click(qtbot, box.move_button)
    assert box.hand.pose == pose


def test_closing_the_dock_shows_what_a_search_hid(viewer, slow, dock, qtbot):
    click(qtbot, dock.align.button)
    dock.align._pass_on(np.eye(4), 1.0)
    assert not viewer.layers["head T1"].visible
    dock.leave()
    assert viewer.layers["head T1"].visible
    assert find_preview(viewer, GHOST) is None


def test_a_floor_is_meant_when_it_is_typed_to_its_end(viewer, dock, qtbot):
    box = dock.check.palettes.floors["B"]
    box.setEnabled(True)
    heard = []
    box.valueChanged.connect(heard.append)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "2.5")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert heard == [2.5]


def test_the_pose_is_there_again_when_taken_in_hand_again(viewer, dock, qtbot):
    box = held(viewer, dock, qtbot)
    pose = box.hand.pose
    click(qtbot, box.move_button)
    assert box.hand is None
    click(qtbot, box.move_button)
    assert box.hand.pose == pose
    dock.desk._undo()
    assert box.hand.pose != pose


def test_a_renamed_layer_stays_in_hand_and_is_shown_again(viewer, dock, qtbot):
    box = held(viewer, dock, qtbot)
    pose = box.hand.pose
    viewer.layers["head T1"].name = "renamed"
    assert box.hand.pose == pose
    press(viewer, "Right")
    assert box.hand.pose != pose
    click(qtbot, box.move_button)
    assert viewer.layers["renamed"].visible


def test_the_ghost_looks_as_its_layer_and_is_no_source(viewer, dock, qtbot):
    box = held(viewer, dock, qtbot)
    viewer.layers.selection.active = None
    layer, ghost = viewer.layers["head T1"], find_preview(viewer, GHOST)
    assert dock.desk.hands.layer() is layer
    dock.desk._preset(2)
    assert tuple(ghost.contrast_limits) == tuple(layer.contrast_limits)
    told = readout(viewer)
    assert "head T1:" not in told
    here = box.hand.now.map_points(patient_point(ghost, dock.desk.crossing.point))
    volume = layer.metadata[VOLUME]
    index = tuple(np.round(volume.grid.lps_to_index(here)).astype(int))
    value = float(volume.array[index])
    told = value_at(ghost, dock.desk.crossing.point)
    assert float(told.split()[0]) == pytest.approx(value, rel=1e-3)


def test_no_nudge_counts_where_no_slice_is_shown(viewer, dock, qtbot, said):
    box = held(viewer, dock, qtbot)
    pose = box.hand.pose
    viewer.dims.ndisplay = 3
    press(viewer, "Right")
    assert box.hand.pose == pose
    assert "leave the 3-D view" in said()[-1]
    viewer.dims.ndisplay = 2
    viewer.add_image(np.zeros((2, 5, 5, 5)), name="series", units=("mm",) * 4)
    press(viewer, "Right")
    assert box.hand.pose == pose
    assert "close the layer that has 4" in said()[-1]


def test_a_session_saved_with_a_picture_in_hand_shows_it(viewer, tmp_path, dock, qtbot):
    held(viewer, dock, qtbot)
    save_session(viewer, tmp_path / "one.fusion")
    dock.align.hand.stop()
    open_session(viewer, tmp_path / "one.fusion", replace=True)
    assert [layer.visible for layer in viewer.layers] == [True, True]


def test_renaming_the_fixed_layer_keeps_its_marks(viewer, dock, qtbot):
    mark(viewer, "head T1")
    box = dock.align.landmarks
    box.set_open(on=True)
    click(qtbot, box.mark_button)
    viewer.layers["head CT"].name = "planning CT"
    qtbot.waitUntil(lambda: box.words.text() == "4 pairs marked.")
    assert viewer.layers["planning CT"].visible
    assert viewer.layers["head T1"].visible


def test_undo_takes_back_the_last_mark_while_places_are_marked(viewer, dock, qtbot):
    mark(viewer, "head T1")
    box = dock.align.landmarks
    box.set_open(on=True)
    click(qtbot, box.mark_button)
    here, there = viewer.layers["marks on head CT"], viewer.layers["marks on head T1"]
    for counts in ((4, 3), (3, 3), (3, 2)):
        dock.desk._undo()
        assert (len(here.data), len(there.data)) == counts
    assert box.words.text() == "Click place 3 on head T1."


def test_what_live_covers_stays_hidden_when_the_hand_lets_go(viewer, dock, qtbot):
    dock.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: find_preview(viewer) is not None, timeout=10000)
    assert not viewer.layers["head T1"].visible
    box = dock.align.hand
    box.set_open(on=True)
    click(qtbot, box.move_button)
    assert box.hand is not None
    click(qtbot, box.move_button)
    assert box.hand is None
    assert not viewer.layers["head T1"].visible
    dock.fuse.live.stop()
    assert viewer.layers["head T1"].visible
