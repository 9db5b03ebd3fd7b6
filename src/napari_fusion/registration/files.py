"""Alignments as ITK transforms and ITK text files."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from napari_fusion.errors import GeometryError, ParameterError, ReadError, WriteError
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import SMALLEST_SCALE, Alignment
from napari_fusion.registration.quality import UNMEASURED, Quality

if TYPE_CHECKING:
    import SimpleITK as sitk

NOTE = "# napari-fusion "
"""Starts the comment that carries grids and quality; ITK skips lines that begin with #."""

NOWHERE = Grid((1, 1, 1), np.eye(4))
"""The grid of a transform file that names none."""


def to_sitk(matrix: NDArray[np.float64]) -> sitk.Transform:
    """Make an ITK affine transform of a (4, 4) LPS matrix."""
    import SimpleITK as sitk

    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def matrix_of(transform: sitk.Transform) -> NDArray[np.float64]:
    """Flatten a linear ITK transform, composite or not, to a (4, 4) LPS matrix.

    Raises
    ------
    ReadError
        The transform is not 3-D, not linear, not finite, or flattens space.
    """
    if transform.GetDimension() != 3:
        raise ReadError(
            f"the transform is {transform.GetDimension()}-D; volumes need a 3-D transform"
        )
    if not transform.IsLinear():
        raise ReadError(
            f"the transform is a {transform.GetName()}, which bends space; "
            "only rigid, similarity and affine transforms can be read"
        )
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, :3] = _turns(transform, origin)
    matrix[:3, 3] = origin
    return _sound(matrix)


def _turns(transform: sitk.Transform, origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the (3, 3) part: as stored where there is one matrix, else from mapped unit points."""
    stored = getattr(transform.Downcast(), "GetMatrix", None)
    if stored is not None:
        return np.array(stored(), float).reshape(3, 3)
    ends = [np.array(transform.TransformPoint(unit)) - origin for unit in np.eye(3).tolist()]
    return np.stack(ends, axis=1)


def _sound(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refuse a matrix that is not finite or flattens space."""
    if not np.isfinite(matrix).all():
        raise ReadError("the transform holds numbers that are not finite")
    if np.linalg.svd(matrix[:3, :3], compute_uv=False).min() <= SMALLEST_SCALE:
        raise ReadError("the transform is singular: it flattens space and cannot be undone")
    return matrix


def save(alignment: Alignment, path: str | PathLike[str]) -> None:
    """Write an ITK text transform; see `Alignment.save`."""
    from napari_fusion.io.atomic import write_verified

    target = Path(path)
    if target.suffix not in {".tfm", ".txt"}:
        raise ParameterError(f"an alignment is saved as .tfm or .txt, not {target.suffix!r}")

    def write(place: Path) -> None:
        place.write_text(_text(alignment), encoding="ascii")

    def verify(place: Path) -> None:
        if not np.array_equal(_read(place)[0], alignment.matrix):
            raise WriteError(f"{target.name} did not read back as it was written")

    write_verified(target, write, verify)


def _text(alignment: Alignment) -> str:
    """Spell the transform as ITK does: 17 digits, so that it reads back bit for bit."""
    numbers = [*alignment.matrix[:3, :3].ravel(), *alignment.matrix[:3, 3]]
    return (
        "#Insight Transform File V1.0\n"
        "#Transform 0\n"
        "Transform: AffineTransform_double_3_3\n"
        f"Parameters: {' '.join(repr(float(x)) for x in numbers)}\n"
        "FixedParameters: 0 0 0\n"
        f"{NOTE}{json.dumps(_note(alignment))}\n"
    )


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
    matrix, note = _read(Path(path))
    written = {role: _noted_grid(note.get(role)) for role in ("fixed", "moving")}
    quality = _noted_quality(note)
    for role, wanted in (("fixed", fixed), ("moving", moving)):
        noted = written[role]
        if wanted is not None and noted is not None and not wanted.matches(noted, 0.01):
            quality = Quality(
                verdict="CHECK",
                sentence=f"This alignment was made for another {role} volume: check it by eye.",
            )
    if np.linalg.det(matrix[:3, :3]) < 0:
        quality = Quality(
            verdict="FAIL", sentence="This alignment is a mirror image: left and right are swapped."
        )
    return Alignment(
        fixed or written["fixed"] or NOWHERE,
        moving or written["moving"] or NOWHERE,
        matrix,
        quality,
    )


def _read(path: Path) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Read the matrix of a transform file, and the note if this package wrote it."""
    import SimpleITK as sitk

    if not path.is_file():
        raise ReadError(f"{path.name} is not a file")
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise ReadError(f"{path.name} is not an ITK transform that can be read") from error
    return matrix_of(transform), _noted(path)


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
