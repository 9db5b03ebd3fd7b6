"""Points in tables: plain ``.csv``, and the ``.standard`` files of the RIRE project."""

from __future__ import annotations

import re

import numpy as np

from napari_fusion.errors import ParameterError, ReadError
from napari_fusion.registration.landmarks.marks import Marks, marks
from napari_fusion.registration.landmarks.pairs import Landmarks

COMMENT = re.compile(r"^#.*", re.MULTILINE)
FRAME = re.compile(r"\b(LPS|RAS)\b", re.IGNORECASE)
"""What a comment calls the frame; LPS where none does."""


def read_points(text: str, name: str) -> Marks:
    """Read rows of x, y, z, each with a name before it or not.

    Raises
    ------
    ReadError
        Other rows.
    """
    return marks(_rows(text, name, 3), _frame(text, name), name)


def read_pairs(text: str, name: str) -> Landmarks:
    """Read rows of x, y, z in the fixed, then in the moving volume, with a name before or not.

    Raises
    ------
    ReadError
        Other rows.
    """
    rows = _rows(text, name, 6)
    frame = _frame(text, name)
    fixed = marks([(label, numbers[:3]) for label, numbers in rows], frame, name)
    moving = marks([(label, numbers[3:]) for label, numbers in rows], frame, name)
    return Landmarks(fixed.points, moving.points, fixed.names)


def write_points(points: Marks) -> str:
    """Spell points as a table."""
    return _spelt("name,x,y,z", points.names, points.points.tolist())


def write_pairs(pairs: Landmarks) -> str:
    """Spell pairs as a table."""
    head = "name,fixed_x,fixed_y,fixed_z,moving_x,moving_y,moving_z"
    return _spelt(head, pairs.names, np.concatenate([pairs.fixed, pairs.moving], 1).tolist())


def read_rire(text: str, name: str) -> Landmarks:
    """Read the eight corner points of a RIRE transformation file.

    The Retrospective Image Registration Evaluation project (West et al. 1997) counts in mm from
    the middle of the first voxel, x to the patient's left, y to posterior, z to superior: LPS mm
    of its volumes, whose origin is 0.

    Raises
    ------
    ReadError
        The table is missing, damaged, or still has no new positions.
    """
    if "new_x" not in text:
        raise ReadError(f"{name} is not a RIRE transformation file: it has no column new_x")
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = line.split()
        if len(cells) == 7 and cells[0].isdigit():
            rows.append((cells[0], _floats(cells[1:], f"{name}, line {number}")))
    if len(rows) != 8:
        raise ReadError(f"{name} should hold the 8 corners of the volume, it holds {len(rows)}")
    fixed = marks([(label, numbers[:3]) for label, numbers in rows], "LPS", name)
    moving = marks([(label, numbers[3:]) for label, numbers in rows], "LPS", name)
    return Landmarks(fixed.points, moving.points, fixed.names)


def _rows(text: str, name: str, width: int) -> list[tuple[str, list[float]]]:
    """Give the rows of a table as label and numbers; a first row of titles is passed over."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    comma = "," if not any(";" in line for line in lines) else ";"
    rows = []
    for i, line in enumerate(lines):
        cells = [cell.strip().strip('"') for cell in line.split("\t" if "\t" in line else comma)]
        if comma == ";":
            cells = [cell.replace(",", ".") for cell in cells]
        if i == 0 and not any(_number(cell) for cell in cells):
            continue
        label = cells.pop(0) if len(cells) == width + 1 else ""
        if len(cells) != width:
            raise ReadError(
                f"{name}: each row needs {width} numbers, with a name before them or not; row "
                f"{i + 1} has {len(cells)}"
            )
        rows.append((label, _floats(cells, f"{name}, row {i + 1}")))
    return rows


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _floats(cells: list[str], place: str) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError as error:
        raise ReadError(f"{place}: these are not numbers") from error


def _frame(text: str, name: str) -> str:
    named = {frame.upper() for line in COMMENT.findall(text) for frame in FRAME.findall(line)}
    if len(named) > 1:
        raise ReadError(f"{name} names both LPS and RAS: leave the comment with its frame alone")
    return named.pop() if named else "LPS"


def _spelt(head: str, names: tuple[str, ...], rows: list[list[float]]) -> str:
    if any(set(name) & set(',;"\t') or name.startswith("#") for name in names):
        raise ParameterError(
            "names of points in a .csv cannot hold commas, semicolons, quotes or tabs, nor begin "
            "with #"
        )
    lines = [
        ",".join([name, *(repr(v) for v in row)]) for name, row in zip(names, rows, strict=True)
    ]
    return "\n".join(["# LPS mm", head, *lines]) + "\n"
