"""What a transform file says: the map, and perhaps for which volumes and how good it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.pair import ROLES, Pair
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.transforms import check_bounded, sound

NOWHERE = Grid((1, 1, 1), np.eye(4))
"""The grid of a transform file that names none."""


@dataclass(frozen=True)
class Written:
    """What was read.

    Parameters
    ----------
    alignment
        The map; its grids and quality mean nothing yet.
    fixed, moving
        The grids the file names; None when it is silent.
    quality
        What the file says about it; None when it is silent.
    judged_on
        The volumes it says that of; None when it is silent.
    intact
        Whether the map is the one that was judged; None when it is silent.
    """

    alignment: Alignment
    fixed: Grid | None = None
    moving: Grid | None = None
    quality: Quality | None = None
    judged_on: Pair | None = None
    intact: bool | None = None


def linear(matrix: Any, name: str) -> Alignment:
    """Make a map of a (4, 4) fixed → moving matrix in LPS mm that a file held.

    Raises
    ------
    ReadError
        Not a finite 4 × 4 matrix that ends in 0 0 0 1 and can be undone.
    """
    try:
        numbers = np.array(matrix, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise ReadError(f"{name} should hold a 4 × 4 matrix of numbers") from error
    if numbers.shape != (4, 4):
        shape = " × ".join(str(n) for n in numbers.shape) or "one number"
        raise ReadError(f"{name} should hold a 4 × 4 matrix, it holds {shape}")
    check_bounded(numbers)  # before the last row is set
    if np.abs(numbers[3] - [0, 0, 0, 1]).max() > 1e-9:
        raise ReadError(f"the last row of the matrix in {name} must be 0 0 0 1: it is no map")
    numbers[3] = 0, 0, 0, 1
    return Alignment(NOWHERE, NOWHERE, sound(numbers))


def note_of(
    alignment: Alignment, images: tuple[Image, Image], spelt: Iterable[str]
) -> dict[str, Any]:
    """Give all but the map as JSON values, for a file that has room for them.

    Parameters
    ----------
    alignment
        What is written.
    images
        What is known of the volumes, where the alignment does not say what it was judged on.
    spelt
        The map as the file spells it, line by line, so that a change of it is noticed.
    """
    pair = alignment.judged_on or (images[0].fingerprints, images[1].fingerprints)
    return {
        "direction": "fixed to moving, LPS mm",
        "fixed": _grid_note(alignment.fixed),
        "moving": _grid_note(alignment.moving),
        "quality": alignment.quality.model_dump(mode="json"),
        "judged_on": {role: list(prints) for role, prints in zip(ROLES, pair, strict=True)},
        "map_sha256": _hashed(spelt),
    }


def noted(alignment: Alignment, note: dict[str, Any], spelt: Iterable[str]) -> Written:
    """Read a note back, beside the map as the file spells it.

    Raises
    ------
    ReadError
        It is damaged.
    """
    told = note.get("map_sha256")
    return Written(
        alignment,
        _grid(note.get("fixed")),
        _grid(note.get("moving")),
        _quality(note),
        _judged_on(note.get("judged_on")),
        None if told is None else told == _hashed(spelt),
    )


def _hashed(spelt: Iterable[str]) -> str:
    total = hashlib.sha256()
    for line in spelt:
        total.update(f"{line}\n".encode())
    return total.hexdigest()


def _judged_on(note: Any) -> Pair | None:
    if note is None:
        return None
    try:
        fixed, moving = (tuple(str(one) for one in note[role]) for role in ROLES)
    except (KeyError, TypeError) as error:
        raise ReadError("the transform file does not say plainly what it was judged on") from error
    return (fixed, moving) if fixed and moving else None


def _grid_note(grid: Grid) -> dict[str, Any]:
    return {"shape": list(grid.shape), "affine": grid.affine.tolist()}


def _grid(note: Any) -> Grid | None:
    if note is None:
        return None
    try:
        return Grid(tuple(note["shape"]), np.array(note["affine"], float))
    except (GeometryError, KeyError, TypeError, ValueError) as error:
        raise ReadError("the transform file names a grid that cannot be") from error


def _quality(note: dict[str, Any]) -> Quality | None:
    if "quality" not in note:
        return None
    try:
        return Quality.model_validate(note["quality"])
    except ValidationError as error:
        raise ReadError("the transform file's quality note is damaged") from error
