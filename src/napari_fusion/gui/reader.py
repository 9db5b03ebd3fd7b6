"""napari's door to `load`: File ▸ Open, drag and drop, ``viewer.open``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

LayerData = tuple[Any, ...]
Reader = Callable[[str | Sequence[str]], list[LayerData]]

PAIRS = (".hdr", ".img", ".hdr.gz", ".img.gz")
"""Header and voxels of Analyze and NIfTI, each in a file of its own."""

SUFFIXES = (".nii", ".nii.gz", *PAIRS, ".mha", ".mhd", ".nrrd", ".nhdr", ".dcm", ".ima", ".zip")

_LOOKED_AT = 500
"""Files of a folder that are looked at before it is left to other plugins."""


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Give the reader when the path is a kind of file, or a folder, that may hold a volume."""
    paths = [path] if isinstance(path, str) else list(path)
    return read if paths and all(_may_hold_a_volume(Path(p)) for p in paths) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Read the volumes of one or more paths into layers, all in the frame the viewer shows.

    Where a path holds several series, the user is asked; without a window, every series that can
    be read faithfully is taken.

    Raises
    ------
    ReadError
        A path holds no volume that can be read faithfully.
    """
    from napari_fusion.gui.open.opening import open_paths

    paths = [path] if isinstance(path, str) else list(path)
    return open_paths(paths)


def _may_hold_a_volume(path: Path) -> bool:
    if path.is_dir():
        return _holds_a_volume(path)
    return path.name.lower().endswith(SUFFIXES) or _is_dicom(path)


def _holds_a_volume(folder: Path) -> bool:
    """Look for one among the first files, so that other plugins' folders are left to them."""
    first = islice(folder.rglob("*"), _LOOKED_AT)
    return any(file.name.lower().endswith(SUFFIXES) or _is_dicom(file) for file in first)


def _is_dicom(file: Path) -> bool:
    """Whether a file without a suffix begins as DICOM does; a DICOMDIR is one."""
    try:
        with file.open("rb") as stream:
            return not file.suffix and stream.read(132)[128:] == b"DICM"
    except OSError:  # a folder, or not ours to read
        return False
