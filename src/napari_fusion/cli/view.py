"""``napari-fusion view``: volumes or a session in a napari window, the workspace beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_fusion.cli.volumes import FrameNumber, SeriesUids
from napari_fusion.cli.window import open_window
from napari_fusion.errors import ParameterError


def view(
    fixed: Annotated[
        Path | None,
        typer.Argument(
            help="The volume that stays: file, folder or zip. Of a folder of several series, "
            "alone, the pair that belongs together is opened."
        ),
    ] = None,
    moving: Annotated[list[Path] | None, typer.Argument(help="Volumes to bring onto it.")] = None,
    *,
    session: Annotated[
        Path | None, typer.Option(help="Open a saved session (.fusion) instead of volumes.")
    ] = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
) -> None:
    """Open volumes, or a saved session, in napari with the fusion workspace beside them."""
    if (fixed is None) == (session is None):
        raise ParameterError("name a volume to open, or --session and a session: one of the two")
    words = [f"--series={uid}" for uid in series or []]
    words += [f"--frame={frame}"] if frame is not None else []
    words += [f"--session={session}"] if session is not None else []
    words += ["--", *(str(path) for path in (fixed, *(moving or [])) if path is not None)]
    code = open_window("launch", words)
    if code:
        raise typer.Exit(code)
