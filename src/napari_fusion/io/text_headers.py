"""The text headers of MetaImage and NRRD: where the voxels are, and whether that is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.io.budget import check_present
from napari_fusion.io.stream import Layout

HEADER_BYTES = 2**20
"""Longest text header that is read."""

_NRRD_TYPES = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float",
    "f8": "double",
}
_META_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def nrrd(path: Path) -> tuple[dict[str, str], Layout | None]:
    """Read an NRRD header: its fields in lower case, and where the voxels are.

    Returns
    -------
    tuple
        Fields, and the layout, or None for text, which is left to SimpleITK.

    Raises
    ------
    ReadError
        Not NRRD, a needed field is missing, or the data lie outside the header's folder.
    """
    head = _head(path)
    if not head.startswith(b"NRRD000"):
        raise ReadError(f"{path.name} is not an NRRD file")
    end = re.search(rb"\r?\n\r?\n", head)
    fields: dict[str, str] = {}
    for line in head[: end.start() if end else len(head)].decode("latin-1").splitlines()[1:]:
        match = re.match(r"([^#:][^:]*):(=| )\s*(.*)$", line)
        if match:
            fields.setdefault(match[1].strip().lower(), match[3].strip())
    dtype = _nrrd_type(fields, path.name)
    sizes = _integers(fields, "sizes", path.name)
    total = _product(sizes) * dtype.itemsize
    named = fields.get("data file", fields.get("datafile"))
    data = path if named is None else inside(path, named)
    if named is None and end is None:
        raise ReadError(f"{path.name} is shorter than its header says: it has no voxels")
    start = end.end() if named is None and end else 0
    encoding = fields.get("encoding", "").lower()
    skip = int(fields.get("byte skip", fields.get("byteskip", "0")))
    plain = encoding == "raw" and int(fields.get("line skip", fields.get("lineskip", "0"))) == 0
    if plain and skip == -1:
        start = data.stat().st_size - total
        check_present(total, start + total, data.name)
    elif plain:
        start += skip
    elif encoding not in {"gz", "gzip"} or skip:
        if encoding not in {"raw", "gz", "gzip", "txt", "text", "ascii", "hex"}:
            raise ReadError(f"{path.name} is packed as {encoding or 'unknown'}, use raw or gzip")
        _attached(path, data)
        return fields, None
    return fields, Layout(data, dtype, start, 0, total, packed=not plain)


def meta_image(path: Path) -> tuple[dict[str, str], Layout]:
    """Read a MetaImage header: its fields, and where the voxels are.

    Raises
    ------
    ReadError
        Not MetaImage, a needed field is missing, or the data lie outside the header's folder.
    """
    head = _head(path)
    fields: dict[str, str] = {}
    place = 0
    for line in head.splitlines(keepends=True):
        place += len(line)
        key, equals, value = line.decode("latin-1").partition("=")
        if not equals:
            break
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            break
    if "ElementDataFile" not in fields or "DimSize" not in fields:
        raise ReadError(f"{path.name} is not a MetaImage file, or its header is cut short")
    kind = _META_TYPES.get(fields.get("ElementType", ""))
    if kind is None or int(fields.get("ElementNumberOfChannels", "1")) != 1:
        raise ReadError(f"{path.name} holds colour or vectors, not one measured value per voxel")
    big = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "")).lower()
    dtype = np.dtype(kind).newbyteorder("big" if big == "true" else "little")
    total = _product(_integers(fields, "DimSize", path.name)) * dtype.itemsize
    local = fields["ElementDataFile"].upper() == "LOCAL"
    data = path if local else inside(path, fields["ElementDataFile"])
    packed = fields.get("CompressedData", "").lower() == "true"
    start = place if local else int(fields.get("HeaderSize", "0"))
    if start == -1:
        start = data.stat().st_size - total
        check_present(total, start + total, data.name)
    if fields.get("BinaryData", "True").lower() != "true":
        raise ReadError(f"{path.name} keeps its voxels as text; save it as binary first")
    return fields, Layout(data, dtype, start, 0, total, packed)


def meta_space(fields: dict[str, str], name: str) -> tuple[list[int], NDArray[np.float64]]:
    """Read the size and place of a MetaImage from its fields.

    Returns
    -------
    tuple
        Size along x, y, z (and time), and the (4, 4) affine, slowest axis first, to LPS mm.

    Raises
    ------
    ReadError
        A number is missing or none.
    GeometryError
        The voxels have no length.
    """
    size = _integers(fields, "DimSize", name)
    count = len(size)
    if fields.get("NDims", str(count)) != str(count):
        raise ReadError(f"{name} has {fields['NDims']} axes and {count} sizes")
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), count, None, name)
    if not (np.isfinite(spacing).all() and spacing.min() > 0):
        raise GeometryError(f"{name} gives a voxel spacing that is no length: its size is unknown")
    turn = ("TransformMatrix", "Rotation", "Orientation")
    axes = _numbers(fields, turn, count * count, np.eye(count).ravel(), name)
    origin = _numbers(fields, ("Offset", "Position", "Origin"), count, np.zeros(count), name)
    affine = np.eye(4)
    if count >= 3:
        steps = axes.reshape(count, count).T * spacing  # a row of the matrix is one axis
        affine[:3, :3] = steps[:3, 2::-1]
        affine[:3, 3] = origin[:3]
    return size, affine


def inside(header: Path, name: str) -> Path:
    """Find the data file a header names; it must be a plain file in or below its folder.

    Raises
    ------
    ReadError
        The name is a list, a pattern, a URL, absolute, or leads outside the folder.
    """
    if name.upper().startswith("LIST") or "%" in name:
        raise ReadError(
            f"{header.name} spreads its voxels over several files; convert it to one file first"
        )
    folder = header.parent.resolve()
    data = (folder / name).resolve()
    if "://" in name or Path(name).is_absolute() or not data.is_relative_to(folder):
        raise ReadError(
            f"{header.name} points to voxels outside its own folder; put both files in one folder"
        )
    if not data.is_file():
        raise ReadError(f"{header.name} needs its data file {Path(name).name}, which is not there")
    return data


def _attached(header: Path, data: Path) -> None:
    """Leave to SimpleITK only what cannot lead it to another file."""
    if data != header:
        raise ReadError(f"{header.name} keeps its voxels apart as text; save it as one file first")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEADER_BYTES)


def _nrrd_type(fields: dict[str, str], name: str) -> np.dtype[Any]:
    wanted = fields.get("type", "").lower()
    big = fields.get("endian", "little").lower() == "big"
    for kind, names in _NRRD_TYPES.items():
        if wanted in names.split("|"):
            return np.dtype(kind).newbyteorder("big" if big else "little")
    raise ReadError(f"{name} holds values of type {wanted or 'unknown'}, not numbers")


def _integers(fields: dict[str, str], key: str, name: str) -> list[int]:
    try:
        return [int(word) for word in fields[key].split()]
    except (KeyError, ValueError) as fault:
        raise ReadError(f"{name} has no usable sizes in its header") from fault


def _numbers(
    fields: dict[str, str],
    keys: tuple[str, ...],
    count: int,
    otherwise: NDArray[np.float64] | None,
    name: str,
) -> NDArray[np.float64]:
    """Read the first field there is; every name is one that MetaImage writers use."""
    text = next((fields[key] for key in keys if key in fields), None)
    if text is None and otherwise is not None:
        return otherwise
    try:
        values = np.array([float(word) for word in (text or "").split()])
    except ValueError as fault:
        raise ReadError(f"{name} has a {keys[0]} that is no list of numbers") from fault
    if values.size != count:
        raise ReadError(f"{name} needs {count} numbers for {keys[0]} and gives {values.size}")
    return values


def _product(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= max(0, size)
    return total
