"""The real napari window, and pictures of it: each in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from napari_fusion.cli.screen import warn
from napari_fusion.errors import FusionError, MissingExtra, WriteError
from napari_fusion.io import save
from napari_fusion.volume import Volume

_SCREEN = "-screen 0 1600x1000x24"
_LONGEST_S = 180
_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def picture_window(sources: Iterable[Volume], folder: Path) -> list[str]:
    """Open napari on the results in `folder` and save ``window.png`` there.

    Returns the path made; nothing, after a warning, when there is no Qt, or no display and no Xvfb.

    Raises
    ------
    WriteError
        There is a display, but the picture could not be made.
    """
    try:
        screen = _screen()
    except FusionError as error:
        warn(f"window.png was not made: {error}")
        return []
    target = folder / "window.png"
    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / "window.png"
        command = [*screen, *_module("window", [str(folder), "--out", str(drawn)])]
        for i, source in enumerate(sources):
            command += ["--fixed", str(save(source, Path(scratch) / f"source{i}.nii.gz"))]
        failed = _run(command)
        if failed or not drawn.exists():
            raise WriteError(f"the picture of the napari window could not be made: {failed}")
        shutil.move(drawn, target)
    return [str(target)]


def open_window(module: str, arguments: list[str]) -> int:
    """Run a module of ``napari_fusion.gui`` that opens a window, and wait until it is closed.

    It says itself what goes wrong. Returns its exit code.

    Raises
    ------
    FusionError
        There is no display.
    MissingExtra
        There is no Qt binding.
    """
    _check_qt()
    if not has_display():
        raise FusionError(
            "there is no display to open a window on: start it from a desktop, over ssh with -X, "
            "or, without eyes, under xvfb-run"
        )
    return subprocess.run(_module(module, arguments), check=False).returncode


def play_window(module: str, arguments: list[str]) -> int:
    """Run a module that needs no hands; without a display on a virtual one, which is said.

    What it prints goes to stderr. Returns its exit code.

    Raises
    ------
    FusionError
        There is neither a display nor Xvfb, or no Qt binding.
    """
    screen = _screen()
    if screen:
        warn("there is no display: the window opens on a virtual one, and nobody sees it")
    command = [*screen, *_module(module, arguments)]
    return subprocess.run(command, env=_environment(), stdout=2, check=False).returncode


def _module(name: str, arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", f"napari_fusion.gui.{name}", *arguments]


def _environment() -> dict[str, str]:
    """Give the environment of a process whose picture is to be drawn on a display."""
    return {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}


def has_display() -> bool:
    """Whether windows can be seen here."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _check_qt() -> None:
    """Refuse to begin where Qt is not installed."""
    if not any(find_spec(name) for name in _BINDINGS):
        raise MissingExtra('no Qt binding is installed: pip install "napari-fusion[all]"')


def _screen() -> list[str]:
    """Give what has to stand before the command to have a display.

    Raises
    ------
    FusionError
        There is neither a display nor Xvfb.
    MissingExtra
        There is no Qt binding.
    """
    _check_qt()
    if has_display():
        return []
    found = shutil.which("xvfb-run")
    if found is None:
        raise FusionError("there is no display to open a window on; on Linux, install Xvfb")
    return [found, "-a", "-s", _SCREEN]


def _run(command: list[str]) -> str:
    """Run the command; give the last line of what went wrong, or nothing."""
    try:
        done = subprocess.run(
            command,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {_LONGEST_S} s"
    lines = done.stderr.strip().splitlines() or ["no reason was given"]
    return "" if done.returncode == 0 else lines[-1]
