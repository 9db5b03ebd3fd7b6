"""Alignments as ITK text files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from napari_fusion.errors import GeometryError, ParameterError, ReadError, WriteError
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.quality import UNMEASURED, Quality
from napari_fusion.registration.transforms import from_sitk

NOTE = "# napari-fusion "
"""Starts the comment that carries grids and quality; ITK skips lines that begin with #."""

NOWHERE = Grid((1, 1, 1), np.eye(4))
"""The grid of a transform file that names none."""


def save(alignment: Alignment, path: str | PathLike[str]) -> None:
    """Write an ITK text transform; see `Alignment.save`."""
    from napari_fusion.io.atomic import write_verified

    target = Path(path)
    if target.suffix not in {".tfm", ".txt"}:
        raise ParameterError(f"an alignment is saved as .tfm or .txt, not {target.suffix!r}")

    def write(place: Path) -> None:
        place.write_text(_text(alignment), encoding="ascii")

    def verify(place: Path) -> None:
        if not _same_map(_read(place)[0], alignment):
            raise WriteError(f"{target.name} did not read back as it was written")

    write_verified(target, write, verify)


def _same_map(one: Alignment, other: Alignment) -> bool:
    """Whether two alignments map every point to the same bits."""
    if not np.array_equal(one.matrix, other.matrix) or one.linear != other.linear:
        return False
    if one.field is None or other.field is None:
        return True
    return one.field.grid.matches(other.field.grid, 1e-9) and np.array_equal(
        one.field.vectors, other.field.vectors
    )


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
    return f"#Insight Transform File V1.0\n{named}{NOTE}{json.dumps(_note(alignment))}\n"


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


def _note(alignment: Alignment) -> dict[str, Any]:
    return {
        "direction": "fixed to moving, LPS mm",
        "fixed": _grid_note(alignment.fixed),
        "moving": _grid_note(alignment.moving),
        "quality": alignment.quality.model_dump(mode="json"),
    }


def _grid_note(grid: Grid) -> dict[str, Any]:
    return {"shape": list(grid.shape), "affine": grid.affine.tolist()}


def load(path: str | PathLike[str], fixed: Grid | None, moving: Grid | None) -> Alignment:
    """Read an ITK transform file; see `Alignment.load`."""
    found, note = _read(Path(path))
    written = {role: _noted_grid(note.get(role)) for role in ("fixed", "moving")}
    quality = _noted_quality(note)
    for role, wanted in (("fixed", fixed), ("moving", moving)):
        noted = written[role]
        if wanted is not None and noted is not None and not wanted.matches(noted, 0.01):
            quality = Quality(
                verdict="CHECK",
                sentence=f"This alignment was made for another {role} volume: check it by eye.",
            )
    if np.linalg.det(found.matrix[:3, :3]) < 0:
        quality = Quality(
            verdict="FAIL", sentence="This alignment is a mirror image: left and right are swapped."
        )
    if found.field is not None and found.field.jacobian.folded > 0:
        quality = Quality(
            verdict="FAIL",
            sentence="This alignment folds space onto itself: do not use it.",
            numbers=found.field.jacobian.numbers(),
        )
    return replace(
        found,
        fixed=fixed or written["fixed"] or NOWHERE,
        moving=moving or written["moving"] or NOWHERE,
        quality=quality,
    )


def _read(path: Path) -> tuple[Alignment, dict[str, Any]]:
    """Read the map of a transform file, and the note if this package wrote it."""
    import SimpleITK as sitk

    if not path.is_file():
        raise ReadError(f"{path.name} is not a file")
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise ReadError(f"{path.name} is not an ITK transform that can be read") from error
    return from_sitk(transform, NOWHERE, NOWHERE), _noted(path)


def _noted(path: Path) -> dict[str, Any]:
    if path.suffix not in {".tfm", ".txt"}:
        return {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(NOTE):
            try:
                note = json.loads(line.removeprefix(NOTE))
            except json.JSONDecodeError as error:
                raise ReadError(f"the note in {path.name} is damaged") from error
            return note if isinstance(note, dict) else {}
    return {}


def _noted_grid(note: Any) -> Grid | None:
    if note is None:
        return None
    try:
        return Grid(tuple(note["shape"]), np.array(note["affine"], float))
    except (GeometryError, KeyError, TypeError, ValueError) as error:
        raise ReadError("the transform file names a grid that cannot be") from error


def _noted_quality(note: dict[str, Any]) -> Quality:
    if "quality" not in note:
        return UNMEASURED
    try:
        return Quality.model_validate(note["quality"])
    except ValidationError as error:
        raise ReadError("the transform file's quality note is damaged") from error
