"""Volumes as commands take them: read in a process of their own, named, of one patient."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from napari_fusion.errors import ParameterError, Progress
from napari_fusion.volume import Modality, Unit, Volume

SeriesUids = Annotated[
    list[str] | None, typer.Option(help="Series UID to take where a folder holds several.")
]
FrameNumber = Annotated[int | None, typer.Option(help="Frame of 4-D volumes, from 0.")]
Modalities = Annotated[
    list[str] | None,
    typer.Option(help="CT, MR, PT or NM: one per volume, where files do not say."),
]
Strangers = Annotated[
    bool, typer.Option("--different-patients", help="Allow volumes of different patients.")
]

_UNITS: dict[str, Unit] = {"CT": "HU"}


class Accept(StrEnum):
    """The worst verdict of the registration check that may still be fused."""

    PASS = "PASS"
    CHECK = "CHECK"
    FAIL = "FAIL"


def load_all(
    paths: list[Path], series: list[str], frame: int | None, progress: Progress
) -> list[Volume]:
    """Load each path; a series UID or frame number is used where the path needs one."""
    from napari_fusion.io.isolated import load, scan

    volumes = []
    for i, path in enumerate(paths):
        progress(0.1 * i / len(paths), f"reading {path.name}")
        found = scan(path) if series or frame is not None else []
        uid = next((u for u in series if u in {s.uid for s in found}), None)
        timed = any(s.frames > 1 for s in found if uid in {None, s.uid})
        volumes.append(load(path, series=uid, frame=frame if timed else None))
    return volumes


def named(volumes: list[Volume], modalities: list[str]) -> list[Volume]:
    """Give volumes the modality the user names, where files cannot say."""
    if not modalities:
        return volumes
    known: dict[str, Modality] = {name: name for name in get_args(Modality)}
    names = [m.strip().upper() for text in modalities for m in text.split(",")]
    if len(names) != len(volumes) or not set(names) <= set(known):
        raise ParameterError(
            f"--modality needs one of {', '.join(known)} for each of the "
            f"{len(volumes)} volumes, fixed first"
        )
    return [
        v if v.modality == name else replace(v, modality=known[name], unit=_UNITS.get(name, v.unit))
        for v, name in zip(volumes, names, strict=True)
    ]
