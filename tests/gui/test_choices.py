"""Settings live in napari's own files, and presets are the ones radiologists know."""

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_fusion import Grid, Volume
from napari_fusion.gui.choices import DEFAULTS, chosen, keep
from napari_fusion.gui.folder import ask_file, ask_new_file
from napari_fusion.gui.hands.presets import Preset, presets_for, read_presets
from napari_fusion.slab import CT_WINDOWS


@pytest.fixture
def settings(plugin_settings, npe2pm):
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("napari-fusion"))


def volume(modality, unit, array=None):
    array = np.arange(1000.0).reshape(10, 10, 10) if array is None else array
    return Volume(array, Grid.regular(array.shape), modality, unit)


def test_the_manifest_has_the_same_defaults():
    from npe2 import PluginManifest

    told = PluginManifest.from_distribution("napari-fusion").contributions.configurations
    assert {
        group: {name: one.default for name, one in part.properties.items()}
        for group, part in told.items()
    } == DEFAULTS


def test_a_choice_is_kept_in_naparis_settings(settings):
    from napari.settings import get_plugin_settings

    assert chosen("last", "method") == "auto"
    keep("last", "method", "laplacian")
    assert chosen("last", "method") == "laplacian"
    assert "laplacian" in get_plugin_settings("napari-fusion").config_path.read_text()


def test_files_are_asked_for_where_the_last_one_was(settings, monkeypatch, tmp_path, qtbot):
    asked = []
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.mkdir()

    def answer(parent, title, start, kinds):
        asked.append(start)
        return answer.path, ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    answer.path = str(here / "one.fusion")
    assert ask_file(None, "Open", "*") == answer.path
    answer.path = ""
    assert ask_file(None, "Open", "*") == ""
    answer.path = str(gone / "two.fusion")
    ask_new_file(None, "Save", "session.fusion", "*")
    ask_file(None, "Open", "*")
    assert asked == ["", str(here), str(here / "session.fusion"), ""]


def test_without_naparis_plugins_there_are_defaults(plugin_settings):
    keep("last", "method", "laplacian")
    assert chosen("last", "method") == "auto"


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        ("brain 80/40", Preset("brain", 0, 80)),
        ("lung 1500/-600", Preset("lung", -1350, 150)),
        ("hot lesions 0-10", Preset("hot lesions", 0, 10)),
        ("0 - 99.9", Preset("0 to 99.9", 0, 99.9)),
    ],
)
def test_presets_are_read(words, preset):
    assert read_presets(words) == [preset]


@pytest.mark.parametrize("words", ["", "brain", "brain 0/40", "5-0", "; ;"])
def test_what_cannot_be_read_is_left_away(words):
    assert read_presets(words) == []


def test_ct_presets_are_those_of_the_house():
    told = presets_for(volume("CT", "HU"))
    assert [one.name for one in told] == list(CT_WINDOWS)
    assert [(one.low, one.high) for one in told] == [
        (window.lower, window.upper) for window in CT_WINDOWS.values()
    ]


def test_pet_presets_are_suv_and_only_suv():
    assert [(one.low, one.high) for one in presets_for(volume("PT", "g/mL"))] == [
        (0, 5),
        (0, 10),
        (0, 15),
    ]
    (only,) = presets_for(volume("PT", "Bq/mL"))
    assert only.name == "usual"
    assert only.high == pytest.approx(998, abs=2)


def test_mr_presets_are_percentiles_of_what_is_not_background():
    array = np.zeros((10, 10, 10))
    array[5:] = np.linspace(1, 500, 500).reshape(5, 10, 10)
    usual = presets_for(volume("MR", "1", array))[0]
    assert (usual.low, usual.high) == pytest.approx((5.99, 495.01), abs=0.1)


def test_spoilt_settings_fall_back_to_the_defaults(settings):
    keep("windows", "ct", "nonsense")
    assert presets_for(volume("CT", "HU"))[0] == Preset("brain", 0, 80)
