"""ITK's text transforms (``.tfm``, ``.txt``): what 3D Slicer, ANTs and elastix read and write."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_fusion.errors import ReadError
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.files.itk_binary import read_itk
from napari_fusion.registration.files.written import Written, note_of, noted

NUMBERS = {
    "AffineTransform": 12,
    "MatrixOffsetTransformBase": 12,
    "Euler3DTransform": 6,
    "VersorRigid3DTransform": 6,
    "QuaternionRigidTransform": 7,
    "VersorTransform": 3,
    "TranslationTransform": 3,
    "ScaleTransform": 3,
    "Similarity3DTransform": 7,
    "ScaleVersor3DTransform": 9,
    "ComposeScaleSkewVersor3DTransform": 12,
    "ScaleSkewVersor3DTransform": 15,
}
"""How many parameters a transform in space has."""

NODES = {"BSplineTransform", "DisplacementFieldTransform"}
"""Those that have three for each of the nodes that their fixed parameters begin with."""

NOTE = "# napari-fusion "
"""Starts the comment that carries grids and quality; ITK skips lines that begin with #."""


def read(path: Path, fixed: Image, moving: Image) -> Written:
    """Read an ITK text transform, fixed → moving, LPS mm; ours also brings grids and quality."""
    _check_whole(path)
    return noted(read_itk(path), _note(path))


def write(alignment: Alignment, path: Path, fixed: Image, moving: Image) -> None:
    """Write an ITK text transform with grids and quality as a comment."""
    path.write_text(_text(alignment), encoding="ascii")


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


def _check_whole(path: Path) -> None:
    """Refuse a file that breaks off: ITK takes what is missing for zeros, often the identity.

    Raises
    ------
    ReadError
        A transform has no numbers, or too few or too many.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
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
        count = sum(1 for _ in re.finditer(r"\S+", given))  # a field has millions: no list of them
        wanted, sizes = NUMBERS.get(name, count), fixed.split()[:3]
        if name in NODES and len(sizes) > 2:
            wanted = 3 * math.prod(int(float(n)) for n in sizes)
        if count != wanted and "_2_2" not in kind:  # of maps of the plane we say that below
            raise ReadError(
                f"{path.name} holds {count} parameters of {wanted} for its {name}: it is "
                "damaged, copy or export it again"
            )


def _numbers(block: str, field: str) -> str | None:
    """Give the numbers of a line of a block; None where the line is not there."""
    found = re.search(rf"^{field}:(.*)$", block, re.MULTILINE)
    return None if found is None else found.group(1)


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
    return f"#Insight Transform File V1.0\n{named}{NOTE}{json.dumps(note_of(alignment))}\n"


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
