"""NIfTI and Analyze through nibabel: their RAS becomes LPS here."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ReadError, WriteError, expect
from napari_fusion.grid import RAS_TO_LPS, WRITTEN_TOLERANCE_MM, Grid
from napari_fusion.io.budget import check_volume
from napari_fusion.io.geometry import check_rectangular, shift_mm
from napari_fusion.io.note import Meaning, meaning, noted
from napari_fusion.io.opening import as_written, opened
from napari_fusion.io.plain import plainly
from napari_fusion.io.series import About
from napari_fusion.io.stream import Layout, check_end, fill
from napari_fusion.io.voxels import Voxels
from napari_fusion.rotation import turned_degrees
from napari_fusion.volume import JSON, Step, Volume

if TYPE_CHECKING:
    import nibabel as nib

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")

AGREE_MM = 0.1
"""sform and qform that differ by less, at every corner, are one and the same."""

_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # code of the length unit: unknown, m, mm, µm


@dataclass(frozen=True)
class Header:
    """What a NIfTI header says, in the terms of this package.

    Parameters
    ----------
    layout
        Where the voxels are.
    shape
        (slices, rows, columns) as stored, slowest first.
    affine
        (4, 4) array index (slowest first) to LPS mm; may be sheared.
    slope, intercept
        The rescale of stored values.
    meaning
        Modality, unit and kind of SUV as this package wrote them, else "OTHER", "1" and None.
    parameters, warnings
        For the history.
    """

    layout: Layout
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    slope: float
    intercept: float
    frames: int = 1
    meaning: Meaning = ("OTHER", "1", None)
    parameters: dict[str, JSON] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read(path: Path, frame: int | None = None, grid: Grid | None = None) -> Volume:
    """Load a NIfTI-1, NIfTI-2 or Analyze file as float32 in canonical order.

    Another `grid`, of the shape as stored, replaces the file's own.

    Raises
    ------
    ReadError
        The file is no NIfTI image, is damaged or short, or holds several frames and none was
        chosen.
    GeometryError
        Its axes are sheared, or its two affines describe different handedness.
    """
    header = read_header(path, frame)
    final = grid is None  # another grid is for resampling
    if grid is None:
        check_rectangular(header.affine, header.shape, path.name)
        grid = Grid(header.shape, header.affine)
    voxels = Voxels(grid, path.name, final=final)
    with plainly(path.name, "NIfTI"):
        sha256 = fill(voxels, header.layout, header.slope, header.intercept)
    parameters: dict[str, JSON] = {"format": "NIfTI", "sha256": sha256, **header.parameters}
    step = Step("load", parameters, (*header.warnings, *voxels.warnings))
    modality, unit, pet = header.meaning
    return Volume(
        voxels.array,
        voxels.grid,
        modality=modality,
        unit=unit,
        pet=pet,
        history=(step,),
        name=stem(path),
    )


def placed(path: Path) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Give shape and affine as stored, slowest axis first; the axes may be sheared."""
    header = read_header(path, 0)
    return header.shape, header.affine


def describe(path: Path) -> About:
    """Say what a file holds, from its header alone.

    Raises
    ------
    ReadError, GeometryError
        It cannot be loaded.
    """
    header = read_header(path, 0)
    check_rectangular(header.affine, header.shape, path.name)
    check_end(header.layout)
    lengths = np.linalg.norm(header.affine[:3, :3], axis=0)
    spacing = (float(lengths[0]), float(lengths[1]), float(lengths[2]))
    reason = "; ".join(header.warnings)
    return About(header.shape, spacing, header.frames, *header.meaning[:2], reason)


