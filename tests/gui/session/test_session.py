import json
import zipfile
from dataclasses import replace
from pathlib import Path

import fatal
import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_fusion import ParameterError, ReadError, save
from napari_fusion.gui import (
    align_layers,
    from_layer,
    fuse_layers,
    name_modality,
    open_session,
    samples,
    save_session,
    show_plane,
)
from napari_fusion.gui.compare.modes import Mode
from napari_fusion.gui.fuse.preview import find_preview
from napari_fusion.gui.layers import LIVE
from napari_fusion.gui.open.opening import read_layers
from napari_fusion.gui.session.file import read_session
from napari_fusion.gui.session.looks import look_of, view_of
from napari_fusion.gui.snapshot import ALIGNMENT, SHARES
from napari_fusion.gui.workspace import FusionWorkspace


@pytest.fixture
def files(pair, tmp_path):
    """The pair as files."""
    return [
        str(save(v, tmp_path / f"{n}.nii.gz")) for n, v in zip(("ct", "t1"), pair, strict=False)
    ]


@pytest.fixture
def opened(files):
    """A viewer model that has read the pair from its files."""
    return filled(read_layers([(path, None) for path in files], None, lambda *_: None))


def filled(layers):
    from napari.layers import Layer

    model = ViewerModel()
    for data in layers:
        model.add_layer(Layer.create(*data))
    return model


def everything(viewer):
    return [(np.asarray(layer.data), look_of(layer)) for layer in viewer.layers]


def same(one, other):
    assert len(one) == len(other)
    for (data, look), (data_again, look_again) in zip(one, other, strict=True):
        assert look == look_again
        np.testing.assert_array_equal(data, data_again)


def reopened(path):
    viewer = ViewerModel()
    return viewer, open_session(viewer, path)


def test_everything_comes_back_bit_for_bit(opened, gate, tmp_path):
    moved = align_layers(opened, "ct", "t1")
    picture, share = fuse_layers(opened, ["ct", moved], "laplacian", levels=3)
    picture.name, picture.opacity, picture.contrast_limits = "mine", 0.7, (0.1, 0.8)
    share.visible, opened.layers["ct"].gamma = True, 1.3
    opened.layers.move(0, 3)
    show_plane(opened, "coronal", left_on="left")
    opened.dims.point = (3.0, -20.0, 11.0)
    path = save_session(opened, tmp_path / "a.fusion", workspace={"method": "auto"})
    again, workspace = reopened(path)
    same(everything(opened), everything(again))
    assert view_of(opened) == view_of(again)
    assert workspace == {"method": "auto"}


def test_a_session_of_a_session_is_the_same(opened, gate, tmp_path):
    fuse_layers(opened, ["ct", align_layers(opened, "ct", "t1")], "maximum")
    first, _ = reopened(save_session(opened, tmp_path / "a.fusion"))
    second, _ = reopened(save_session(first, tmp_path / "b.fusion"))
    same(everything(first), everything(second))


def test_samples_and_layers_moved_by_hand_come_back(monkeypatch, pair, tmp_path):
    monkeypatch.setitem(samples._RENDERED, "follow_up", lambda: list(pair[:2]))
    viewer = filled(samples.follow_up())
    viewer.layers[1].translate = np.add(viewer.layers[1].translate, (0, 3, -2))
    again, _ = reopened(save_session(viewer, tmp_path / "a.fusion"))
    same(everything(viewer), everything(again))


@pytest.mark.parametrize("first", [True, False])
def test_what_was_fused_before_or_after_a_move_comes_back(opened, gate, tmp_path, first):
    moved = align_layers(opened, "ct", "t1")
    if first:
        moved.translate = np.add(moved.translate, (0, 6, -4))
    fuse_layers(opened, ["ct", moved], "laplacian")
    if not first:
        moved.translate = np.add(moved.translate, (0, 6, -4))
    ready = read_session(save_session(opened, tmp_path / "a.fusion"), lambda *_: None)
    assert ready.made.warnings == []
    same(everything(opened), everything(reopened(tmp_path / "a.fusion")[0]))


def test_painted_labels_edited_voxels_and_points_are_stored(opened, tmp_path):
    opened.layers["ct"].data = np.asarray(opened.layers["ct"].data) * 0.5
    opened.add_labels(np.ones((2, 3, 4), np.uint8), name="drawn", units=("mm",) * 3)
    looks = {"face_color": ["red", "blue"], "size": [4, 7], "symbol": ["disc", "star"]}
    opened.add_points([[1.0, 2, 3], [4, 5, 6]], name="marks", units=("mm",) * 3, **looks)
    again, _ = reopened(save_session(opened, tmp_path / "a.fusion"))
    for before, after in zip(opened.layers, again.layers, strict=True):
        assert before.name == after.name
        np.testing.assert_array_equal(before.data, after.data)
        np.testing.assert_array_equal(before.scale, after.scale)
    assert look_of(opened.layers["marks"]) == look_of(again.layers["marks"])


