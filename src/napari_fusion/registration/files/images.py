"""What is known of the two images when a transform file is read or written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from napari_fusion.grid import Grid
from napari_fusion.registration.pair import Prints
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
    fingerprints
        Those of its voxels, as `Volume.fingerprints` gives them; empty where they are not known.
    """

    grid: Grid | None = None
    frame_uid: str | None = None
    path: Path | None = None
    fingerprints: Prints = ()


Source = Grid | Volume | Image | str | PathLike[str]
"""An image, as much of it as the caller has."""


def image_of(source: Source | None) -> Image:
    """Gather what is known; a NIfTI file is hashed and asked for its header, others are loaded.

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
        return Image(source.grid, source.frame_uid, None, source.fingerprints)
    from napari_fusion.io import load, nifti

    path = Path(source)
    if path.name.lower().endswith(nifti.SUFFIXES):
        stored = Grid(*nifti.placed(path))
        grid = stored.reordered(*stored.canonical_order())
        with path.open("rb") as stream:
            told = f"file {hashlib.file_digest(stream, 'sha256').hexdigest()}"
        return Image(grid, None, path, (told,))
    volume = load(path)
    return Image(volume.grid, volume.frame_uid, path, volume.fingerprints)
