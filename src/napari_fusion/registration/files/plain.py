"""A matrix as JSON that says its own frame and direction, for scripts in any language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_fusion.errors import ReadError
from napari_fusion.grid import RAS_TO_LPS
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.files.written import Written, linear, note_of, noted
from napari_fusion.rotation import inverted

LARGEST_BYTES = 1 << 20
FRAMES = ("LPS", "RAS")
DIRECTIONS = ("fixed to moving", "moving to fixed")


def read(path: Path, fixed: Image, moving: Image) -> Written:
    """Read ``{"matrix": 4 × 4, "frame": "LPS" | "RAS", "direction": "fixed to moving" | …}``.

    Raises
    ------
    ReadError
        Damaged, or silent about frame or direction: guessing would swap sides or volumes.
    """
    note = _object(path)
    frame, direction = note.get("frame"), note.get("direction")
    if frame not in FRAMES or direction not in DIRECTIONS:
        raise ReadError(
            f'{path.name} must say "frame" ({" or ".join(FRAMES)}) and "direction" '
            f"({' or '.join(DIRECTIONS)}), or its matrix can be read in four ways"
        )
    matrix = linear(note.get("matrix"), path.name).matrix
    if frame == "RAS":
        matrix = RAS_TO_LPS @ matrix @ RAS_TO_LPS
    if direction == DIRECTIONS[1]:
        matrix = inverted(matrix)
    return noted(linear(matrix, path.name), note, _spelling(note))


def write(alignment: Alignment, path: Path, fixed: Image, moving: Image) -> None:
    """Write the matrix, fixed → moving in LPS mm, with grids and quality."""
    note: dict[str, Any] = {
        "matrix": alignment.matrix.tolist(),
        "frame": "LPS",
        "unit": "mm",
        "direction": DIRECTIONS[0],
    }
    note = note_of(alignment, (fixed, moving), _spelling(note)) | note
    numbers = note["quality"]["numbers"]  # JSON has no infinity
    note["quality"]["numbers"] = {k: v for k, v in numbers.items() if np.isfinite(v)}
    path.write_text(json.dumps(note, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def same(path: Path, alignment: Alignment, fixed: Image, moving: Image) -> bool:
    """Whether a file holds this matrix to the bit."""
    return np.array_equal(read(path, fixed, moving).alignment.matrix, alignment.matrix)


def _spelling(note: dict[str, Any]) -> list[str]:
    """Give what decides where points go."""
    return [json.dumps(note.get(key)) for key in ("matrix", "frame", "direction")]


def _object(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LARGEST_BYTES:
        raise ReadError(f"{path.name} is too large for a matrix")
    try:
        note = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ReadError(f"{path.name} is not JSON that can be read") from error
    return note if isinstance(note, dict) else {}
