"""What `napari-fusion view` puts into a window, and what it refuses before there is one."""

import os
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_fusion import save
from napari_fusion.errors import ParameterError, ReadError, silent
from napari_fusion.gui import save_session
from napari_fusion.gui.launch import TITLE_BAR, fit_to_screen, from_paths, from_session, main
from napari_fusion.gui.layers import from_layer, place_of
from napari_fusion.gui.workspace import FusionWorkspace


@pytest.fixture(scope="module")
def files(pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("launch")
    ct, mr, _ = pair
    shifted = replace(mr, name="third")
    named = (("ct", ct), ("mr", mr), ("third", shifted))
    return [str(save(volume, folder / f"{name}.nii.gz")) for name, volume in named]


@pytest.fixture
def model():
    from napari.components import ViewerModel

    return ViewerModel()


def opened(qtbot, model, show):
    """Do as the window does, on a viewer without one."""
    workspace = FusionWorkspace(model)
    qtbot.addWidget(workspace)
    workspace.take_up(show(model))
    return workspace


def test_volumes_lie_in_one_frame_and_the_first_two_are_chosen(qtbot, model, files):
    workspace = opened(qtbot, model, from_paths(files, silent))
    frames = [place_of(layer).frame for layer in model.layers]
    assert all(frame.matches(frames[0]) for frame in frames)
    names = [layer.name for layer in model.layers]
    assert [workspace.open.fixed.currentText(), workspace.open.moving.currentText()] == names[:2]
    assert workspace.open.third.layer is None
    assert "NOT REGISTERED" in workspace.state.text()


def test_nothing_but_the_layers_holds_what_was_read(files, monkeypatch):
    shown = []
    launch = "napari_fusion.gui.launch.open_window"
    monkeypatch.setattr(launch, lambda show, fit: shown.append(weakref.ref(show)))
    monkeypatch.setattr("napari.run", lambda: shown.append(shown[0]()))
    assert main(files) == 0
    assert shown[1] is None


def test_the_pair_is_seen_through_each_other_and_nothing_lies_above(qtbot, model, files):
    opened(qtbot, model, from_paths(files, silent))
    fixed, moving, third = model.layers
    assert (fixed.visible, moving.visible, third.visible) == (True, True, False)
    assert moving.opacity < 1


def test_every_plane_crosses_in_the_middle_of_a_volume_far_from_the_origin(
    qtbot, model, pair, tmp_path
):
    grid = pair[0].grid
    affine = grid.affine.copy()
    affine[:3, 3] += (300, -400, 500)
    far = replace(pair[0], grid=type(grid)(grid.shape, affine))
    opened(qtbot, model, from_paths([str(save(far, tmp_path / "far.nii.gz"))], silent))
    middle = [(n - 1) // 2 for n in grid.shape]
    np.testing.assert_allclose(model.dims.current_step, middle, atol=1)


def test_a_session_comes_back_with_its_choices(qtbot, model, files, tmp_path):
    from napari.components import ViewerModel

    before = ViewerModel()
    workspace = opened(qtbot, before, from_paths(files, silent))
    workspace.open.moving.choose(before.layers[2])
    workspace.fuse.choose_method("average")
    path = save_session(before, tmp_path / "one.fusion", workspace=workspace.settings())
    again = opened(qtbot, model, from_session(str(path), silent))
    assert again.open.moving.currentText() == before.layers[2].name
    assert again.fuse.method.currentData() == "average"
    for old, new in zip(before.layers, model.layers, strict=True):
        np.testing.assert_array_equal(old.data, new.data)


@pytest.mark.parametrize("paths", [1, 2])
def test_two_series_of_one_folder_are_opened_once_each_in_order(qtbot, model, files, paths):
    folder = str(Path(files[0]).parent)
    show = from_paths([folder] * paths, silent, series=["mr.nii.gz", "ct.nii.gz"])
    opened(qtbot, model, show)
    assert [from_layer(layer).name for layer in model.layers] == ["mr", "ct"]


def test_a_series_that_is_not_there_is_refused(files):
    with pytest.raises(ParameterError, match=r"9\.9: none of the volumes is this series"):
        from_paths(files[:1], silent, series=["9.9"])


def test_nothing_named_is_refused():
    with pytest.raises(ReadError, match="name a volume"):
        from_paths([], silent)


@pytest.mark.parametrize("option", ["{}", "--session={}"])
def test_what_cannot_be_read_is_one_sentence_and_no_window(option, tmp_path, capsys, monkeypatch):
    def never(show, **how):
        raise AssertionError("a window was opened")

    monkeypatch.setattr("napari_fusion.gui.launch.open_window", never)
    path = tmp_path / "notes.txt"
    path.write_text("no volume")
    assert main([option.format(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("napari-fusion: notes.txt is not ")


@pytest.mark.parametrize("module", ["launch", "guide.walk"])
def test_without_opengl_it_is_one_sentence_and_no_window(module, files, tmp_path):
    argument = files[0] if module == "launch" else str(tmp_path)
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    environment["QT_QPA_PLATFORM"] = "offscreen"  # without an X server it has none
    done = subprocess.run(
        [sys.executable, "-m", f"napari_fusion.gui.{module}", argument],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "no OpenGL" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.fusion"))


@pytest.mark.display
@pytest.mark.parametrize(("kept", "wanted"), [(None, "all"), ((640, 480), (640, 480))])
def test_a_window_fills_the_screen_unless_napari_remembers_a_size(qapp, monkeypatch, kept, wanted):
    from napari.settings import get_settings

    room = qapp.primaryScreen().availableGeometry()
    resized = []
    window = SimpleNamespace(
        geometry=lambda: (0, 0, 640, 480), resize=lambda *size: resized.append(size)
    )
    monkeypatch.setattr(get_settings().application, "window_size", kept)
    fit_to_screen(SimpleNamespace(window=window))
    full = (room.width(), room.height() - TITLE_BAR)
    assert resized == [full if wanted == "all" else wanted]


def test_the_window_opens_with_the_workspace_docked(make_napari_viewer_proxy, files, plugins):
    from napari_fusion.gui.launch import dock_workspace

    viewer = make_napari_viewer_proxy()
    workspace = dock_workspace(viewer, from_paths(files[:2], silent))
    assert isinstance(workspace, FusionWorkspace)
    assert [dock for dock in viewer.window.dock_widgets if "Fusion workspace" in dock]
    assert workspace.open.moving.currentText() == viewer.layers[1].name
