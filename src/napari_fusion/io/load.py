"""Open whatever the user points at, or say in one sentence why not."""

from __future__ import annotations

import os
from pathlib import Path

from napari_fusion.errors import ReadError
from napari_fusion.io import files, nifti
from napari_fusion.volume import Volume

_READERS = {
    **dict.fromkeys(nifti.SUFFIXES, nifti.read),
    **dict.fromkeys(files.SUFFIXES, files.read),
}


def load(
    path: str | os.PathLike[str], *, series: str | None = None, frame: int | None = None
) -> Volume:
    """Load one volume from a file."""
    target = Path(path)
    if not target.exists():
        raise ReadError(f"{target.name} does not exist")
    suffix = max((s for s in _READERS if target.name.lower().endswith(s)), key=len, default=None)
    if suffix is None:
        raise ReadError(f"{target.name} is not an image this program knows")
    if series is not None:
        raise ReadError(f"{target.name} holds one volume and no series")
    return _READERS[suffix](target, frame)
