"""Where the voxels of an NRRD file lie: its space, turned to LPS mm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError

if TYPE_CHECKING:
    import SimpleITK as sitk

_TURNS: Mapping[str, tuple[float, float, float]] = {
    "left-posterior-superior": (1, 1, 1),
    "left-posterior-superior-time": (1, 1, 1),
    "right-anterior-superior-time": (-1, -1, 1),
    "left-anterior-superior-time": (1, -1, 1),
}
"""What turns the spaces that SimpleITK names to LPS; its others do not say which side is left.

It has turned RAS and LAS to LPS by itself, but leaves them as they are where time is a part."""


@dataclass(frozen=True, eq=False)
class Space:
    """Where the voxels of a file lie.

    Parameters
    ----------
    size
        Voxels along x, y, z (and time, and more).
    affine
        (4, 4) index, slowest axis first, to LPS mm.
    doubts
        What the header leaves open about left and right, in words.
    """

    size: list[int]
    affine: NDArray[np.float64]
    doubts: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels in space, slowest axis first; there have to be three axes."""
        return self.size[2], self.size[1], self.size[0]


def information(path: Path) -> sitk.ImageFileReader:
    """Let SimpleITK read an NRRD header, and only the header."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO")
    reader.ReadImageInformation()
    return reader


def read(path: Path) -> Space:
    """Read size and place.

    Raises
    ------
    ReadError
        The voxels are no single numbers.
    """
    reader = information(path)
    if reader.GetNumberOfComponents() != 1:
        raise ReadError(f"{path.name} holds colour or vectors, not one measured value per voxel")
    named = "NRRD_space" in reader.GetMetaDataKeys()
    space = reader.GetMetaData("NRRD_space").lower() if named else ""
    turn = np.array(_TURNS.get(space, (1, 1, 1)), np.float64)
    count = reader.GetDimension()
    axes = np.array(reader.GetDirection(), np.float64).reshape(count, count) * reader.GetSpacing()
    affine = np.eye(4)
    if count >= 3:
        affine[:3, :3] = turn[:, None] * axes[:3, 2::-1]
        affine[:3, 3] = turn * reader.GetOrigin()[:3]
    return Space(list(reader.GetSize()), affine, _doubts(space))


def _doubts(space: str) -> tuple[str, ...]:
    if space in _TURNS:
        return ()
    what = f"a space that names no side ({space})" if space else "no space"
    return (f"orientation unknown: the header names {what}, so left and right are a guess",)
