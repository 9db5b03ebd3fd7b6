"""What a transform file says: the map, and perhaps for which volumes and how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.transforms import LARGEST, sound

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
    """

    alignment: Alignment
    fixed: Grid | None = None
    moving: Grid | None = None
    quality: Quality | None = None


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
    if not np.abs(numbers).max() <= LARGEST:
        raise ReadError("the transform holds numbers that are not finite or too large for any map")
    if np.abs(numbers[3] - [0, 0, 0, 1]).max() > 1e-9:
        raise ReadError(f"the last row of the matrix in {name} must be 0 0 0 1: it is no map")
    numbers[3] = 0, 0, 0, 1
    return Alignment(NOWHERE, NOWHERE, sound(numbers))


def note_of(alignment: Alignment) -> dict[str, Any]:
    """Give grids and quality as JSON values, for a file that has room for them."""
    return {
        "direction": "fixed to moving, LPS mm",
        "fixed": _grid_note(alignment.fixed),
        "moving": _grid_note(alignment.moving),
        "quality": alignment.quality.model_dump(mode="json"),
    }


def noted(alignment: Alignment, note: dict[str, Any]) -> Written:
    """Read a note back.

    Raises
    ------
    ReadError
        It is damaged.
    """
    return Written(alignment, _grid(note.get("fixed")), _grid(note.get("moving")), _quality(note))


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
