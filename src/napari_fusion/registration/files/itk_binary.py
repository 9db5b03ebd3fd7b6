"""ITK's binary transforms: ``.h5``, and the ``.mat`` (MATLAB) files that ANTs writes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from napari_fusion.errors import ReadError
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.files.whole import check_held, check_matlab
from napari_fusion.registration.files.written import NOWHERE, Written
from napari_fusion.registration.transforms import from_sitk, parts_of


def read(path: Path, fixed: Image, moving: Image) -> Written:
    """Read an ITK transform, fixed → moving, LPS mm; it does not say for which volumes."""
    return Written(read_itk(path))


def read_matlab(path: Path, fixed: Image, moving: Image) -> Written:
    """Read the MATLAB kind of it; ITK itself does not count its numbers."""
    check_matlab(path)
    return read(path, fixed, moving)


def write(alignment: Alignment, path: Path, fixed: Image, moving: Image) -> None:
    """Write an ITK HDF5 transform, fixed → moving, LPS mm; a field keeps its grid."""
    import SimpleITK as sitk

    sitk.WriteTransform(alignment.to_sitk(), str(path))


def same(path: Path, alignment: Alignment, fixed: Image, moving: Image) -> bool:
    """Whether a file maps every point to the same bits."""
    from napari_fusion.registration.files.itk_text import same_map

    return same_map(read_itk(path), alignment)


def read_itk(path: Path) -> Alignment:
    """Read the map of any ITK transform file.

    Raises
    ------
    ReadError
        Damaged, empty, 2-D, not finite, singular, of an unknown kind, or with numbers missing.
    """
    import SimpleITK as sitk

    try:
        transform = _read_named(path)
    except (KeyError, RuntimeError, UnicodeDecodeError) as error:  # ITK quotes what it read
        raise ReadError(f"{path.name} is not an ITK transform that can be read") from error
    whole = transform.Downcast()
    if isinstance(whole, sitk.CompositeTransform) and not whole.GetNumberOfTransforms():
        raise ReadError(f"{path.name} holds no transform: copy or export it again")
    for part in parts_of(transform):  # ITK keeps what it was given, and reads past its end
        check_held(part.GetName(), part.GetNumberOfParameters(), path.name)
    return from_sitk(transform, NOWHERE, NOWHERE)


def _read_named(path: Path) -> Any:
    """Read it as ITK does, which knows the endings of its files in small letters only."""
    import SimpleITK as sitk

    if path.suffix == path.suffix.lower():
        return sitk.ReadTransform(str(path))
    with tempfile.TemporaryDirectory(prefix="napari-fusion-") as folder:
        named = shutil.copyfile(path, Path(folder, f"transform{path.suffix.lower()}"))
        return sitk.ReadTransform(str(named))
