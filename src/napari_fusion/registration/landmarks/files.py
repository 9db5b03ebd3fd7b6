"""Landmarks in and out: which reader and writer for which name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, ReadError, WriteError
from napari_fusion.io.plain import place_of
from napari_fusion.registration.landmarks import slicer, tables
from napari_fusion.registration.landmarks.marks import Marks
from napari_fusion.registration.landmarks.pairs import Landmarks

LARGEST_BYTES = 4 << 20
"""No list of points that people marked is larger."""


BY_ORDER = "The two files name the points differently: they were paired by their order."


@dataclass(frozen=True)
class Format:
    """How one kind of file is read, from its text and its name for messages, and written."""

    read: Callable[..., Marks]
    write: Callable[[Marks], str]


ONE_SIDED: Mapping[str, Format] = {
    ".mrk.json": Format(slicer.read_json, slicer.write_json),
    ".fcsv": Format(slicer.read_fcsv, slicer.write_fcsv),
    ".csv": Format(tables.read_points, tables.write_points),
}


def load(path: str | PathLike[str], moving: str | PathLike[str] | None) -> Landmarks:
    """Read pairs; see `Landmarks.load`."""
    if moving is not None:
        return _paired(read_marks(place_of(path)), read_marks(place_of(moving, "moving")))
    target = place_of(path)
    suffix = target.suffix.lower()
    if suffix == ".standard":
        return tables.read_rire(text_of(target), target.name)
    if suffix == ".csv":
        return tables.read_pairs(text_of(target), target.name)
    if _suffix(target):
        raise ReadError(
            f"{target.name} holds the points of one volume: give a second file for the other"
        )
    raise ReadError(f"{target.name} is no file of landmarks: expected .csv or .standard")


def read_marks(path: Path) -> Marks:
    """Read the points of one volume.

    Raises
    ------
    ReadError
        Not such a file, or damaged.
    """
    suffix = _suffix(path)
    if suffix is None:
        raise ReadError(f"{path.name} is no file of points: expected .mrk.json, .fcsv or .csv")
    return ONE_SIDED[suffix].read(text_of(path), path.name)


def save(
    landmarks: Landmarks, path: str | PathLike[str], moving: str | PathLike[str] | None
) -> None:
    """Write pairs; see `Landmarks.save`."""
    target = place_of(path)
    if moving is None:
        if target.suffix.lower() != ".csv":
            raise ParameterError(
                f"landmark pairs are saved in one .csv, or in two files: {target.name} is neither"
            )
        text = tables.write_pairs(landmarks)
        _write(target, text, landmarks, partial(tables.read_pairs, name=target.name))
        return
    beside = place_of(moving, "moving")
    if target.resolve() == beside.resolve():
        raise ParameterError(f"{target.name} cannot hold both sides: give two files, or one .csv")
    sides = ((target, landmarks.fixed), (beside, landmarks.moving))
    first, second = (_spelt(place, Marks(points, landmarks.names)) for place, points in sides)
    first(then=second)


def text_of(path: Path) -> str:
    """Read a small text file.

    Raises
    ------
    ReadError
        Missing, too large, or not text.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ReadError(f"{path.name} is too large for a list of landmarks")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"{path.name} is not a text file") from error
    except OSError as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"{path.name} cannot be read: {error.strerror}") from error


def _suffix(path: Path) -> str | None:
    return next((suffix for suffix in ONE_SIDED if path.name.lower().endswith(suffix)), None)


def _paired(fixed: Marks, moving: Marks) -> Landmarks:
    """Pair points by name, or by order where the two lists share none, or not all different."""
    ours, theirs = set(fixed.names), set(moving.names)
    unique = len(ours) == len(fixed.names) and len(theirs) == len(moving.names)
    if unique and ours == theirs:
        order = [moving.names.index(name) for name in fixed.names]
        return Landmarks(fixed.points, moving.points[order], fixed.names)
    if unique and ours & theirs:
        alone = ", ".join(sorted(ours ^ theirs)[:5])
        raise ReadError(
            f"some points are marked in one volume only ({alone}): mark them in both or in none"
        )
    if len(fixed.names) != len(moving.names):
        raise ReadError(
            f"the files hold {len(fixed.names)} and {len(moving.names)} points whose names do not "
            "match: each place has to be marked in both volumes"
        )
    named = fixed.names != moving.names and not any(map(_numbered, (fixed, moving)))
    return Landmarks(fixed.points, moving.points, fixed.names, (BY_ORDER,) if named else ())


def _numbered(points: Marks) -> bool:
    """Whether points have the names of those that nobody named."""
    return points.names == tuple(str(i + 1) for i in range(len(points.names)))


def _spelt(place: Path, wanted: Marks) -> Callable[..., None]:
    """Spell one side, and give what writes it, or say why it cannot be written."""
    from napari_fusion.io.atomic import check_writable

    suffix = _suffix(place)
    if suffix is None:
        raise ParameterError(f"points are saved as .mrk.json, .fcsv or .csv, not {place.name}")
    kind = ONE_SIDED[suffix]
    _check_names(wanted)
    check_writable(place)
    return partial(_write, place, kind.write(wanted), wanted, partial(kind.read, name=place.name))


def _check_names(wanted: Marks | Landmarks) -> None:
    if any(name.splitlines() not in ([], [name]) for name in wanted.names):
        raise ParameterError("names of points cannot hold line breaks")


def _write(
    path: Path,
    text: str,
    wanted: Marks | Landmarks,
    read: Callable[[str], Marks | Landmarks],
    then: Callable[[], None] | None = None,
) -> None:
    """Write text, read back the points that were wanted, and only then take the name.

    What is to be done `then` comes before: if that fails, the name is not taken either.
    """
    from napari_fusion.io.atomic import write_verified

    _check_names(wanted)

    def verify(place: Path) -> None:
        if not np.array_equal(_numbers(read(text_of(place))), _numbers(wanted)):
            raise WriteError(f"{path.name} did not read back as it was written")
        if then is not None:
            then()

    write_verified(path, lambda place: place.write_text(text, encoding="utf-8"), verify)


def _numbers(points: Marks | Landmarks) -> NDArray[np.float64]:
    if isinstance(points, Marks):
        return points.points
    return np.concatenate([points.fixed, points.moving], axis=1)
