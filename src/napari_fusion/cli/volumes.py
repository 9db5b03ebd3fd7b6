"""Volumes as commands take them: read in a process of their own, named, of one patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import numpy as np
import typer

from napari_fusion.errors import ParameterError, Progress
from napari_fusion.volume import Modality, Unit, Volume

if TYPE_CHECKING:
    from napari_fusion.io import Series

SeriesUids = Annotated[
    list[str] | None,
    typer.Option(help="Series UID to take where a folder holds several; once for each volume."),
]
FrameNumber = Annotated[int | None, typer.Option(help="Frame of 4-D volumes, from 0.")]
Rectify = Annotated[
    bool,
    typer.Option("--rectify", help="Resample sheared volumes, interpolate across missing slices."),
]
Modalities = Annotated[
    list[str] | None,
    typer.Option(help="CT, MR, PT or NM: one per volume, where files do not say."),
]
Strangers = Annotated[
    bool, typer.Option("--different-patients", help="Allow volumes of different patients.")
]

WRITTEN = (".nii", ".nii.gz", ".mha", ".nrrd")
"""How the names of volumes end that commands write."""

ROUND_OFF = 1e-6
"""Brightness may leave [0, 1] by this much."""

_UNITS: dict[str, Unit] = {"CT": "HU"}


@dataclass(frozen=True)
class Reading:
    """How to read what cannot be read without being told more.

    Parameters
    ----------
    series
        UIDs of the series to take, each once; those of one folder in the order of its volumes.
    frame
        Which frame of the volumes that have several.
    rectify
        Whether to resample what is sheared or lacks slices.
    """

    series: Sequence[str] | None = None
    frame: int | None = None
    rectify: bool = False


class Accept(StrEnum):
    """The worst verdict of the registration check that may still be fused."""

    PASS = "PASS"
    CHECK = "CHECK"
    FAIL = "FAIL"


def load_all(paths: list[Path], how: Reading, progress: Progress) -> list[Volume]:
    """Load each path; a series UID or frame number is used where the path needs one.

    Raises
    ------
    ReadError, GeometryError
        As for `napari_fusion.load`.
    ParameterError
        No path holds a series of that UID, or has it left to give, or none has frames.
    """
    from napari_fusion.io.isolated import load, rectified, scan

    asked = bool(how.series) or how.frame is not None
    found = {path: scan(path) if asked else [] for path in dict.fromkeys(paths)}
    uids = _uids([found[path] for path in paths], how.series or ())
    read = rectified if how.rectify else load
    volumes, frames = [], how.frame is not None
    for i, (path, uid) in enumerate(zip(paths, uids, strict=True)):
        progress(0.1 * i / len(paths), f"reading {path.name}")
        timed = any(s.frames > 1 for s in found[path] if uid in {None, s.uid})
        volumes.append(read(path, series=uid, frame=how.frame if timed else None))
        frames = frames and not timed
    if frames:
        raise ParameterError(f"--frame {how.frame}: none of the volumes has several frames")
    return volumes


def _uids(found: list[list[Series]], asked: Sequence[str]) -> list[str | None]:
    """Give each path at most one of the series asked for."""
    from napari_fusion.io.series import shared_out

    taken = shared_out(found, asked)
    for mine in taken:
        if len(mine) > 1:
            raise ParameterError(
                f"--series {mine[1].uid}: {mine[0].uid} is taken of the same place already; name "
                "the place once for each of them"
            )
    return [mine[0].uid if mine else None for mine in taken]


def named(volumes: list[Volume], modalities: list[str]) -> list[Volume]:
    """Give volumes the modality the user names, where files cannot say.

    Raises
    ------
    ParameterError
        Not one of the known ones for each volume, or a file says otherwise.
    """
    if not modalities:
        return volumes
    known: dict[str, Modality] = {name: name for name in get_args(Modality)}
    names = _names_of(modalities)
    if len(names) != len(volumes) or not set(names) <= set(known):
        raise ParameterError(
            f"--modality needs one of {', '.join(known)} for each of the "
            f"{len(volumes)} volumes, fixed first"
        )
    for number, (volume, name) in enumerate(zip(volumes, names, strict=True), start=1):
        if volume.modality not in {"OTHER", name}:
            raise ParameterError(
                f"--modality {name}: the file of volume {number} says that it is "
                f"{volume.modality}; name the modality only where files do not"
            )
    return [
        v if v.modality == name else replace(v, modality=known[name], unit=_UNITS.get(name, v.unit))
        for v, name in zip(volumes, names, strict=True)
    ]


def check_modalities(modalities: list[str] | None) -> None:
    """Refuse what is no modality, before it is known how many volumes there are.

    Raises
    ------
    ParameterError
        A name that is not one of the known ones.
    """
    for name in _names_of(modalities or []):
        if name not in (known := get_args(Modality)):
            raise ParameterError(f"--modality {name}: it needs one of {', '.join(known)}")


def _names_of(modalities: list[str]) -> list[str]:
    return [m.strip().upper() for text in modalities for m in text.split(",")]


def check_out(out: Path, inputs: Sequence[Path], endings: Sequence[str] = WRITTEN) -> None:
    """Say before any work why a result could not be written; never write over an input.

    Raises
    ------
    ParameterError
        Its name ends otherwise, or it is an input.
    WriteError
        Its folder is missing or not writable, or what has its name cannot be replaced.
    """
    from napari_fusion.io.atomic import check_writable

    if not out.name.lower().endswith(tuple(endings)):
        raise ParameterError(f"--out {out.name}: its name must end in {', '.join(endings)}")
    if out.resolve() in {path.resolve() for path in inputs}:
        raise ParameterError(f"--out {out.name} is one of the inputs: choose another name")
    check_writable(out.resolve())


def check_brightness(fused: Volume, hint: str) -> None:
    """Refuse what is no fused picture; `hint` says what to give instead.

    Raises
    ------
    ParameterError
        It has no finite value, or values outside [0, 1].
    """
    shown = fused.array[np.isfinite(fused.array)]
    if shown.size == 0:
        raise ParameterError("the fused picture holds no finite value: there is nothing to see")
    low, high = float(shown.min()), float(shown.max())
    if low < -ROUND_OFF or high > 1 + ROUND_OFF:
        raise ParameterError(
            f"the fused picture runs from {low:g} to {high:g}, but brightness from 0 to 1 is "
            f"expected: {hint}"
        )