def read_header(path: Path, frame: int | None = None) -> Header:
    """Read and check everything but the voxels.

    Raises
    ------
    ReadError
        Not NIfTI, not a real scalar 3-D image, a damaged header, or frames and none chosen.
    GeometryError
        No usable affine.
    """
    import nibabel as nib

    with plainly(path.name, "NIfTI"), np.errstate(all="ignore"):
        image = opened(path, SUFFIXES)
    if not isinstance(image.header, nib.AnalyzeHeader):
        raise ReadError(f"{path.name} is not a NIfTI image")
    nifti = isinstance(image.header, nib.Nifti1Header)
    with plainly(path.name, "NIfTI"):
        header = as_written(image)
        x, y, z, frames = _shape(header, path.name)
        dtype = _dtype(header, path.name)
        plane, shape = x * y * z * dtype.itemsize, (z, y, x)
        check_volume(shape, path.name)
        data = Path(image.file_map["image"].filename or path)
        stored = image.dataobj  # the header's own offset and scale are cleared by nibabel
        offset = max(0, int(stored.offset))
        chosen = choose_frame(frame, frames, path.name)
        layout = Layout(
            data,
            dtype,
            start=0 if _packed(data) else offset,
            skip=chosen * plane + (offset if _packed(data) else 0),
            total=frames * plane + (offset if _packed(data) else 0),
            packed=_packed(data),
        )
        ras, parameters, warnings = (
            _affine(header, (x, y, z), path.name) if nifti else _analyze_affine(image)
        )
        told = _meaning(header) if nifti else meaning([])
    if frames > 1:
        parameters = {**parameters, "frame": chosen}
    affine = (RAS_TO_LPS @ ras)[:, [2, 1, 0, 3]]
    return Header(
        layout,
        shape,
        affine,
        float(stored.slope),
        float(stored.inter),
        frames,
        told,
        parameters,
        warnings,
    )


