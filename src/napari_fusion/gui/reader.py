"""napari's door to `load`: File ▸ Open, drag and drop, ``viewer.open``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LayerData = tuple[Any, ...]
Reader = Callable[[str | Sequence[str]], list[LayerData]]

SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr", ".dcm", ".ima", ".zip")

_LOOKED_AT = 500


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
    from napari_fusion.gui.opening import open_paths

    paths = [path] if isinstance(path, str) else list(path)
    return open_paths(paths)


def _may_hold_a_volume(path: Path) -> bool:
    if path.is_dir():
        return _holds_dicom(path)
    return path.name.lower().endswith(SUFFIXES)


def _holds_dicom(folder: Path) -> bool:
    """Look for DICOM among the first files, so that other plugins' folders are left to them."""
    for number, file in enumerate(folder.rglob("*")):
        if file.suffix.lower() in {".dcm", ".ima"} or file.name.upper() == "DICOMDIR":
            return True
        if not file.suffix and file.is_file() and _has_preamble(file):
            return True
        if number >= _LOOKED_AT:
            break
    return False


def _has_preamble(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False
