"""Open files and folders into the frame a viewer shows, asking where there is a choice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from napari_fusion.errors import Cancelled, Progress, QuantityError, ReadError, between, silent
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import PLACE, VOLUME, LayerData, frame_of, to_layer
from napari_fusion.gui.origin import ORIGIN, Opened
from napari_fusion.gui.views.letters import show_letters
from napari_fusion.volume import Step, Volume

if TYPE_CHECKING:
    from napari_fusion.io.series import Found, Series

T = TypeVar("T")

NOTHING: list[Any] = [(None,)]
"""What a reader answers when the user changed their mind."""

Wanted = tuple["str | Series", int | None]
"""What to load: a path or a series, and which of its time points."""


def open_paths(paths: Sequence[str]) -> list[Any]:
    """Read the volumes of paths into layer data, in the frame of the current viewer.

    Raises
    ------
    ReadError
        A path holds no volume that can be read faithfully.
    """
    viewer = current_viewer()
    frame = frame_of(viewer) if viewer is not None else None
    try:
        wanted = [one for path in paths for one in wanted_of(path)]
        layers = patiently(lambda tell: read_layers(wanted, frame, tell), "Reading …")
    except Cancelled:
        return NOTHING
    return welcome(layers) or NOTHING


def patiently(work: Callable[[Progress], T], message: str) -> T:
    """Do long work for a caller that waits; a window on screen stays alive, with a Cancel button.

    Raises
    ------
    Cancelled
        The user pressed Cancel.
    """
    if current_viewer() is None:
        return work(silent)
    from napari_fusion.gui.worker import responsive

    return responsive(work, message)


def welcome(layers: list[LayerData]) -> list[LayerData]:
    """Prepare the viewer on screen, if any, for layers of ours, and announce them."""
    viewer = current_viewer()
    if viewer is not None and layers:
        show_letters(viewer)
    announce(layers)
    return layers


def read_layers(
    wanted: Sequence[Wanted], frame: Frame | None, progress: Progress
) -> list[LayerData]:
    """Load what is wanted; the first volume sets the frame if none is set."""
    from napari_fusion.io.isolated import load

    layers: list[LayerData] = []
    for i, (what, time_point) in enumerate(wanted):
        tell = between(progress, i / len(wanted), (i + 1) / len(wanted))
        tell(0.0, f"reading {i + 1} of {len(wanted)}")
        volume = load(what, frame=time_point, progress=between(tell, 0.0, 0.7))
        volume = as_suv(volume)
        tell(0.7, "drawing")
        layers += show_all([volume], frame)
        layers[-1][1]["metadata"][ORIGIN] = _origin(what, time_point)
        frame = frame or layers[0][1]["metadata"][PLACE].frame
    return layers


def as_suv(volume: Volume) -> Volume:
    """Give PET as clinicians read it, SUV by body weight; as it is, and why, where there is none.

    What says nothing of dose and times, such as NIfTI, stays as it is without a word.
    """
    if volume.modality != "PT" or volume.unit == "g/mL" or volume.pet is None:
        return volume
    from napari_fusion.quantify import to_suv

    try:
        return to_suv(volume)
    except QuantityError as error:
        return volume.with_step(Step("suv", {}, (str(error),)))


def _origin(what: str | Series, time_point: int | None) -> Opened:
    if isinstance(what, str):
        return Opened(what, None, time_point)
    return Opened(str(what.source), what.uid, time_point)


def show_all(volumes: Sequence[Volume], frame: Frame | None = None) -> list[LayerData]:
    """Make layer data of volumes, all in one frame: the one given, or that of the first."""
    frame = frame or Frame.of(volumes[0].grid)
    return [to_layer(volume, frame) for volume in volumes]


def announce(layers: Sequence[LayerData]) -> None:
    """Say aloud what a reader of these layers has to know, and what is not shown as it is."""
    from napari.utils.notifications import show_warning

    for _, keywords, _ in layers:
        if PLACE not in keywords["metadata"]:
            continue  # colours, which were told of when they were made
        place, volume = keywords["metadata"][PLACE], keywords["metadata"][VOLUME]
        for sentence in (*volume.warnings, *filter(None, [place.note])):
            show_warning(f"{keywords['name']}: {sentence}")


def current_viewer() -> Any:
    """Give the viewer on screen, if napari is running at all."""
    if "napari" not in sys.modules:
        return None
    from napari import current_viewer as current

    return current()


def wanted_of(path: str) -> list[Wanted]:
    """Say what to load from a path, asking where there is a choice."""
    from napari_fusion.io.isolated import scan

    found = patiently(lambda tell: scan(path, progress=tell), "Looking at the series …")
    if len(found) < 2 and all(series.frames == 1 for series in found):
        return [(path, None)]
    return _chosen(found)


def _chosen(found: Found) -> list[Wanted]:
    """Ask which series to open; without a window on screen, take all that read faithfully."""
    if current_viewer() is not None:
        from napari_fusion.gui.open.chooser import choose_series
        from napari_fusion.gui.worker import window_is_alive

        if window_is_alive():
            return list(choose_series(found))
    sound = [series for series in found if series.light == "green"]
    if not sound:
        reasons = "; ".join(sorted({series.reason for series in found if series.reason}))
        raise ReadError(f"none of {len(found)} series can be read without a doubt: {reasons}")
    return [(series, None) for series in sound]
