"""Windows of the shell: what starts them is there, and a bare installation says what it lacks."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from napari_fusion.cli.window import picture_window

NO_QT = 'no Qt binding is installed: pip install "napari-fusion[all]"'


@pytest.fixture
def no_qt(monkeypatch):
    """An installation without Qt."""
    monkeypatch.setattr("napari_fusion.cli.window._BINDINGS", ("NoSuchQt",))


@pytest.mark.parametrize("command", [("view", "ct.nii.gz"), ("demo", "--window")])
def test_what_the_shell_starts_is_a_module(shell, monkeypatch, tmp_path, command):
    started = []

    def run(words, **_):
        started.append(words[words.index("-m") + 1])
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    assert shell(*command)[0] == 0
    assert find_spec(started[0]) is not None


@pytest.mark.parametrize("command", [("view", "ct.nii.gz"), ("demo", "--window")])
def test_a_window_needs_qt(shell, no_qt, monkeypatch, tmp_path, command):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(tmp_path)
    code, _, err = shell(*command)
    assert code == 1
    assert err == f"napari-fusion: {NO_QT}"


def test_a_run_without_qt_goes_on_without_its_picture(no_qt, capsys):
    assert picture_window([], Path("results")) == []
    assert f"window.png was not made: {NO_QT}" in capsys.readouterr().err
