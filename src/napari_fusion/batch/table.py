"""The table of a cohort: a name, a fixed volume and what moves, one case a line."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from napari_fusion.errors import ParameterError, ReadError, expect

CASE, FIXED, MOVING = "case", "fixed", "moving"
SERIES, ALIGNMENT = "_series", "_alignment"
_MOVING = re.compile(r"moving(_\d+)?")
_COLUMN = re.compile(r"case|fixed(_series)?|moving(_\d+)?(_series|_alignment)?")
_MEANT = [
    CASE, FIXED, FIXED + SERIES,
    *(f"moving{n}{what}" for n in ("", "_2", "_3") for what in ("", SERIES, ALIGNMENT)),
]  # fmt: skip
_ALIKE = 0.85
"""Names this alike, of 1, are one that was misspelt."""
_NAME = re.compile(r"[\w-][\w. +-]*")
_LONGEST = 200
"""Bytes of a case's name; no common disk takes more than 255."""
RESULTS = CASES, PAGE, REQUEST = "cases.csv", "cases.html", "request.json"
"""What stands beside the cases' folders."""


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
    they exist is asked when their case's turn comes. Lines without any value are passed over; a
    case may leave columns of further moving volumes empty.

    Raises
    ------
    ReadError
        The file cannot be read, has a quotation mark that does not close, or holds no case.
    ParameterError
        A column is missing, there twice or misspelt, or a line lacks a volume, has transforms for
        some of what moves only, or a series or transform of no volume; or its case has a name that
        no folder can have or that another one has.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ReadError(f"the table {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ReadError(f"the table {path} is not text in UTF-8: save it as CSV UTF-8") from error
    cases = tuple(_case(line, number, path) for number, line in _lines(text, path))
    if not cases:
        raise ReadError(f"the table {path} holds no case: a header, then one case a line")
    check_names(cases)
    return cases


def _delimiter(text: str) -> str:
    """Give what separates the header: a comma, or a semicolon or tab where there is more of it."""
    header = Counter(text.partition("\n")[0])
    return max(",;\t", key=lambda sign: header[sign])


def _lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Give what each line says, by column, and where it ends in the file; not of empty ones."""
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        for cells in rows:
            told = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
            if any(told.values()):
                _check_columns(columns, path)
                yield rows.line_num, dict.fromkeys(columns, "") | told
    except csv.Error as error:  # strict: an open quotation mark would swallow the lines below
        raise ReadError(
            f"line {rows.line_num} of {path.name} cannot be read ({error}): "
            "see to its quotation marks"
        ) from error


def _check_columns(columns: list[str], path: Path) -> None:
    """Refuse a header that lacks what is needed, has a volume's column twice or one misspelt."""
    for column in (CASE, FIXED, MOVING):
        if column not in columns:
            raise ParameterError(
                f"the table {path} has no column {column!r}: it needs case, fixed and moving"
            )
    for column in columns:
        known = _COLUMN.fullmatch(column)
        if known and columns.count(column) > 1:
            raise ParameterError(
                f"the table {path} has two columns {column!r}: further volumes are moving_2 and so "
                "on"
            )
        if not known and (meant := get_close_matches(column, _MEANT, 1, _ALIKE)):
            raise ParameterError(
                f"the table {path} has a column {column!r}, which would be left alone: call it "
                f"{meant[0]!r} if that is meant, or else something less like it"
            )


def _case(told: dict[str, str], number: int, path: Path) -> Case:
    """Read one line; `number` is its place in the file for words."""
    moving = sorted((name for name in told if _MOVING.fullmatch(name)), key=_order)
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
    seen = {*RESULTS}
    for case in cases:
        expect(Case, case=case)
        long = len(os.fsencode(case.name)) > _LONGEST
        if long or not _NAME.fullmatch(case.name) or case.name.endswith((" ", ".")):
            raise ParameterError(
                f"the case {case.name!r} cannot name a folder: use letters, digits, spaces and "
                f"._+-, {_LONGEST} at most"
            )
        if case.name.lower() in seen:
            raise ParameterError(f"the name of case {case.name!r} is taken: give each its own")
        seen.add(case.name.lower())
