"""The workspace driven as a user would: by clicks and keys."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox

from napari_fusion.errors import AlignError
from napari_fusion.gui import add_volume, from_layer, to_layer
from napari_fusion.gui.workspace import FusionWorkspace


@pytest.fixture
def click(qtbot):
    def press(button):
        assert button.isVisible()
        assert button.isEnabled()
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    return press


@pytest.fixture
def finish(qtbot, dock):
    return lambda: qtbot.waitUntil(dock.align.button.isEnabled, timeout=60_000)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def lines(dock):
    return dock.keep.code.lines


def test_the_first_two_layers_are_chosen_and_their_state_is_told(dock):
    assert (dock.open.fixed.currentText(), dock.open.moving.currentText()) == ("head CT", "head T1")
    assert "NOT REGISTERED" in dock.state.text()


def test_a_name_is_told_as_it_is_whatever_is_in_it(viewer, dock):
    layer = viewer.layers["head T1"]
    bare = replace(layer.metadata["napari_fusion"], modality="OTHER")
    layer.metadata["napari_fusion"], layer.name = bare, "T1 <b>5 & more</i>"
    assert "T1 &lt;b&gt;5 &amp; more&lt;/i&gt;" in dock.state.text()


def of_patient(layer, token):
    volume = layer.metadata["napari_fusion"]
    layer.metadata["napari_fusion"] = replace(volume, patient=token)


@pytest.fixture
def two_patients(viewer):
    """Asked for before `dock`, which then opens on layers of two patients."""
    for layer, token in zip(viewer.layers, ("a", "b"), strict=True):
        of_patient(layer, token)


@pytest.mark.parametrize("words", ["", "yes", "different patients", "DIFFERENT"])
def test_012_two_patients_are_refused_until_the_very_words_are_typed(
    two_patients, dock, click, finish, qtbot, viewer, said, words
):
    assert dock.open.warning.isVisible()
    qtbot.keyClicks(dock.open.allow, words)
    click(dock.fuse.button)
    finish()
    assert "belong to different patients" in said()[-1]
    assert names(viewer) == ["head CT", "head T1"]
    dock.open.allow.clear()
    qtbot.keyClicks(dock.open.allow, "DIFFERENT PATIENTS")
    click(dock.fuse.button)
    finish()
    assert names(viewer)[-1].startswith("DIFFERENT PATIENTS: ")
    assert "different_patients=True" in lines(dock)[-1]


def test_012_what_was_typed_counts_for_these_two_patients_only(two_patients, dock, qtbot, viewer):
    qtbot.keyClicks(dock.open.allow, "DIFFERENT PATIENTS")
    assert dock.open.current.different_patients
    third = viewer.add_image(viewer.layers[1].data, name="another")
    third.metadata = dict(viewer.layers[1].metadata)
    of_patient(third, "c")
    dock.open.moving.choose(third)
    assert dock.open.allow.isVisible()
    assert not dock.open.current.different_patients


def test_012_layers_of_one_patient_are_not_asked_about(dock):
    assert not dock.open.allow.isVisible()
    assert not dock.open.current.different_patients


def test_volumes_that_come_after_the_dock_are_chosen_in_turn(qtbot, pair):
    model = ViewerModel()
    widget = FusionWorkspace(model)
    qtbot.addWidget(widget)
    chosen = widget.open
    for volume in (*pair[:2], pair[0]):
        add_volume(model, volume)
    assert [combo.currentText() for combo in (chosen.fixed, chosen.moving)] == [
        "head CT",
        "head T1",
    ]


def test_align_and_fuse_by_clicks_alone(dock, click, finish, viewer, pair):
    before = [(layer.data, layer.metadata["napari_fusion"]) for layer in viewer.layers]
    click(dock.align.button)
    finish()
    assert names(viewer) == ["head CT", "head T1", "head T1 on head CT"]
    assert from_layer(viewer.layers[-1]).grid == pair[0].grid
    for layer, (data, volume) in zip(viewer.layers, before, strict=False):
        assert layer.data is data
        assert from_layer(layer) is volume
    assert dock.align.verdict.text().startswith("✔ PASS")
    assert dock.open.moving.currentText() == "head T1 on head CT"
    assert "PASS" in dock.state.text()
    click(dock.fuse.button)
    finish()
    assert names(viewer)[-2:] == [
        "auto: head CT + head T1 on head CT",
        "share of head T1 on head CT",
    ]


def test_every_click_is_a_line_that_repeats_it(dock, click, finish, viewer, gate, capsys):
    click(dock.align.button)
    finish()
    click(dock.fuse.button)
    finish()
    align, fuse = lines(dock)
    assert capsys.readouterr().out.splitlines() == [align, fuse]
    done = [layer.data for layer in viewer.layers]
    for name in names(viewer)[2:]:
        viewer.layers.remove(name)
    for line in (align, fuse):
        exec(line, {"viewer": viewer})
    for layer, data in zip(viewer.layers, done, strict=True):
        np.testing.assert_array_equal(layer.data, data)


def test_the_dock_can_ask_for_bending(dock, click, finish, viewer, gate):
    dock.align.model.setCurrentText("deformable")
    click(dock.align.button)
    finish()
    assert gate.asked.model == "deformable"
    assert names(viewer)[-1] == "head T1 on head CT"
    gate.asked = None
    exec(lines(dock)[-1], {"viewer": viewer})
    assert gate.asked.model == "deformable"


def test_the_form_is_what_is_asked(dock, click, finish, gate, viewer):
    dock.fuse.choose_method("laplacian")
    dock.fuse.fields["laplacian"]["levels"].value = 2
    click(dock.fuse.button)
    finish()
    assert "'laplacian', levels=2" in lines(dock)[-1]


def test_the_last_line_can_be_copied(dock, click, finish, gate):
    click(dock.align.button)
    finish()
    click(dock.keep.code.copy_button)
    assert QApplication.clipboard().text() == lines(dock)[-1]


def test_a_failed_alignment_waits_for_the_users_word(dock, click, finish, viewer, gate, said):
    gate("FAIL", "No pose stands out.")
    click(dock.align.button)
    finish()
    assert names(viewer) == ["head CT", "head T1"]
    assert dock.align.verdict.text() == "✖ FAIL: No pose stands out."
    assert said()[-1] == "No pose stands out. Nothing was added."
    click(dock.align.anyway_button)
    finish()
    assert names(viewer)[-1] == "FAIL: head T1 on head CT"
    assert not dock.align.anyway_button.isVisible()
    assert "accept='FAIL'" in lines(dock)[-1]
    exec(lines(dock)[-1], {"viewer": viewer})
    np.testing.assert_array_equal(viewer.layers[-1].data, viewer.layers[-2].data)


def test_the_keyboard_stays_at_align_when_a_failed_one_is_added(dock, click, finish, gate, qtbot):
    gate("FAIL", "No pose stands out.")
    dock.show()
    qtbot.waitExposed(dock)
    click(dock.align.button)
    finish()
    dock.align.anyway_button.setFocus()
    click(dock.align.anyway_button)
    finish()
    assert dock.focusWidget() is dock.align.button


def test_an_error_is_one_sentence_and_changes_nothing(
    dock, click, finish, viewer, monkeypatch, said
):
    def broken(*args, **kwargs):
        raise AlignError("no common anatomy was found in the two volumes: nothing was aligned")

    monkeypatch.setattr("napari_fusion.registration.align", broken)
    click(dock.align.button)
    finish()
    assert names(viewer) == ["head CT", "head T1"]
    assert said() == ["no common anatomy was found in the two volumes: nothing was aligned"]
    assert not dock.jobs.isVisible()


def test_the_same_layer_twice_is_refused_at_once(dock, click, said):
    dock.open.moving.setCurrentIndex(dock.open.fixed.currentIndex())
    assert "two different layers" in dock.state.text()
    click(dock.align.button)
    assert said() == ["choose different layers: the same one was named twice"]
    assert lines(dock) == []


def test_d61_cancel_is_answered_within_a_second_and_nothing_changes(
    dock, click, qtbot, viewer, monkeypatch, said
):
    stopped = threading.Event()

    def endless(fixed, moving, options, *, initial=None, progress):
        try:
            while True:
                progress(0.3, "searching")
                time.sleep(0.02)
        finally:
            stopped.set()

    monkeypatch.setattr("napari_fusion.registration.align", endless)
    click(dock.align.button)
    assert dock.jobs.isVisible()
    assert not dock.align.button.isEnabled()
    qtbot.waitUntil(lambda: "searching" in dock.jobs.bar.format(), timeout=5000)
    click(dock.jobs.cancel_button)
    assert dock.align.button.isEnabled()
    assert stopped.wait(1)
    assert names(viewer) == ["head CT", "head T1"]
    assert said() == ["Stopped; nothing was changed."]


def test_the_real_registration_stops_within_a_second(dock, click, qtbot, viewer):
    click(dock.align.button)
    qtbot.waitUntil(lambda: dock.jobs.bar.value() > 0, timeout=20_000)
    click(dock.jobs.cancel_button)
    assert dock.align.button.isEnabled()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=1000)
    assert names(viewer) == ["head CT", "head T1"]


def held_back(monkeypatch, registration):
    """Let an alignment wait for the event that is given back."""
    release, quick = threading.Event(), registration.align

    def waiting(*args, **kwargs):
        release.wait(5)
        return quick(*args, **kwargs)

    monkeypatch.setattr(registration, "align", waiting)
    return release


def test_d61_layers_may_be_renamed_while_aligning(dock, click, finish, viewer, gate, monkeypatch):
    from napari_fusion import registration

    release = held_back(monkeypatch, registration)
    click(dock.align.button)
    viewer.layers["head CT"].name = "renamed"
    release.set()
    finish()
    assert names(viewer) == ["renamed", "head T1", "head T1 on head CT"]


def test_layers_may_change_places_while_aligning(dock, click, finish, viewer, gate, monkeypatch):
    from napari_fusion import registration

    release = held_back(monkeypatch, registration)
    click(dock.align.button)
    viewer.layers.move(0, 2)
    viewer.add_points([[0, 0, 0]], name="dots")  # another plugin's, without units
    release.set()
    finish()
    assert names(viewer) == ["head T1", "head CT", "dots", "head T1 on head CT"]
    assert not viewer.layers["head T1"].visible
    assert dock.open.current.names == ("head CT", "head T1 on head CT")
    assert "PASS" in dock.state.text()


def test_lists_follow_the_layers(dock, viewer):
    viewer.add_points([[0, 0, 0]], name="dots")
    assert dock.open.fixed.findText("dots") == -1
    viewer.layers["head CT"].name = "skull"
    assert dock.open.fixed.currentText() == "skull"
    viewer.layers.remove("skull")
    assert dock.open.fixed.findText("skull") == -1
    viewer.layers.clear()
    assert dock.open.fixed.layer is None
    assert "Open two volumes" in dock.state.text()


def test_without_layers_the_buttons_say_what_is_missing(dock, viewer, click, said):
    viewer.layers.clear()
    click(dock.align.button)
    click(dock.fuse.button)
    assert said() == ["choose a fixed and a moving layer first"] * 2


def test_a_third_source_is_fused_too(dock, click, finish, viewer, gate):
    click(dock.align.button)
    finish()
    dock.open.third.choose(viewer.layers["head T1"])
    assert "NOT REGISTERED" in dock.state.text()
    click(dock.fuse.button)
    finish()
    assert sum("share of" in name for name in names(viewer)) == 3


def test_planes_turn_the_view_and_say_their_line(dock, click, viewer):
    click(dock.check.planes.buttons["coronal"])
    assert tuple(viewer.dims.order) == (1, 0, 2)
    viewer.dims.order = (0, 1, 2)
    exec(lines(dock)[-1], {"viewer": viewer})
    assert tuple(viewer.dims.order) == (1, 0, 2)


def test_a_dock_that_is_gone_no_longer_listens(qtbot, viewer, qapp):
    widget = FusionWorkspace(viewer)
    widget.deleteLater()
    qtbot.wait(20)
    viewer.layers["head CT"].name = "skull"
    viewer.layers.clear()


def test_everything_to_press_or_choose_has_a_tooltip(dock):
    pressed = [w for kind in (QAbstractButton, QComboBox) for w in dock.findChildren(kind)]
    own = [w for w in pressed if not w.objectName().startswith("qt_")]  # Qt's parts have a name
    assert len(own) > 10
    assert [w for w in own if not w.toolTip()] == []


def test_two_viewers_do_not_hear_of_each_other(dock, viewer, pair, qtbot):
    from napari.components import ViewerModel

    from napari_fusion.gui import add_volume

    other = ViewerModel()
    add_volume(other, pair[0])
    second = FusionWorkspace(other)
    qtbot.addWidget(second)
    before = viewer.dims.point, [tuple(layer.contrast_limits) for layer in viewer.layers]
    second.desk.crossing.go((9.0, 9.0, 9.0))
    second.desk._preset(1)
    assert (viewer.dims.point, [tuple(one.contrast_limits) for one in viewer.layers]) == before
    assert tuple(other.layers[0].contrast_limits) == (0, 80)
    assert dock.desk.undo.undo() == ""
    assert second.desk.undo.undo() == "window of head CT"


def test_other_plugins_layers_are_no_trouble(dock, viewer):
    viewer.add_points([[1, 2, 3]], name="dots")  # without units
    viewer.add_image(np.ones((4, 5)), name="flat")
    viewer.add_labels(np.ones((4, 5, 6), int), name="labels")
    viewer.layers.selection.active = viewer.layers["dots"]
    dock.desk._preset(1)
    dock.desk._fade(-0.1)
    viewer.layers.selection.active = viewer.layers["flat"]
    dock.desk._preset(1)
    viewer.add_image(np.ones((3, 4, 5, 6)), name="four dimensions")
    dock.desk.crossing.go((9.0, 9.0, 9.0))
    viewer.layers.clear()
    assert "Open two volumes" in dock.state.text()


def test_steps_open_and_close_by_key_and_by_click(dock, qtbot):
    for step in dock.steps:
        assert step.content.isVisible()
        qtbot.mouseClick(step.heading, Qt.MouseButton.LeftButton)
        assert not step.content.isVisible()
        qtbot.keyClick(step.heading, Qt.Key.Key_Space)
        assert step.content.isVisible()


def test_the_state_is_told_in_words(dock, click, finish, gate):
    assert "⚠ MR on CT: NOT REGISTERED" in dock.state.text()
    click(dock.align.button)
    finish()
    assert "✔ MR on CT: aligned by registration, PASS<" in dock.state.text()


def test_the_state_tells_the_measured_millimetres(viewer, gate):
    from napari_fusion.gui import align_layers
    from napari_fusion.gui.check.status import state_of
    from napari_fusion.gui.snapshot import ALIGNMENT

    moved = align_layers(viewer, "head CT", "head T1")
    found = moved.metadata[ALIGNMENT]
    quality = found.quality.model_copy(update={"uncertainty_mm": 1.26})
    moved.metadata[ALIGNMENT] = replace(found, quality=quality)
    words = state_of([viewer.layers["head CT"], moved])
    assert "MR on CT: aligned by registration, PASS, 1.3 mm<" in words


def test_the_scanners_frame_is_not_called_registration(viewer, pair):
    from napari_fusion.gui.check.status import state_of

    layers = []
    for kind, unit in (("CT", "HU"), ("PT", "g/mL")):
        array = pair[0].array + 1000 * (kind == "PT")
        volume = replace(pair[0], array=array, modality=kind, unit=unit, frame_uid="1", name=kind)
        data, keywords, _ = to_layer(volume)
        layers.append(viewer.add_image(data, **keywords))
    assert "▲ PET on CT: aligned by the scanner, CHECK<" in state_of(layers)


def test_a_pose_that_was_kept_is_the_scanners_and_has_no_millimetres(viewer, gate):
    from napari_fusion.gui import align_layers
    from napari_fusion.gui.check.status import state_of
    from napari_fusion.gui.layers import VOLUME
    from napari_fusion.gui.snapshot import ALIGNMENT

    fixed, moving = viewer.layers
    for layer in (fixed, moving):
        volume = replace(layer.metadata[VOLUME], frame_uid="1")
        layer.metadata = {**layer.metadata, **to_layer(volume)[1]["metadata"]}
    moved = align_layers(viewer, fixed, moving)
    found = moved.metadata[ALIGNMENT]
    quality = found.quality.model_copy(update={"uncertainty_mm": 22.1})
    moved.metadata[ALIGNMENT] = replace(found, quality=quality)
    assert "aligned by registration, PASS, 22.1 mm<" in state_of([fixed, moved])
    moved.metadata[ALIGNMENT] = replace(found, matrix=np.eye(4), quality=quality)
    assert "aligned by the scanner, PASS<" in state_of([fixed, moved])


def test_fuse_begins_with_auto(dock):
    assert dock.fuse.method.currentData() == "auto"


def test_the_dock_fits_a_small_screen(dock):
    assert dock.minimumSizeHint().height() < 600