def test_what_cannot_be_made_again_is_named(opened, gate, tmp_path, said):
    moved = align_layers(opened, "ct", "t1")
    del opened.layers["t1"]
    fuse_layers(opened, ["ct", moved], "average")
    again, _ = reopened(save_session(opened, tmp_path / "a.fusion"))
    assert [layer.name for layer in again.layers] == ["ct"]
    assert any("saved without t1 on ct, average: ct + t1 on ct" in words for words in said())


def test_moved_and_changed_sources_are_named_and_nothing_is_opened(opened, files, pair, tmp_path):
    path = save_session(opened, tmp_path / "a.fusion")
    save(pair[1].with_array(pair[1].array + 1, pair[1].history[-1]), files[1])
    viewer = ViewerModel()
    with pytest.raises(ReadError, match=r"t1 \(t1.nii.gz\) changed since the session was saved"):
        open_session(viewer, path)
    for file in map(type(tmp_path), files):
        file.rename(file.with_suffix(".away"))
    with pytest.raises(ReadError, match=r"files of ct \(ct.nii.gz\) and t1 \(t1.nii.gz\) are not"):
        open_session(viewer, path)
    assert not viewer.layers


def test_sources_that_move_with_the_session_are_found(opened, tmp_path):
    path = save_session(opened, tmp_path / "a.fusion")
    elsewhere = tmp_path.with_name(f"{tmp_path.name}-moved")
    tmp_path.rename(elsewhere)
    again, _ = reopened(elsewhere / path.name)
    same(everything(opened), everything(again))


def test_sources_that_were_put_beside_the_session_are_found(opened, files, tmp_path):
    saved = save_session(opened, tmp_path / "a.fusion")
    beside = tmp_path / "new home"
    beside.mkdir()
    for file in (saved, *map(Path, files)):
        file.rename(beside / file.name)
    again, _ = reopened(beside / saved.name)
    same(everything(opened), everything(again))


@pytest.mark.parametrize("homes", [("one", "two"), ("one", ""), ("", "two")])
def test_namesakes_of_different_folders_are_told_apart(pair, tmp_path, homes):
    """They are put beside the session with the folders that held them, or one without."""
    for folder, volume in zip(("one", "two"), pair, strict=False):
        (tmp_path / "far" / folder).mkdir(parents=True)
        save(volume, tmp_path / "far" / folder / "scan.nii.gz")
    paths = [(str(tmp_path / "far" / folder / "scan.nii.gz"), None) for folder in ("one", "two")]
    viewer = filled(read_layers(paths, None, lambda *_: None))
    (tmp_path / "saved").mkdir()
    saved = save_session(viewer, tmp_path / "saved" / "a.fusion")
    home = tmp_path / "home"
    for name, folder in zip(("one", "two"), homes, strict=True):
        (home / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "far" / name / "scan.nii.gz").rename(home / folder / "scan.nii.gz")
    saved.rename(home / saved.name)
    again, _ = reopened(home / saved.name)
    same(everything(viewer), everything(again))


def test_a_namesake_is_not_taken_for_a_source(pair, tmp_path):
    for folder, volume in zip(("one", "two"), pair, strict=False):
        (tmp_path / folder).mkdir()
        save(volume, tmp_path / folder / "scan.nii.gz")
    paths = [(str(tmp_path / folder / "scan.nii.gz"), None) for folder in ("one", "two")]
    saved = save_session(
        filled(read_layers(paths, None, lambda *_: None)), tmp_path / "one" / "a.fusion"
    )
    (tmp_path / "two" / "scan.nii.gz").unlink()
    with pytest.raises(ReadError, match=r"\(scan.nii.gz\) changed since the session was saved"):
        reopened(saved)


def test_what_a_user_said_of_a_file_is_said_again(pair, tmp_path):
    bare = replace(pair[0], modality="OTHER", unit="1")
    path = str(save(bare, tmp_path / "bare.nii.gz"))
    viewer = filled(read_layers([(path, None)], None, lambda *_: None))
    name_modality(viewer, "bare", "CT in HU")
    again, _ = reopened(save_session(viewer, tmp_path / "a.fusion"))
    same(everything(viewer), everything(again))
    assert from_layer(again.layers[0]).unit == "HU"


