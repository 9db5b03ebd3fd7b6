"""ITK's text transforms (``.tfm``, ``.txt``): what 3D Slicer, ANTs and elastix read and write."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.files.itk_binary import read_itk
from napari_fusion.registration.files.whole import check_numbers
from napari_fusion.registration.files.written import Written, note_of, noted

NUMERIC = re.compile(r"[-+.\deE\s]*", re.ASCII)
"""What numbers are spelt with; at anything else ITK stops reading, and takes the rest for zeros."""

NOTE = "# napari-fusion "
"""Starts the comment that carries grids and quality; ITK skips lines that begin with #."""


def read(path: Path, fixed: Image, moving: Image) -> Written:
    """Read an ITK text transform, fixed → moving, LPS mm; ours also brings grids and quality."""
    text = path.read_text(encoding="utf-8", errors="replace")
    _check_whole(text, path)
    return noted(read_itk(path), _note(path), _spelling(text))


def write(alignment: Alignment, path: Path, fixed: Image, moving: Image) -> None:
    """Write an ITK text transform with grids and quality as a comment."""
    text = _text(alignment)
    note = json.dumps(note_of(alignment, (fixed, moving), _spelling(text)))
    path.write_text(f"{text}{NOTE}{note}\n", encoding="ascii")


def same(path: Path, alignment: Alignment, fixed: Image, moving: Image) -> bool:
    """Whether a file maps every point to the same bits."""
    return same_map(read_itk(path), alignment)


def same_map(one: Alignment, other: Alignment) -> bool:
    """Whether two alignments map every point to the same bits."""
    if not np.array_equal(one.matrix, other.matrix) or one.linear != other.linear:
        return False
    if one.field is None or other.field is None:
        return True
    return one.field.grid.matches(other.field.grid, 1e-9) and np.array_equal(
        one.field.vectors, other.field.vectors
    )


def _spelling(text: str) -> Iterator[str]:
    """Give the lines that ITK reads: all but comments."""
    return (line for line in text.splitlines() if not line.startswith("#"))


def _check_whole(text: str, path: Path) -> None:
    """Refuse a file that breaks off: ITK takes what is missing for zeros, often the identity.

    Raises
    ------
    ReadError
        A transform has no numbers, too few or too many, or some that are none.
    """
    kinds = re.findall(r"^Transform: *(\w+?)_", text, re.MULTILINE)
    named = len(re.findall(r"^#Transform \d", text, re.MULTILINE))
    if not text.endswith("\n") or named > len(kinds) or kinds[-1:] == ["CompositeTransform"]:
        raise ReadError(
            f"{path.name} breaks off: copy or export it again (a whole one ends with a line end)"
        )
    for block in re.split(r"^Transform:", text, flags=re.MULTILINE)[1:]:
        kind, _, rest = block.partition("\n")
        name = kind.strip().partition("_")[0]
        if name == "CompositeTransform":
            continue
        given, fixed = (_numbers(rest, field) for field in ("Parameters", "FixedParameters"))
        if given is None or fixed is None:
            raise ReadError(f"{path.name} breaks off in the middle: copy or export it again")
        check_numbers(kind.strip(), given, fixed, path.name)


def _numbers(block: str, field: str) -> NDArray[np.float64] | None:
    """Give the numbers of a line of a block, NaN for words; None where the line is not there."""
    found = re.search(rf"^{field}:(.*)$", block, re.MULTILINE)
    if found is None:
        return None
    line = found.group(1).strip()
    try:
        with warnings.catch_warnings(action="error"):  # of what is left over
            return np.fromstring(line if NUMERIC.fullmatch(line) else "nan", sep=" ")
    except (DeprecationWarning, ValueError):
        return np.array([np.nan])


def _text(alignment: Alignment) -> str:
    """Spell the transform as ITK does, with every digit, so that it reads back bit for bit."""
    numbers = [*alignment.matrix[:3, :3].ravel(), *alignment.matrix[:3, 3]]
    blocks = [
        "Transform: AffineTransform_double_3_3\n"
        f"Parameters: {_spelt(numbers)}\n"
        "FixedParameters: 0 0 0\n"
    ]
    if alignment.field is not None:
        blocks = [
            "Transform: CompositeTransform_double_3_3\n",
            *blocks,
            _field_text(alignment.field),
        ]
    named = "".join(f"#Transform {n}\n{block}" for n, block in enumerate(blocks))
    return f"#Insight Transform File V1.0\n{named}"


def _field_text(field: DisplacementField) -> str:
    """Spell a displacement field: ITK lists axes from the fastest, and vectors node by node."""
    grid = field.grid
    fixed = [
        *grid.shape[::-1], *grid.origin, *grid.spacing[::-1], *grid.direction[:, ::-1].ravel()
    ]  # fmt: skip
    return (
        "Transform: DisplacementFieldTransform_double_3_3\n"
        f"Parameters: {' '.join(map(str, field.vectors.ravel()))}\n"
        f"FixedParameters: {_spelt(fixed)}\n"
    )


def _spelt(numbers: Iterable[float]) -> str:
    return " ".join(repr(float(x)) for x in numbers)


def _note(path: Path) -> dict[str, Any]:
    """Find our own comment; {} in files of other programs."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith(NOTE):
                try:
                    note = json.loads(line.removeprefix(NOTE))
                except json.JSONDecodeError as error:
                    raise ReadError(f"the note in {path.name} is damaged") from error
                return note if isinstance(note, dict) else {}
    return {}
