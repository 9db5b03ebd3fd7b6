"""Stored pixel values of DICOM frames, exactly as written, whatever their transfer syntax."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.io import codestreams, decoding
from napari_fusion.io import header as dicom
from napari_fusion.io.budget import check_present
from napari_fusion.io.codestreams import Stream
from napari_fusion.io.header import Header

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
    codestreams.check_syntax(header)
    if pixels.length is None:
        return _agreed(*decoding.decoded(header, data, shape), dtype.newbyteorder("="), header)
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


def _agreed(
    own: NDArray[Any], stream: Stream | None, dtype: np.dtype[Any], header: Header
) -> NDArray[Any]:
    """Read decoded values by the DICOM header; refuse them where their frames mean other ones."""
    read = _bits(own.astype(dtype), header)
    signed = dtype.kind == "i"
    bits = header.integer(dicom.STORED, 8 * dtype.itemsize)
    if stream is None or (stream.bits == bits and stream.signed in {None, signed}):
        return read
    if stream.signed is None and signed:
        own = _low_bits(own.astype(dtype), stream.bits)
    if not np.array_equal(own, read):
        raise codestreams.contradiction(header, stream)
    return read


def _bits(raw: NDArray[Any], header: Header) -> NDArray[Any]:
    """Keep only the bits that are stored, with their sign."""
    allocated = raw.dtype.itemsize * 8
    bits = header.integer(dicom.STORED, allocated)
    if raw.dtype.kind == "f" or not 0 < bits < allocated:
        return raw
    above = allocated - 1 - header.integer(dicom.HIGH_BIT, bits - 1)
    if above < 0:
        raise ReadError(f"{header.path.name} numbers the bits of its pixels wrongly")
    return _low_bits(raw, bits, above)


def _low_bits(raw: NDArray[Any], bits: int, above: int | None = None) -> NDArray[Any]:
    """Keep so many bits, below those `above` (by default all the others), with their sign."""
    native = raw.astype(raw.dtype.newbyteorder("="))
    unused = 8 * raw.dtype.itemsize - bits
    native <<= unused if above is None else above
    native >>= unused
    return native


def _after_meta(data: bytes) -> int:
    from napari_fusion.io import tokens

    return tokens.walk(data, 132, tokens.LITTLE, (), until=0x00030000)[2]
