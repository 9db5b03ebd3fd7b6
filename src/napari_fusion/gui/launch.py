"""A napari window with volumes or a session in it and the workspace beside them.

``python -m napari_fusion.gui.launch FIXED [MOVING …]`` is what ``napari-fusion view`` starts:
everything is read before a window opens, so that what cannot be read is one sentence and no window.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_fusion.errors import FusionError, Progress, ReadError
from napari_fusion.gui.align.aligning import OVER_FIXED
from napari_fusion.gui.graphics import hidden_viewer
from napari_fusion.gui.layers import LayerData

TITLE_BAR = 40
"""Pixels of a screen's height that a window's own frame takes."""

Shown = Callable[[Any], dict[str, Any]]
"""Puts what was read into a viewer and gives what the workspace is to be set to."""


def main(arguments: list[str] | None = None) -> int:
    """Read, open the window and stay until it is closed; 1 and one sentence when that failed."""
    parser = argparse.ArgumentParser(description="Open volumes or a session in napari.")
    parser.add_argument("paths", nargs="*", help="the fixed volume, then moving ones")
    parser.add_argument("--session", help="a .fusion file, instead of volumes")
    parser.add_argument("--series", action="append", default=[], help="series UID to take")
    parser.add_argument("--frame", type=int, help="time point of 4-D volumes, from 0")
    asked = parser.parse_args(arguments)
    try:
        if asked.session:
            show = from_session(asked.session, tell)
        else:
            show = from_paths(asked.paths, tell, series=asked.series, frame=asked.frame)
        open_window(show, fit=not asked.session)
        del show  # the volumes are the layers' now, and go with them
        import napari  # here: what cannot be read is told before it

        napari.run()
    except FusionError as error:
        sys.stderr.write(f"napari-fusion: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def tell(fraction: float, message: str) -> None:
    """Say on a terminal how far the reading is, in one line that is written over."""
    if sys.stderr is not None and sys.stderr.isatty():
        end = "\n" if fraction >= 1 else ""
        sys.stderr.write(f"\r\033[K{message}{end}")


def from_session(path: str, progress: Progress) -> Shown:
    """Read a session; give what shows it.

    Raises
    ------
    ReadError
        Not a session, a damaged one, or its sources are missing or changed.
    """
    from napari_fusion.gui.session.file import read_session, show_session

    ready = read_session(path, progress)
    progress(1.0, f"opening {Path(path).name}")
    return lambda viewer: show_session(viewer, ready)


def from_paths(
    paths: Sequence[str],
    progress: Progress,
    *,
    series: Sequence[str] = (),
    frame: int | None = None,
) -> Shown:
    """Read volumes into one frame; give what shows them and chooses the first two.

    Parameters
    ----------
    paths
        The fixed volume first. A single folder of several series gives the pair that belongs
        together, anatomy and function of one scan first.
    progress
        Told how far it is.
    series
        UIDs to take where a path holds several series, each once.
    frame
        Which time point to take of 4-D volumes.

    Raises
    ------
    ReadError
        Nothing was named, or a path holds no volume that can be read faithfully.
    ParameterError
        No path holds a series of that UID.
    """
    from napari_fusion.gui.open.opening import read_layers

    if not paths:
        raise ReadError("name a volume to open: a file, folder or zip")
    layers = read_layers(_wanted(paths, series, frame), None, progress)
    progress(1.0, f"opening {len(layers)} volumes")
    return lambda viewer: _shown(viewer, layers)


def _wanted(
    paths: Sequence[str], series: Sequence[str], frame: int | None
) -> list[tuple[Any, int | None]]:
    """Say what to read of each path, and which time point where it has several."""
    from napari_fusion.gui.open.pairing import best_pair
    from napari_fusion.io.isolated import scan
    from napari_fusion.io.series import shared_out

    found = {path: scan(path) for path in dict.fromkeys(paths)}
    taken: list[Sequence[Any]] = [*shared_out([found[path] for path in paths], series)]
    wanted: list[tuple[Any, int | None]] = []
    for path, chosen in zip(paths, taken, strict=True):
        if not chosen and len(paths) == 1 and len(found[path]) > 1:
            chosen = best_pair(found[path]) or ()
        if chosen:
            wanted += [(one, frame if one.frames > 1 else None) for one in chosen]
        else:
            wanted.append((path, frame if any(one.frames > 1 for one in found[path]) else None))
    return wanted


def _shown(viewer: Any, layers: Sequence[LayerData]) -> dict[str, Any]:
    """Add layers from bottom to top; the first is to stay fixed, the second to move over it."""
    from napari.layers import Image, Layer

    from napari_fusion.gui.open.opening import announce

    announce(layers)
    made = [Layer.create(*layer) for layer in layers]
    pictures = [layer for layer in made if isinstance(layer, Image)]
    for layer in pictures[1:2]:  # before it is added: an opacity set later is taken for the user's
        layer.opacity = min(layer.opacity, OVER_FIXED)
    added = [viewer.add_layer(layer) for layer in made]
    for layer in pictures[2:]:  # they would hide the pair
        layer.visible = False
    look_at_middle(viewer, added[0])
    return dict(zip(("fixed", "moving"), (str(layer.name) for layer in pictures), strict=False))


def look_at_middle(viewer: Any, layer: Any) -> None:
    """Let every plane cross in the middle of a layer: napari leaves the hidden axes at their ends.

    A volume far from the scanner's origin would else be seen at its edge in the other planes.
    """
    viewer.dims.point = tuple(layer.extent.world.mean(axis=0))


def open_window(show: Shown, *, fit: bool) -> None:
    """Open napari, dock the workspace and show what was read.

    Parameters
    ----------
    show
        Puts what was read into a viewer.
    fit
        Show all of it; a session is looked at as it was left.
    """
    viewer = hidden_viewer()
    gc.collect()
    gc.freeze()  # napari looks through all there is for every layer that goes
    dock_workspace(viewer, show)
    viewer.show()
    fit_to_screen(viewer)
    if fit:
        viewer.reset_view()


def fit_to_screen(viewer: Any) -> None:
    """Let a window fill the screen unless napari remembers a size, and never be larger."""
    from napari.settings import get_settings
    from qtpy.QtWidgets import QApplication

    room = QApplication.primaryScreen().availableGeometry()
    most = room.width(), room.height() - TITLE_BAR
    sizes = viewer.window.geometry()[2:] if get_settings().application.window_size else most
    viewer.window.resize(*map(min, sizes, most))


def dock_workspace(viewer: Any, show: Shown) -> Any:
    """Dock the workspace in a viewer and show what was read; gives the workspace."""
    _, workspace = viewer.window.add_plugin_dock_widget("napari-fusion", "Fusion workspace")
    workspace.take_up(show(viewer))
    return workspace


if __name__ == "__main__":
    sys.exit(main())