def test_open_layers_are_never_thrown_away_unasked(opened, tmp_path):
    path = save_session(opened, tmp_path / "a.fusion")
    with pytest.raises(ParameterError, match="layers are open"):
        open_session(opened, path)
    open_session(opened, path, replace=True)
    assert [layer.name for layer in opened.layers] == ["ct", "t1"]


def test_nothing_open_and_wrong_endings_are_refused(opened, tmp_path):
    with pytest.raises(ParameterError, match="nothing is open"):
        save_session(ViewerModel(), tmp_path / "a.fusion")
    with pytest.raises(ParameterError, match=r"saved as .fusion, not '.zip'"):
        save_session(opened, tmp_path / "a.zip")


@pytest.mark.parametrize("spoil", ["text", "cut", "json", "cycle"])
def test_damaged_sessions_are_refused_in_a_sentence(opened, gate, spoil, tmp_path):
    align_layers(opened, "ct", "t1")
    path = save_session(opened, tmp_path / "a.fusion")
    if spoil == "text":
        path.write_text("not a session")
    elif spoil == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        with zipfile.ZipFile(path) as file:
            entries = {name: file.read(name) for name in file.namelist()}
        session = json.loads(entries["session.json"])
        session["layers"][2]["source"]["sources"] = [2, 2]
        entries["session.json"] = b"{}" if spoil == "json" else json.dumps(session).encode()
        with zipfile.ZipFile(path, "w") as file:
            for name, entry in entries.items():
                file.writestr(name, entry)
    viewer = ViewerModel()
    with pytest.raises(ReadError, match="a.fusion is not a session|contradicts itself"):
        open_session(viewer, path)
    assert not viewer.layers


@pytest.mark.parametrize("lost", ["alignments/", "arrays/"])
def test_a_session_without_a_member_it_names_is_refused(opened, gate, lost, tmp_path):
    align_layers(opened, "ct", "t1")
    opened.add_points([[1.0, 2.0, 3.0]], name="marks")
    path = save_session(opened, tmp_path / "a.fusion")
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    (gone,) = (name for name in entries if name.startswith(lost))
    with zipfile.ZipFile(path, "w") as file:
        for name in entries.keys() - {gone}:
            file.writestr(name, entries[name])
    viewer = ViewerModel()
    with pytest.raises(ReadError, match=f"a.fusion is damaged: it lacks '{gone}'"):
        open_session(viewer, path)
    assert not viewer.layers


@pytest.mark.parametrize("lost", ["name", "scale", "gamma", "units"])
def test_a_session_that_does_not_say_how_a_layer_looked_is_refused(opened, lost, tmp_path):
    path = save_session(opened, tmp_path / "a.fusion")
    with zipfile.ZipFile(path) as file:
        session = json.loads(file.read("session.json"))
    del session["layers"][1]["look"][lost]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("session.json", json.dumps(session))
    viewer = ViewerModel()
    with pytest.raises(ReadError, match=f"a.fusion is damaged: .* its layer 2 lacks '{lost}'"):
        open_session(viewer, path)
    assert not viewer.layers


def test_an_alignment_that_crashes_its_reader_ends_no_window(opened, gate, tmp_path, monkeypatch):
    align_layers(opened, "ct", "t1")
    path = save_session(opened, tmp_path / "a.fusion")
    monkeypatch.setattr("napari_fusion.gui.session.file.load", fatal.abort)
    viewer = ViewerModel()
    with pytest.raises(ReadError, match=r"0\.tfm cannot be read: its reader stopped \(aborted\)"):
        open_session(viewer, path)
    assert not viewer.layers


def rewritten(path, change):
    """Write a session anew with its first alignment changed."""
    with zipfile.ZipFile(path) as file:
        held = {name: file.read(name) for name in file.namelist()}
    held["alignments/0.tfm"] = change(held["alignments/0.tfm"].decode()).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, data in held.items():
            file.writestr(name, data)


def of_others(text):
    *lines, note = text.splitlines()
    head, _, told = note.partition("{")
    other = {"fixed": ["voxels 0"], "moving": ["voxels 1"]}
    said = json.dumps(json.loads("{" + told) | {"judged_on": other})
    return "\n".join([*lines, head + said, ""])


def by_hand(text):
    return text.replace("Parameters: ", "Parameters: 1", 1)


