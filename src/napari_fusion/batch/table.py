"""The table of a cohort: a name, a fixed volume and what moves, one case a line."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_fusion.errors import ParameterError, ReadError, expect

CASE, FIXED, MOVING = "case", "fixed", "moving"
SERIES, ALIGNMENT = "_series", "_alignment"
_MOVING = re.compile(r"moving(_\d+)?")
_NAME = re.compile(r"[\w-][\w. +-]*")
_TAKEN = ("cases.csv", "cases.html", "request.json")


@dataclass(frozen=True)
class Case:
    """One fixed volume and one or more that move.

    Parameters
    ----------
    name
        What the case's folder and row are called.
    fixed, moving
        Files, folders or zips.
    series
        UIDs of the series to take where a place holds several, in the order of the volumes.
    alignments
        A transform file per moving volume, used instead of registering; or none.
    """

    name: str
    fixed: Path
    moving: tuple[Path, ...]
    series: tuple[str, ...] = ()
    alignments: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every place that volumes are read from, the fixed one first."""
        return self.fixed, *self.moving


def read_table(path: str | os.PathLike[str]) -> tuple[Case, ...]:
    """Read a CSV file with a header: ``case``, ``fixed``, ``moving``, ``moving_2`` and so on.

    ``fixed_series``, ``moving_series``, ``moving_2_series`` name a series where a place holds
    several, ``moving_alignment``, ``moving_2_alignment`` a transform file to use instead of
    registering. Other columns are left alone. Paths are relative to the table's folder; whether
    they exist is asked when their case's turn comes. Lines without any value, and those of no
    case, are passed over; a case may leave columns of further moving volumes empty.

    Raises
    ------
    ReadError
        The file cannot be read or holds no case.
    ParameterError
        A column is missing, or a line lacks a volume, has transforms for some of what moves only,
        or a series or transform of no volume; or its case has a name that no folder can have or
        that another one has.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ReadError(f"the table {path} cannot be read ({reason})") from error
    lines = list(csv.DictReader(io.StringIO(text), delimiter=_delimiter(text), restval=""))
    cases = tuple(
        _case(line, number, path)
        for number, line in enumerate(lines, start=2)
        if any(value for value in line.values() if isinstance(value, str))
    )
    if not cases:
        raise ReadError(f"the table {path} holds no case: a header, then one case a line")
    check_names(cases)
    return cases


def _delimiter(text: str) -> str:
    """Give what separates the header: a comma, or a semicolon or tab where there is more of it."""
    header = Counter(text.partition("\n")[0])
    return max(",;\t", key=lambda sign: header[sign])


def _case(line: dict[str, str], number: int, path: Path) -> Case:
    """Read one line; `number` is its place in the file for words."""
    told = {(name or "").strip().lower(): (value or "") for name, value in line.items() if name}
    moving = sorted((name for name in told if _MOVING.fullmatch(name)), key=_order)
    for column in (CASE, FIXED, MOVING):
        if column not in told:
            raise ParameterError(
                f"the table {path} has no column {column!r}: it needs case, fixed and moving"
            )
    told = {column: value.strip() for column, value in told.items()}
    place = f"line {number} of {path.name}"
    moving = [column for column in moving if told[column]]
    if not (told[CASE] and told[FIXED] and moving):
        raise ParameterError(f"{place} lacks a case, a fixed or a moving volume: give all three")
    volumes, home = [FIXED, *moving], path.parent
    return Case(
        told[CASE],
        home / told[FIXED],
        tuple(home / told[column] for column in moving),
        tuple(_beside(told, volumes, SERIES, place).values()),
        _alignments(_beside(told, volumes, ALIGNMENT, place), moving, home, place),
    )


def _beside(told: dict[str, str], volumes: list[str], what: str, place: str) -> dict[str, str]:
    """Give what is said of volumes in columns of their names and an ending, by volume."""
    for column, value in told.items():
        name = column.removesuffix(what)
        known = name == FIXED or _MOVING.fullmatch(name)
        if value and column.endswith(what) and known and name not in volumes:
            raise ParameterError(f"{place} has a {column}, but nothing in column {name!r}")
    said = {name: told.get(name + what, "") for name in volumes}
    return {name: value for name, value in said.items() if value}


def _alignments(
    said: dict[str, str], moving: list[str], home: Path, place: str
) -> tuple[Path, ...]:
    """Give a transform file for each moving volume, or none at all."""
    if said and sorted(said) != sorted(moving):
        raise ParameterError(
            f"{place} needs a transform for each moving volume, or none: what moves is "
            f"{', '.join(moving)}, and there are transforms for {', '.join(said)}"
        )
    return tuple(home / said[column] for column in moving if said)


def _order(column: str) -> int:
    return int(column.partition("_")[2] or 1)


def check_names(cases: Iterable[Case]) -> None:
    """Refuse names that no folder can have, or that two cases share.

    Raises
    ------
    ParameterError
        The first such name.
    """
    seen = {*_TAKEN}
    for case in cases:
        expect(Case, case=case)
        if not _NAME.fullmatch(case.name) or case.name.endswith((" ", ".")):
            raise ParameterError(
                f"the case {case.name!r} cannot name a folder: use letters, digits, spaces and ._+-"
            )
        if case.name.lower() in seen:
            raise ParameterError(f"the name of case {case.name!r} is taken: give each its own")
        seen.add(case.name.lower())
