"""Points that mark the same places in two volumes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import ParameterError

if TYPE_CHECKING:
    from os import PathLike

    from napari_fusion.registration.alignment import Alignment
    from napari_fusion.registration.options import Model


LARGEST_MM = 1e9
"""No point is further away: a thousand kilometres."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Pairs of points: where a place lies in the fixed volume, and where in the moving one.

    Parameters
    ----------
    fixed, moving
        (n, 3) LPS mm; row i of both marks the same place.
    names
        What each pair is called; "1", "2", … when nobody said.
    doubts
        What is to be known of how they were paired, in plain sentences.

    Raises
    ------
    ParameterError
        The two lists differ in length, or a number is not finite or above 1e9 mm.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]])
    >>> Landmarks(corners, corners + 5.0).names
    ('1', '2', '3', '4')
    """

    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]
    names: tuple[str, ...] = field(default=())
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check both lists and freeze them."""
        for role in ("fixed", "moving"):
            object.__setattr__(self, role, points_of(getattr(self, role), f"the {role} points"))
        if len(self.fixed) != len(self.moving):
            raise ParameterError(
                f"there are {len(self.fixed)} fixed and {len(self.moving)} moving points: "
                "each place has to be marked in both volumes"
            )
        names = tuple(self.names) or tuple(str(i + 1) for i in range(len(self.fixed)))
        if len(names) != len(self.fixed):
            raise ParameterError(f"{len(names)} names were given for {len(self.fixed)} pairs")
        object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.fixed)

    @property
    def swapped(self) -> Landmarks:
        """The same pairs, with fixed and moving exchanged."""
        return Landmarks(self.moving, self.fixed, self.names, self.doubts)

    def without(self, index: int) -> Landmarks:
        """Leave one pair out."""
        keep = np.arange(len(self)) != index
        names = tuple(name for i, name in enumerate(self.names) if i != index)
        return Landmarks(self.fixed[keep], self.moving[keep], names, self.doubts)

    def errors(self, alignment: Alignment) -> NDArray[np.float64]:
        """Say how far an alignment maps each fixed point from its moving point: (n,) mm."""
        apart: NDArray[np.float64] = np.linalg.norm(
            alignment.map_points(self.fixed) - self.moving, axis=1
        )
        return apart

    def target_error(self, points: ArrayLike, model: Model = "rigid") -> NDArray[np.float64] | None:
        """Predict the error of the fitted map at other places.

        Fitzpatrick, West and Maurer (1998) for the rigid model, TRE² = FLE²/N · (1 + ⅓ Σ d²/f²),
        and the same reasoning (least squares, to first order) for the others: the pairs' misfit
        estimates how well each was marked, and their arrangement how that carries elsewhere.

        Parameters
        ----------
        points
            (m, 3) places in the fixed volume, LPS mm.
        model
            The model that is fitted.

        Returns
        -------
        (m,) expected distance in mm (root mean square), or None when the pairs leave nothing over
        to estimate it from: four pairs fit any affine map exactly.

        Raises
        ------
        AlignError
            The pairs leave the model undecided.
        """
        from napari_fusion.registration.landmarks.errors import target_error

        return target_error(self, np.asarray(points, float), model)

    def leave_one_out(self, model: Model = "rigid") -> NDArray[np.float64]:
        """Say how far each pair lies from where the others put it: (n,) mm.

        Nothing tells a wrongly marked pair more plainly. NaN where the others leave the model
        undecided.
        """
        from napari_fusion.registration.landmarks.errors import leave_one_out

        return leave_one_out(self, model)

    @classmethod
    def load(
        cls, path: str | PathLike[str], moving: str | PathLike[str] | None = None
    ) -> Landmarks:
        """Read pairs from one file, or from one file of fixed and one of moving points.

        Parameters
        ----------
        path
            Both sides: a ``.csv`` of six numbers a row, or a RIRE ``.standard`` file. With
            `moving`, the fixed side: 3D Slicer ``.mrk.json`` or ``.fcsv``, or a ``.csv`` of three
            numbers a row.
        moving
            The moving side, in any of the same one-sided formats. Points pair up by name where
            both files have the same names, else in their order: with a doubt where both files
            name them.

        Raises
        ------
        ReadError
            Not such a file, damaged, or points that do not pair up.
        """
        from napari_fusion.registration.landmarks.files import load

        return load(path, moving)

    def save(self, path: str | PathLike[str], moving: str | PathLike[str] | None = None) -> None:
        """Write pairs to one ``.csv`` file, or each side to a file of its own.

        With `moving`, both files may be ``.mrk.json``, ``.fcsv`` or ``.csv``. Each takes its name
        only after it was read back and found the same.

        Raises
        ------
        ParameterError
            The name's ending is none of those.
        WriteError
            A file could not be written or did not read back the same.
        """
        from napari_fusion.registration.landmarks.files import save

        save(self, path, moving)


def points_of(values: object, what: str) -> NDArray[np.float64]:
    """Give (n, 3) finite points of this world, held read-only.

    Raises
    ------
    ParameterError
        They are not.
    """
    try:
        points = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 3 or not (np.abs(points) <= LARGEST_MM).all():
        raise ParameterError(f"{what} must be n rows of three finite numbers, LPS mm")
    points.setflags(write=False)
    return points