def write(volume: Volume, path: Path) -> None:
    """Write a volume as NIfTI-1: millimetres, one affine as sform and qform, no identity."""
    import nibabel as nib

    array, affine = _as_stored(volume)
    image = nib.Nifti1Image(array, affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    image.header["descrip"] = " ".join(["napari-fusion", *noted(volume)]).encode()
    nib.save(image, path)


def verify(volume: Volume, path: Path) -> None:
    """Read a written file with nibabel and compare voxels and geometry.

    Raises
    ------
    WriteError
        Something differs.
    """
    import nibabel as nib

    array, affine = _as_stored(volume)
    with plainly(path.name, "NIfTI"):
        image = nib.load(path)
        same = np.array_equal(
            image.dataobj.get_unscaled(), array, equal_nan=array.dtype.kind == "f"
        )
    if not same:
        raise WriteError("the voxels read back differ from those written")
    for form in (image.affine, image.get_qform()):
        if shift_mm(form, affine, array.shape) > WRITTEN_TOLERANCE_MM:
            raise WriteError("the positions read back differ from those written")


def stem(path: Path) -> str:
    """Name a file without its suffixes."""
    return re.sub(r"(\.\w{2,4})?\.gz$|\.\w+$", "", path.name) or path.name


def choose_frame(frame: int | None, frames: int, name: str) -> int:
    """Give the index of the frame asked for, or say which there are.

    Raises
    ------
    ParameterError
        `frame` is no whole number.
    ReadError
        Several frames and none chosen, or no such frame.
    """
    if frame is None:
        if frames > 1:
            raise ReadError(
                f"{name} holds {frames} frames, choose one with frame=0 to frame={frames - 1} "
                "(--frame)"
            )
        return 0
    expect(Integral, frame=frame)
    if not 0 <= frame < frames:
        there = f"frame=0 to frame={frames - 1}" if frames > 1 else "one frame, frame=0"
        raise ReadError(f"{name} has no frame {frame}: it holds {there}")
    return frame


def storable(array: NDArray[Any]) -> NDArray[Any]:
    """Choose a type every reader of medical images knows, losing nothing.

    Raises
    ------
    WriteError
        The values are complex, or integers beyond 32 bits.
    """
    if array.dtype.kind == "f":
        return array if array.dtype.itemsize in (4, 8) else array.astype(np.float32)
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind in "iu" and array.dtype.itemsize < 8:
        return array
    for kind in (np.int32, np.uint32):
        limits = np.iinfo(kind)
        if array.dtype.kind in "iu" and array.min() >= limits.min and array.max() <= limits.max:
            return array.astype(kind)
    raise WriteError(f"voxels of type {array.dtype} cannot be written")


def _as_stored(volume: Volume) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Give x, y, z voxels and their RAS affine, as nibabel wants them."""
    affine: NDArray[np.float64] = RAS_TO_LPS @ volume.grid.affine[:, [2, 1, 0, 3]]
    return storable(volume.array).transpose(2, 1, 0), affine


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _shape(header: nib.Nifti1Header, name: str) -> tuple[int, int, int, int]:
    """Give x, y, z and the number of frames; anything else is refused in words."""
    shape = [int(n) for n in header.get_data_shape()]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) > 4:
        raise ReadError(f"{name} has {len(shape)} axes (vectors or tensors), not a scalar volume")
    if len(shape) < 3 or shape[2] == 1:
        raise ReadError(f"{name} is a single slice, not a volume")
    x, y, z, frames = (*shape, 1)[:4]
    if frames < 1:
        raise ReadError(f"{name} says it holds {frames} frames")
    return x, y, z, frames


def _dtype(header: nib.Nifti1Header, name: str) -> np.dtype[Any]:
    """Give the stored type; colour and complex numbers are refused in words."""
    dtype = np.dtype(header.get_data_dtype())
    if dtype.fields:
        raise ReadError(f"{name} is a colour image (RGB), not measured values")
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise ReadError(f"{name} holds {dtype.name} values; only real numbers up to 64 bits can be")
    swapped: np.dtype[Any] = dtype.newbyteorder(header.endianness)
    return swapped


def _meaning(header: nib.Nifti1Header) -> Meaning:
    """Read back what `write` noted; nothing else in a header is believed."""
    words = bytes(header["descrip"].item()).decode("ascii", "replace").split()
    return meaning(words[1:] if words[:1] == ["napari-fusion"] else [])


def _affine(
    header: nib.Nifti1Header, shape: tuple[int, int, int], name: str
) -> tuple[NDArray[np.float64], dict[str, JSON], tuple[str, ...]]:
    """Choose between sform, qform and neither, in RAS mm, and say so."""
    code = int(header["xyzt_units"]) & 7
    scale = np.diag([_MM.get(code, 1.0)] * 3 + [1.0])
    sform, s_code = header.get_sform(coded=True)
    qform, q_code = _qform(header)
    if s_code and not np.isfinite(sform).all():
        raise GeometryError(f"{name} has an sform that is not finite: its position is unknown")
    _check_pixdim(header, used=not s_code, name=name)
    if not s_code and not q_code:
        affine = np.diag([*(float(d) for d in header["pixdim"][1:4]), 1.0])
        warning = (
            "orientation unknown: the header has neither sform nor qform, so left and right are "
            "a guess"
        )
        return scale @ affine, {"affine": "pixdim", "orientation": "unknown"}, (warning,)
    if not s_code:
        return scale @ qform, {"affine": "qform"}, ()
    warnings: tuple[str, ...] = ()
    if q_code and qform is not None:
        warnings = _conflict(scale @ sform, scale @ qform, shape, name)
    return scale @ sform, {"affine": "sform"}, warnings


def _qform(header: nib.Nifti1Header) -> tuple[Any, int]:
    """Give the qform, or none when its numbers make no rotation."""
    numbers = [float(header[k]) for k in ("quatern_b", "quatern_c", "quatern_d")]
    offsets = [float(header[k]) for k in ("qoffset_x", "qoffset_y", "qoffset_z")]
    spacing = [float(d) for d in header["pixdim"][1:4]]
    usable = all(map(math.isfinite, numbers + offsets + spacing)) and min(spacing) > 0
    if not usable or sum(n * n for n in numbers) > 1 + 1e-4:
        return None, 0
    qform, code = header.get_qform(coded=True)
    return qform, int(code)


def _check_pixdim(header: nib.Nifti1Header, *, used: bool, name: str) -> None:
    spacing = [float(d) for d in header["pixdim"][1:4]]
    if used and not all(math.isfinite(d) and d > 0 for d in spacing):
        raise GeometryError(
            f"{name} gives a voxel spacing of {', '.join(f'{d:g}' for d in spacing)}: "
            "lengths must be positive, its size in mm is unknown"
        )


def _conflict(
    sform: NDArray[np.float64],
    qform: NDArray[np.float64],
    shape: tuple[int, int, int],
    name: str,
) -> tuple[str, ...]:
    """Compare two affines: agree, warn with angle and shift, or refuse a mirror."""
    if np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0:
        raise GeometryError(
            f"{name} has an sform and a qform of different handedness: left and right are in "
            "doubt, remove the wrong one before loading"
        )
    shift = shift_mm(sform, qform, shape)
    if shift < AGREE_MM:
        return ()
    angle = turned_degrees(np.linalg.solve(qform[:3, :3], sform[:3, :3]))
    return (
        f"sform and qform disagree by {angle:.1f}° and up to {shift:.1f} mm; the sform was used",
    )


def _analyze_affine(
    image: nib.AnalyzeImage,
) -> tuple[NDArray[np.float64], dict[str, JSON], tuple[str, ...]]:
    """Take nibabel's reading of an Analyze header, whose orientation is never certain."""
    warning = "orientation unknown: Analyze files do not say which side is left"
    affine = np.array(image.affine, dtype=np.float64)
    return affine, {"affine": "analyze", "orientation": "unknown"}, (warning,)
