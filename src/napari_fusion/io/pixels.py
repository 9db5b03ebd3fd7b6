"""Stored pixel values of DICOM frames, exactly as written, from any transfer syntax GDCM knows."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.io import header as dicom
from napari_fusion.io.budget import check_present
from napari_fusion.io.header import Header
from napari_fusion.io.plain import plainly

if TYPE_CHECKING:
    import pydicom

RUN_LENGTH = "1.2.840.10008.1.2.5"
_FLOATS = {0x7FE00008: "f4", 0x7FE00009: "f8"}
_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{end}" for end in ("50", "51", "81", "91", "93", "203"))
"""Transfer syntaxes that may have lost detail."""


def lossy(header: Header) -> bool:
    """Whether the transfer syntax may have lost detail."""
    return header.syntax in _LOSSY


def stored_type(header: Header) -> np.dtype[Any]:
    """Give the type of stored values.

    Raises
    ------
    ReadError
        Not 8, 16, 32 or 64 whole bits, or several samples a pixel.
    """
    name = header.path.name
    tag = header.pixels.tag if header.pixels else 0
    if tag in _FLOATS:
        return np.dtype(header.order + _FLOATS[tag])
    bits = header.integer(dicom.ALLOCATED, 16)
    if bits not in {8, 16, 32, 64}:
        raise ReadError(f"{name} packs its pixels in {bits} bits, which is not supported")
    if header.integer(dicom.SAMPLES, 1) != 1:
        raise ReadError(f"{name} is a colour image, not measured values")
    kind = "i" if header.integer(dicom.SIGNED) else "u"
    return np.dtype(f"{header.order}{kind}{bits // 8}")


def stored(header: Header, data: bytes, count: int) -> NDArray[Any]:
    """Give all frames of a file as stored, (frames, rows, columns).

    Parameters
    ----------
    header
        The file's header.
    data
        All its bytes.
    count
        Frames in it.

    Raises
    ------
    ReadError
        No pixels, fewer than the header says, or a transfer syntax that cannot be decoded.
    """
    pixels = header.pixels
    if pixels is None:
        raise ReadError(f"{header.path.name} is shorter than its header says: it has no pixels")
    dtype = stored_type(header)
    shape = (count, header.integer(dicom.ROWS), header.integer(dicom.COLUMNS))
    if pixels.length is None:
        return _bits(_decoded(header, data, shape), header)
    if header.syntax == dicom.DEFLATED:
        data = dicom.inflate(data[_after_meta(data) :], header.path)
    needed = int(np.prod(shape)) * dtype.itemsize
    found = max(0, min(pixels.length, len(data) - pixels.offset))
    check_present(needed, found, header.path.name)
    raw = np.frombuffer(data, dtype, int(np.prod(shape)), pixels.offset).reshape(shape)
    return _bits(raw, header)


def padding(header: Header) -> tuple[float, float] | None:
    """Give the lowest and highest stored value that mean padding; None when the file names none."""
    if dicom.PADDING not in header.values:
        return None
    signed = bool(header.integer(dicom.SIGNED))
    value = header.integer(dicom.PADDING, signed=signed)
    limit = header.integer(dicom.PADDING_LIMIT, value, signed=signed)
    return min(value, limit), max(value, limit)


def _bits(raw: NDArray[Any], header: Header) -> NDArray[Any]:
    """Keep only the bits that are stored, with their sign."""
    allocated = raw.dtype.itemsize * 8
    bits = header.integer(dicom.STORED, allocated)
    unused = allocated - bits
    if raw.dtype.kind == "f" or not 0 < unused < allocated:
        return raw
    above = allocated - 1 - header.integer(dicom.HIGH_BIT, bits - 1)
    if above < 0:
        raise ReadError(f"{header.path.name} numbers the bits of its pixels wrongly")
    native = raw.astype(raw.dtype.newbyteorder("="))
    native <<= above
    native >>= unused
    return native


def _after_meta(data: bytes) -> int:
    from napari_fusion.io import tokens

    return tokens.walk(data, 132, tokens.LITTLE, (), until=0x00030000)[2]


def _decoded(header: Header, data: bytes, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Decode encapsulated pixels: run lengths with pydicom, all else with GDCM.

    GDCM is handed a file that holds nothing but the pixels: no rescale, so that stored values come
    back exactly, and no patient.
    """
    name = header.path.name
    with plainly(name, f"DICOM of transfer syntax {header.syntax}"):
        bare = _bare(data)
        decoded = _by_pydicom(bare) if header.syntax == RUN_LENGTH else _by_gdcm(bare)
    if decoded.size != np.prod(shape):
        raise ReadError(f"{name} decodes to another number of pixels than its header says")
    return decoded.reshape(shape)


def _by_pydicom(bare: pydicom.Dataset) -> NDArray[Any]:
    from pydicom.pixels import get_decoder

    decoded: NDArray[Any] = get_decoder(bare.file_meta.TransferSyntaxUID).as_array(bare, raw=True)[
        0
    ]
    return decoded


def _by_gdcm(bare: pydicom.Dataset) -> NDArray[Any]:
    import SimpleITK as sitk

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.dcm"
        bare.save_as(path, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        decoded: NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    return decoded


def _bare(data: bytes) -> pydicom.Dataset:
    """Copy what describes the pixels, and the pixels, into a data set of their own."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

    full = pydicom.dcmread(BytesIO(data))
    bare = pydicom.Dataset()
    for keyword in (
        "SamplesPerPixel", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored",
        "HighBit", "PixelRepresentation",
    ):  # fmt: skip
        if keyword in full:
            setattr(bare, keyword, full[keyword].value)
    bare.PhotometricInterpretation = "MONOCHROME2"
    bare.SOPClassUID = SecondaryCaptureImageStorage
    bare.SOPInstanceUID = generate_uid()
    bare[0x7FE00010] = full[0x7FE00010]
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = full.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = bare.SOPClassUID
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    return bare
