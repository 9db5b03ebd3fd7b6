"""`napari-fusion view` starts a window in a process of its own, or says why it does not."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def ends_with():
    """Exit code of what is started."""
    return 0


@pytest.fixture
def started(monkeypatch, ends_with):
    """A display, and what is started on it instead of a window."""
    commands = []

    def run(command, *, check):
        commands.append(command)
        return subprocess.CompletedProcess(command, ends_with)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_volumes_and_choices_are_passed_on(shell, started):
    code, _, _ = shell("view", "--frame", "2", "--series", "1.2", "ct", "mr", "pet")
    assert code == 0
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "napari_fusion.gui.launch"]
    assert command[3:] == ["--series=1.2", "--frame=2", "--", "ct", "mr", "pet"]


def test_a_session_is_passed_on(shell, started):
    shell("view", "--session", "case.fusion")
    assert started[0][3:] == ["--session=case.fusion", "--"]


@pytest.mark.parametrize("words", [(), ("ct", "--session", "case.fusion")])
def test_volumes_or_a_session_and_not_both(shell, started, words):
    code, _, err = shell("view", *words)
    assert code == 1
    assert "one of the two" in err
    assert started == []


@pytest.mark.parametrize("ends_with", [0, 1, 7])
def test_the_exit_code_is_the_windows(shell, started, ends_with):
    assert shell("view", "ct")[0] == ends_with


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_no_display_is_one_sentence(shell, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    code, out, err = shell("view", "ct")
    assert code == 1
    assert out == ""
    assert err.startswith("napari-fusion: there is no display")


def test_a_missing_file_ends_the_window_process_before_there_is_a_window():
    command = [sys.executable, "-m", "napari_fusion", "view", "nothing-here.nii"]
    there = os.environ | {"DISPLAY": ":none"}  # Qt would abort here if it were asked for a window
    done = subprocess.run(command, env=there, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "napari-fusion: nothing-here.nii does not exist\n"
