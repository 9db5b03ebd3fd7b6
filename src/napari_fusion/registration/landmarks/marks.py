"""Named points of one volume, as files of points hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, ReadError
from napari_fusion.grid import RAS_TO_LPS
from napari_fusion.registration.landmarks.pairs import points_of


@dataclass(frozen=True, eq=False)
class Marks:
    """Points of one volume.

    Parameters
    ----------
    points
        (n, 3) LPS mm.
    names
        One a point.
    """

    points: NDArray[np.float64]
    names: tuple[str, ...]


def marks(rows: list[tuple[str, list[float]]], frame: str, name: str) -> Marks:
    """Make marks of labelled rows in "LPS" or "RAS".

    Raises
    ------
    ReadError
        No row, another frame, or rows that are not three finite numbers.
    """
    if not rows:
        raise ReadError(f"{name} holds no point")
    if frame not in {"LPS", "RAS"}:
        raise ReadError(f"{name} counts in {frame!r}; points must be in LPS or RAS mm")
    try:
        points = points_of([numbers for _, numbers in rows], "points")
    except (ParameterError, ValueError, TypeError) as error:
        raise ReadError(f"{name}: each point needs three finite numbers") from error
    names = tuple(label.strip() or str(i + 1) for i, (label, _) in enumerate(rows))
    return Marks(points @ RAS_TO_LPS[:3, :3] if frame == "RAS" else points, names)
