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
_MOVING = re.compile(r"moving(_\d+)?")
_NAME = re.compile(r"[\w-][\w. +-]*")
_TAKEN = ("cases.csv", "request.json")


@dataclass(frozen=True)
class Case:
    """One fixed volume and one or more that move.

    Parameters
    ----------
    name
        What the case's folder and row are called.
    fixed, moving
        Files, folders or zips.
    """

    name: str
    fixed: Path
    moving: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every place that is read, the fixed volume first."""
        return self.fixed, *self.moving


def read_table(path: str | os.PathLike[str]) -> tuple[Case, ...]:
    """Read a CSV file with a header: ``case``, ``fixed``, ``moving``, ``moving_2`` and so on.

    Other columns are left alone. Paths are relative to the table's folder; whether they exist is
    asked when their case's turn comes. Lines without any value, and those of no case, are passed
    over; a case may leave columns of further moving volumes empty.

    Raises
    ------
    ReadError
        The file cannot be read or holds no case.
    ParameterError
        A column is missing, or a line lacks a volume, or its case has a name that no folder can
        have or that another one has.
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
    name, fixed = told[CASE].strip(), told[FIXED].strip()
    places = [told[column].strip() for column in moving if told[column].strip()]
    if not (name and fixed and places):
        raise ParameterError(
            f"line {number} of {path.name} lacks a case, a fixed or a moving volume: give all three"
        )
    home = path.parent
    return Case(name, home / fixed, tuple(home / place for place in places))


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
