"""MetaImage and NRRD: the bytes are read and checked here, spaces of NRRD by SimpleITK.

SimpleITK reports success on packed data that fail their own check, so voxels are streamed by this
package; and its MetaImage parser crashes the process on some damaged headers, so that a MetaImage
header never reaches it.
"""

from __future__ import annotations

import hashlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fusion.errors import ReadError, WriteError
from napari_fusion.grid import Grid
from napari_fusion.io import nrrd_space, text_headers
from napari_fusion.io.budget import check_unpacked, check_volume
from napari_fusion.io.geometry import check_rectangular
from napari_fusion.io.nifti import choose_frame, stem, storable
from napari_fusion.io.note import Meaning, meaning, noted
from napari_fusion.io.nrrd_space import Space
from napari_fusion.io.plain import plainly
from napari_fusion.io.series import About
from napari_fusion.io.stream import Layout, check, check_end, fill
from napari_fusion.io.voxels import Voxels
from napari_fusion.itk import grid_of, place
from napari_fusion.volume import JSON, Step, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
FIELD = "napari_fusion_"
"""How the header fields begin in which this package notes what values mean."""
NOTED = ("modality", "unit", "suv")
"""The fields, in the order of `noted`; only SUV has the third."""


def read(path: Path, frame: int | None = None, grid: Grid | None = None) -> Volume:
    """Load a MetaImage or NRRD file as float32 in canonical order.

    Another `grid`, of the shape as stored, replaces the file's own.

    Raises
    ------
    ReadError
        Damaged, short, not scalar, data outside its folder, or several frames and none chosen.
    GeometryError
        Its axes are sheared or have no length.
    """
    kind = _kind(path)
    with plainly(path.name, kind):
        fields, layout = _header(path)
        space = _space(path, fields)
        chosen, frames = _check(space.size, frame, path.name)
        final = grid is None  # another grid is for resampling
        if grid is None:
            check_rectangular(space.affine, space.shape, path.name)
            grid = Grid(space.shape, space.affine)
        voxels = Voxels(grid, path.name, final=final)
        if layout is None:
            sha256 = _by_simpleitk(path, voxels, chosen)
        else:
            sha256 = fill(voxels, _frame(layout, grid.shape, chosen))
    modality, unit, pet = _meaning(fields)
    parameters: dict[str, JSON] = {"format": kind, "sha256": sha256}
    if frames > 1:
        parameters["frame"] = chosen
    if space.doubts:
        parameters["orientation"] = "unknown"
    warnings = [*space.doubts, *voxels.warnings]
    return Volume(
        voxels.array,
        voxels.grid,
        modality=modality,
        unit=unit,
        pet=pet,
        history=(Step("load", parameters, tuple(warnings)),),
        name=stem(path),
    )


def placed(path: Path) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Give shape and affine as stored, slowest axis first; the axes may be sheared."""
    with plainly(path.name, _kind(path)):
        space = _space(path, _header(path)[0])
        _check(space.size, 0, path.name)
    return space.shape, space.affine


def describe(path: Path) -> About:
    """Say what a file holds, from its header alone.

    Raises
    ------
    ReadError, GeometryError
        It cannot be loaded.
    """
    kind = _kind(path)
    with plainly(path.name, kind):
        fields, layout = _header(path)
        space = _space(path, fields)
        frames = _check(space.size, 0, path.name)[1]
        check_rectangular(space.affine, space.shape, path.name)
        if layout is not None:
            check_end(layout)
    lengths = np.linalg.norm(space.affine[:3, :3], axis=0)
    spacing = (float(lengths[0]), float(lengths[1]), float(lengths[2]))
    return About(space.shape, spacing, frames, *_meaning(fields)[:2], "; ".join(space.doubts))


def write(volume: Volume, path: Path) -> None:
    """Write a volume as MetaImage or NRRD with its modality and unit and nothing else."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(storable(volume.array))
    place(image, volume.grid)
    for key, word in zip(NOTED, noted(volume), strict=False):
        image.SetMetaData(f"{FIELD}{key}", word)
    with plainly(path.name, _kind(path)):
        sitk.WriteImage(image, str(path), useCompression=True)


def verify(volume: Volume, path: Path) -> None:
    """Read a written file with SimpleITK and compare voxels and geometry.

    Raises
    ------
    WriteError
        Something differs.
    """
    import SimpleITK as sitk

    wanted = storable(volume.array)
    with plainly(path.name, _kind(path)):
        layout = _header(path)[1]
        if layout is not None:
            check(layout)  # SimpleITK accepts a packed file without its last bytes
        image = sitk.ReadImage(str(path))
    found = sitk.GetArrayViewFromImage(image)
    if not np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "f"):
        raise WriteError("the voxels read back differ from those written")
    if not grid_of(image).agrees(volume.grid):
        raise WriteError("the positions read back differ from those written")


def _kind(path: Path) -> str:
    return "NRRD" if path.suffix.lower() in {".nrrd", ".nhdr"} else "MetaImage"


def _header(path: Path) -> tuple[dict[str, str], Layout | None]:
    return text_headers.nrrd(path) if _kind(path) == "NRRD" else text_headers.meta_image(path)


def _space(path: Path, fields: dict[str, str]) -> Space:
    if _kind(path) == "MetaImage":
        return Space(*text_headers.meta_space(fields, path.name))
    return nrrd_space.read(path)


def _check(size: list[int], frame: int | None, name: str) -> tuple[int, int]:
    """Refuse what is no scalar volume; give the chosen frame and how many there are."""
    axes = len(size)
    while axes > 3 and size[axes - 1] == 1:
        axes -= 1
    if axes > 4:
        raise ReadError(f"{name} has {axes} axes, not a scalar volume")
    if axes < 3 or size[2] == 1:
        raise ReadError(f"{name} is a single slice, not a volume")
    check_volume((size[2], size[1], size[0]), name)
    frames = size[3] if axes == 4 else 1
    return choose_frame(frame, frames, name), frames


def _frame(layout: Layout, shape: tuple[int, int, int], frame: int) -> Layout:
    skip = frame * prod(shape) * layout.dtype.itemsize
    return Layout(layout.path, layout.dtype, layout.start, skip, layout.total, packed=layout.packed)


def _by_simpleitk(path: Path, voxels: Voxels, frame: int) -> str:
    """Read NRRD text."""
    import SimpleITK as sitk

    reader = nrrd_space.information(path)
    check_unpacked(4 * prod(reader.GetSize()), path.stat().st_size, path.name)
    if reader.GetDimension() == 4:
        reader.SetExtractIndex([0, 0, 0, frame])
        reader.SetExtractSize([*reader.GetSize()[:3], 0])
    image = reader.Execute()  # the view below lives only as long as this
    voxels.put(0, sitk.GetArrayViewFromImage(image))
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _meaning(fields: dict[str, str]) -> Meaning:
    """Read back what `write` noted; nothing else in a header is believed."""
    return meaning([fields[f"{FIELD}{key}"] for key in NOTED if f"{FIELD}{key}" in fields])
