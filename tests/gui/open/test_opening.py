from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSpinBox

from napari_fusion import Grid, ReadError, Volume, phantom, to_suv
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.open import opening
from napari_fusion.gui.open.chooser import HEADINGS, STATE, TIME, SeriesDialog
from napari_fusion.gui.open.opening import as_suv, open_paths
from napari_fusion.io.series import Found, Series


def series(uid, light="green", reason="", frames=1):
    return Series(
        uid=uid,
        modality="CT",
        description=f"about {uid}",
        date="2020-01-02",
        slices=3,
        shape=(3, 4, 5),
        spacing=(1, 1, 1),
        light=light,
        reason=reason,
        files=(),
        frames=frames,
    )


@pytest.fixture
def folder(monkeypatch):
    """Pretend that a folder holds some series, and note which are loaded."""

    def holds(*found):
        loaded = []

        def load(what, *, series=None, frame=None, progress=None):
            loaded.append((getattr(what, "uid", what), frame))
            return Volume(np.zeros((3, 4, 5)), Grid.regular((3, 4, 5)), "CT", "HU")

        monkeypatch.setattr(
            "napari_fusion.io.isolated.scan", lambda path, *, progress=None: list(found)
        )
        monkeypatch.setattr("napari_fusion.io.isolated.load", load)
        return loaded

    return holds


def test_a_single_series_is_loaded_by_its_path(folder):
    loaded = folder(series("1"))
    assert len(open_paths(["study"])) == 1
    assert loaded == [("study", None)]


def test_without_a_window_all_sound_series_are_loaded(folder):
    loaded = folder(series("1"), series("2", "amber", "doubt"), series("3"))
    assert len(open_paths(["study"])) == 2
    assert loaded == [("1", None), ("3", None)]


def test_a_folder_of_doubts_is_refused_with_the_reasons(folder):
    folder(series("1", "red", "slices overlap"), series("2", "amber", "tilted by 3°"))
    with pytest.raises(ReadError, match="slices overlap; tilted by 3°"):
        open_paths(["study"])


def test_a_cancelled_load_gives_no_layer(folder, monkeypatch):
    from napari_fusion import Cancelled

    def stop(work, message):
        raise Cancelled("stopped")

    folder(series("1"))
    monkeypatch.setattr(opening, "patiently", stop)
    assert open_paths(["study"]) == opening.NOTHING


@pytest.fixture
def dialog(qtbot):
    doubtful, refused = series("2", "amber", "uneven"), series("3", "red", "no")
    widget = SeriesDialog(Found([series("1"), doubtful, refused, series("4", frames=9)], 5, 1))
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_only_what_reads_without_a_doubt_is_ticked(dialog):
    assert [(one.uid, frame) for one, frame in dialog.chosen] == [("1", None)]


def test_the_table_says_state_in_words_and_why(dialog):
    texts = [dialog.table.topLevelItem(i).text(STATE) for i in range(4)]
    assert texts == ["● ready", "▲ look", "✖ refused", "● ready"]
    assert dialog.table.topLevelItem(1).text(len(HEADINGS) - 1) == "uneven"


def test_what_lies_beside_the_series_is_counted(dialog):
    told = "Beside these, 5 files are no image that can be read and 1 file is damaged DICOM."
    assert told in dialog.advice.text()


def test_a_refused_series_cannot_be_ticked(dialog):
    assert dialog.table.topLevelItem(2).isDisabled()


def test_a_time_point_can_be_chosen(dialog):
    row = dialog.table.topLevelItem(3)
    box = dialog.table.itemWidget(row, TIME)
    assert isinstance(box, QSpinBox)
    assert box.maximum() == 8
    box.setValue(5)
    row.setCheckState(0, Qt.CheckState.Checked)
    assert [(one.uid, frame) for one, frame in dialog.chosen] == [("1", None), ("4", 5)]


@pytest.mark.real
def test_a_real_folder_of_pet_ct_and_mr_opens_as_three_layers(data):
    folder = Path(data) / "volumes" / "sts_petct_mr" / "STS_002"
    layers = open_paths([str(folder / name / "image") for name in ("CT", "PET", "MR_T1")])
    volumes = [keywords["metadata"]["napari_fusion"] for _, keywords, _ in layers]
    assert [volume.modality for volume in volumes] == ["CT", "PT", "MR"]
    assert len({volume.frame_uid for volume in volumes}) == 1


@pytest.fixture(scope="module")
def activity():
    return phantom.head("PET", phantom.default_grid("PET", 8.0))


def test_pet_is_opened_as_suv(folder, activity, monkeypatch):
    folder(series("1"))
    monkeypatch.setattr("napari_fusion.io.isolated.load", lambda *_, **__: activity)
    ((array, keywords, _),) = open_paths(["study"])
    shown = keywords["metadata"][VOLUME]
    assert (shown.unit, shown.warnings) == ("g/mL", ())
    assert keywords["contrast_limits"] == (0, 5)
    np.testing.assert_array_equal(np.sort(array, axis=None), np.sort(shown.array, axis=None))
    assert shown.array.max() == pytest.approx(to_suv(activity).array.max())


def test_pet_without_weight_is_opened_as_it_is_and_says_why(activity):
    bare = replace(activity, pet=replace(activity.pet, weight_kg=None))
    shown = as_suv(bare)
    assert shown.unit == "Bq/mL"
    assert shown.array is bare.array or np.array_equal(shown.array, bare.array)
    assert shown.warnings == ("there is no SUV without patient weight",)


def test_what_says_nothing_of_dose_is_opened_as_it_is(activity):
    plain = replace(activity, pet=None)
    assert as_suv(plain) is plain


@pytest.mark.real
def test_a_session_brings_suv_back(data, tmp_path):
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_fusion.gui import open_session, save_session

    layers = opening.read_layers(
        [(str(data / "volumes" / "suv_dro" / "DRO_0_0.zip"), None)], None, lambda *_: None
    )
    viewer, again = ViewerModel(), ViewerModel()
    viewer.add_layer(Layer.create(*layers[0]))
    assert viewer.layers[0].data.max() == pytest.approx(4.0, abs=0.005)
    open_session(again, save_session(viewer, tmp_path / "a.fusion"))
    np.testing.assert_array_equal(again.layers[0].data, viewer.layers[0].data)
    assert again.layers[0].metadata[VOLUME].unit == "g/mL"
