"""What is known of the two images when a transform file is read or written."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from napari_fusion.grid import Grid
from napari_fusion.volume import Volume


@dataclass(frozen=True)
class Image:
    """One of the two images.

    Parameters
    ----------
    grid
        Where its voxels are, as `load` orders them.
    frame_uid
        DICOM frame of reference.
    path
        The file, where the caller gave one.
    """

    grid: Grid | None = None
    frame_uid: str | None = None
    path: Path | None = None


Source = Grid | Volume | Image | str | PathLike[str]
"""An image, as much of it as the caller has."""


def image_of(source: Source | None) -> Image:
    """Gather what is known; a NIfTI file is asked for its header only, others are loaded.

    Raises
    ------
    ReadError, GeometryError
        The file cannot be read.
    """
    if source is None:
        return Image()
    if isinstance(source, Image):
        return source
    if isinstance(source, Grid):
        return Image(source)
    if isinstance(source, Volume):
        return Image(source.grid, source.frame_uid)
    from napari_fusion.io import load, nifti

    path = Path(source)
    if path.name.lower().endswith(nifti.SUFFIXES):
        stored = Grid(*nifti.placed(path))
        return Image(stored.reordered(*stored.canonical_order()), path=path)
    volume = load(path)
    return Image(volume.grid, volume.frame_uid, path)