@pytest.mark.parametrize("change", [of_others, by_hand])
def test_a_verdict_that_is_of_something_else_does_not_come_back(opened, gate, tmp_path, change):
    align_layers(opened, "ct", "t1")
    path = save_session(opened, tmp_path / "a.fusion")
    rewritten(path, change)
    again, _ = reopened(path)
    (found,) = (layer.metadata[ALIGNMENT] for layer in again.layers if ALIGNMENT in layer.metadata)
    assert found.quality.verdict == "CHECK"
    assert "judged" in found.quality.sentence


@pytest.mark.parametrize("version", [0, 2, "next"])
def test_a_session_of_another_version_is_refused_by_its_number(opened, version, tmp_path):
    path = save_session(opened, tmp_path / "a.fusion")
    with zipfile.ZipFile(path) as file:
        session = json.loads(file.read("session.json"))
    session |= {"version": version, "what_only_the_other_knows": 1}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("session.json", json.dumps(session))
    viewer = ViewerModel()
    with pytest.raises(ReadError, match=f"version {version!r}, this napari-fusion reads version 1"):
        open_session(viewer, path)
    assert not viewer.layers


def test_the_readout_names_the_sources_of_a_fused_layer_that_came_back(opened, gate, tmp_path):
    moved = align_layers(opened, "ct", "t1")
    fused = fuse_layers(opened, ["ct", moved], "average")[0]
    again, _ = reopened(save_session(opened, tmp_path / "a.fusion"))
    names, given = again.layers[fused.name].metadata[SHARES]
    assert names == fused.metadata[SHARES][0] == ("ct", "t1 on ct")
    assert given.keys() == fused.metadata[SHARES][1].keys()


def test_how_was_compared_comes_back(qtbot, opened, gate, tmp_path):
    align_layers(opened, "ct", "t1")
    before, after = FusionWorkspace(opened), FusionWorkspace(ViewerModel())
    for widget in (before, after):
        qtbot.addWidget(widget)
    before.open.moving.choose(opened.layers[-1])
    before.check.comparer.set_mode(Mode.CHECKERBOARD)
    before.check.comparer.set_options(size_mm=12.0)
    path = save_session(opened, tmp_path / "a.fusion", workspace=before.settings())
    after.take_up(open_session(after.viewer, path))
    assert after.check.comparer.mode is Mode.CHECKERBOARD
    assert after.check.comparer.options.size_mm == 12.0
    pictures = [
        [layer for layer in w.viewer.layers if LIVE in layer.metadata] for w in (before, after)
    ]
    np.testing.assert_array_equal(pictures[0][0].data, pictures[1][0].data)
    assert after.settings() == before.settings()


def test_the_point_in_which_planes_cross_comes_back_though_no_slider_shows_it(
    qtbot, opened, tmp_path
):
    before, after = FusionWorkspace(opened), FusionWorkspace(ViewerModel())
    for widget in (before, after):
        qtbot.addWidget(widget)
    crossing = before.desk.crossing
    crossing.go(np.add(crossing.point, (9.0, 17.0, -14.0)))
    assert np.abs(np.subtract(opened.dims.point, crossing.point)).max() > 10  # hidden sliders stay
    path = save_session(opened, tmp_path / "a.fusion", workspace=before.settings())
    after.take_up(open_session(after.viewer, path))
    np.testing.assert_allclose(after.desk.crossing.point, crossing.point, atol=1e-9)
    for spoilt in (None, "here", [1.0, 2.0], [float("nan")] * 3, {"x": 1}):
        after.take_up({"crossing": spoilt})
        np.testing.assert_allclose(after.desk.crossing.point, crossing.point, atol=1e-9)


WAYS = {
    "steps_open": lambda dock: [
        step.is_open for step in (*dock.steps, dock.align.hand, dock.align.landmarks)
    ],
    "model": lambda dock: dock.align.model.currentText(),
    "watch": lambda dock: dock.align.watch.isChecked(),
    "crosshair": lambda dock: (dock.desk.hands.crosshair, dock.check.views.crosshair.isChecked()),
    "off_mm": lambda dock: dock.fuse.off_mm.value(),
    "live": lambda dock: dock.fuse.live.box.isChecked(),
}
"""What the workspace can be set to, beside layers and views."""


def set_all(dock):
    """Set everything of `WAYS` by hand to what it is not when a workspace opens."""
    dock.open.set_open(on=False)
    dock.check.set_open(on=False)
    dock.align.hand.set_open(on=True)
    dock.align.landmarks.set_open(on=True)
    dock.align.model.setCurrentText("affine")
    dock.align.watch.setChecked(False)
    dock.check.views.crosshair.click()
    dock.fuse.off_mm.setValue(1.7)
    dock.fuse.live.box.setChecked(True)


