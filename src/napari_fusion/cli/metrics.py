"""``napari-fusion metrics``: judge a fused picture against its sources, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from napari_fusion.cli.screen import AsJson, bar, say, say_json, warn
from napari_fusion.cli.volumes import (
    FrameNumber,
    Reading,
    SeriesUids,
    check_brightness,
    load_all,
    named,
)
from napari_fusion.cli.windows import HELP, check_presets, windows
from napari_fusion.errors import Progress, between
from napari_fusion.slab import Window
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from napari_fusion.metrics import Metric


def metrics(  # noqa: PLR0913 - one parameter per option
    fused: Annotated[Path, typer.Argument(help="The fused picture, values from 0 to 1.")],
    sources: Annotated[list[Path], typer.Argument(help="What it was fused from, on its grid.")],
    *,
    names: Annotated[
        str | None, typer.Option(help="Names of metrics, separated by commas.", show_default="all")
    ] = None,
    modality: Annotated[
        list[str] | None,
        typer.Option(help="CT, MR, PT or NM: one per source, where files do not say."),
    ] = None,
    window: Annotated[list[str] | None, typer.Option("--window", "--windows", help=HELP)] = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    axis: Annotated[
        int | None, typer.Option(min=0, max=2, help="Axis across slices.", show_default="coarsest")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a fused picture by every metric, and say which of them can be raised without merit."""
    from napari_fusion.metrics import lookup
    from napari_fusion.metrics import metrics as registered

    wanted = [lookup(n.strip()) for n in names.split(",")] if names else list(registered())
    with bar() as progress:
        picture, *given = load_all([fused, *sources], Reading(series, frame), progress)
        given = named(given, modality or [])
        _check(picture, given)
        check_presets(window, given)
        shown = _windows(given, window)
        across = picture.grid.slice_axis if axis is None else axis
        slabs = _slabs([picture, *given], [Window(lower=0, upper=1), *shown], across)
        rows = _judged(wanted, slabs, between(progress, 0.1, 1))
    if as_json:
        ranges = [[w.lower, w.upper] for w in shown]
        say_json({"metrics": rows, "windows": ranges, "axis": across, "slices": len(slabs[0])})
    else:
        told = ", ".join(f"{w.lower:g}:{w.upper:g}" for w in shown)
        say(f"sources windowed by {told}; {len(slabs[0])} slices along axis {across}")
        _say(rows)


def _check(fused: Volume, sources: Sequence[Volume]) -> None:
    """Refuse what cannot be compared voxel by voxel."""
    check_brightness(fused, "divide it by its white, such as 255")
    numbered = {f"source {number}": source for number, source in enumerate(sources, start=1)}
    for name, volume in {"the fused picture": fused, **numbered}.items():
        fused.grid.must_match(
            volume.grid,
            *("the fused picture", name),
            "metrics compare voxel by voxel, so give each source on the grid of the fused picture, "
            "as moving_on_fixed.nii.gz is",
        )
        lost = int(np.count_nonzero(~np.isfinite(volume.array)))
        if lost:
            warn(f"{lost} voxels of {name} are not finite: they count as empty")


def _windows(sources: Sequence[Volume], asked: Sequence[str] | None) -> list[Window]:
    """Give each source's window: the one asked for, or what a reader of its modality expects."""
    given = windows(asked, len(sources)) or [None] * len(sources)
    return [volume.window(w) for w, volume in zip(given, sources, strict=True)]


def _slabs(
    volumes: Sequence[Volume], windows: Sequence[Window], axis: int
) -> list[NDArray[np.float32]]:
    """Give each volume as slices (n, h, w) in [0, 1]."""
    shown = (window(volume.array) for volume, window in zip(volumes, windows, strict=True))
    return [np.moveaxis(array, axis, 0) for array in shown]


def _judged(
    wanted: Sequence[Metric], slabs: list[NDArray[np.float32]], progress: Progress
) -> list[dict[str, Any]]:
    from napari_fusion.metrics import evaluate, two_sided

    fused, *sources = slabs
    rows = []
    for done, metric in enumerate(wanted):
        progress(done / len(wanted), metric.title)
        value = evaluate(fused, sources, [metric.name])[metric.name]
        if np.isinf(value):
            warn(f"{metric.title} has no mean: in some slice the picture equals a source")
        both = two_sided(fused, sources, [metric.name])[metric.name] if _sided(metric) else None
        rows.append(
            {
                "name": metric.name,
                "title": metric.title,
                "value": _known(value),
                "two_sided": _known(both),
                "better": metric.direction,
                "raised_by": metric.gamed_by,
            }
        )
    return rows


def _sided(metric: Metric) -> bool:
    """Whether the geometric mean over the sources says whether one of them was ignored."""
    from napari_fusion.metrics import TWO_SIDED

    return metric.name in TWO_SIDED


def _known(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _say(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    wide = max(len(row["title"]) for row in rows)
    say(f"{'metric':{wide}}  {'value':>9}  {'two-sided':>9}  {'better':7}  can be raised by")
    for row in rows:
        say(
            f"{row['title']:{wide}}  {_cell(row['value'])}  {_cell(row['two_sided'])}  "
            f"{row['better']:7}  {row['raised_by'] or '–'}"
        )


def _cell(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.4g}':>9}"