@pytest.mark.parametrize("way", WAYS)
def test_what_the_workspace_was_set_to_comes_back(docked, opened, way, tmp_path):
    before, after = docked(opened), docked(ViewerModel())
    set_all(before)
    path = save_session(opened, tmp_path / "a.fusion", workspace=before.settings())
    settings = open_session(after.viewer, path)
    assert WAYS[way](after) != WAYS[way](before)
    after.take_up({key: one for key, one in settings.items() if key != way})  # an older session
    assert WAYS[way](after) != WAYS[way](before)
    after.take_up(settings)
    assert WAYS[way](after) == WAYS[way](before)
    assert after.settings() == before.settings()


def test_live_is_seen_again_and_hides_no_source_for_good(docked, opened, qtbot, tmp_path):
    before, after = docked(opened), docked(ViewerModel())
    before.fuse.live.box.setChecked(True)
    qtbot.waitUntil(lambda: find_preview(opened) is not None)
    path = save_session(opened, tmp_path / "a.fusion", workspace=before.settings())
    after.take_up(open_session(after.viewer, path))
    qtbot.waitUntil(lambda: find_preview(after.viewer) is not None)
    assert not after.viewer.layers["ct"].visible
    after.fuse.live.stop()
    assert [(one.name, one.visible) for one in after.viewer.layers] == [("ct", True), ("t1", True)]


def test_what_is_not_known_of_comparing_is_left_alone(qtbot, opened):
    workspace = FusionWorkspace(opened)
    qtbot.addWidget(workspace)
    for spoilt in ({"mode": "x-ray"}, {"compare": {"size_mm": -1}}, {"compare": {"lens": 1}}):
        workspace.take_up({"mode": "edges", **spoilt})
        assert workspace.check.comparer.mode is Mode.FUSED
    workspace.take_up({})


def test_save_and_open_by_clicks(qtbot, viewer, opened, gate, tmp_path, monkeypatch, capsys):
    path = str(tmp_path / "kept")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (path, ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path + ".fusion", ""))
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    align_layers(opened, "ct", "t1")
    dock, other = FusionWorkspace(opened), FusionWorkspace(viewer)
    for one in (dock, other):
        qtbot.addWidget(one)
        one.show()
    dock.fuse.choose_method("laplacian")
    dock.fuse.fields["laplacian"]["levels"].value = 2
    dock.open.moving.choose(opened.layers["t1 on ct"])
    qtbot.mouseClick(dock.keep.session.save_button, Qt.MouseButton.LeftButton)
    assert "save_session(viewer, " in capsys.readouterr().out
    before = [layer.name for layer in viewer.layers]
    qtbot.mouseClick(other.keep.session.open_button, Qt.MouseButton.LeftButton)
    assert [layer.name for layer in viewer.layers] == before  # the user said no
    qtbot.mouseClick(other.keep.session.open_button, Qt.MouseButton.LeftButton)
    same(everything(opened), everything(viewer))
    assert other.settings() == dock.settings()
    assert "PASS" in other.state.text()


def test_a_failed_open_is_one_sentence_and_changes_nothing(
    qtbot, viewer, tmp_path, monkeypatch, said
):
    path = tmp_path / "a.fusion"
    path.write_text("nonsense")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    dock = FusionWorkspace(viewer)
    qtbot.addWidget(dock)
    dock.show()
    before = list(viewer.layers)
    qtbot.mouseClick(dock.keep.session.open_button, Qt.MouseButton.LeftButton)
    assert said() == ["a.fusion is not a session, or it is damaged"]
    assert list(viewer.layers) == before


def test_what_the_gate_said_comes_back(qtbot, opened, gate, tmp_path):
    moved = align_layers(opened, "ct", "t1")
    again, _ = reopened(save_session(opened, tmp_path / "a.fusion"))
    dock = FusionWorkspace(again)
    qtbot.addWidget(dock)
    assert dock.align.verdict.text() == "Nothing aligned yet."
    dock.take_up({"fixed": "ct", "moving": moved.name})
    assert dock.align.verdict.text() == "✔ PASS: They match."


def test_the_chosen_layer_and_palette_come_back(qtbot, opened, gate, tmp_path):
    before = FusionWorkspace(opened)
    qtbot.addWidget(before)
    before.fuse.palette.setCurrentText("PET")
    opened.layers.selection.active = opened.layers["ct"]
    path = save_session(opened, tmp_path / "a.fusion", workspace=before.settings())
    viewer, settings = reopened(path)
    after = FusionWorkspace(viewer)
    qtbot.addWidget(after)
    after.take_up(settings)
    assert viewer.layers.selection.active.name == "ct"
    assert after.fuse.palette.currentText() == "PET"
