"""One DICOM file's header: the few values that assembling volumes needs, as text and numbers."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from napari_fusion.errors import ReadError
from napari_fusion.io import tokens
from napari_fusion.io.budget import check_unpacked
from napari_fusion.io.source import Source
from napari_fusion.io.tokens import Encoding, Pixels

FIRST_READ = 2**15
"""Bytes read first; a header that is longer is read on."""

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DIRECTORY = "1.2.840.10008.1.3.10"

SYNTAX, MEDIA_CLASS = 0x00020010, 0x00020002
CHARSET, IMAGE_TYPE, SOP_CLASS = 0x00080005, 0x00080008, 0x00080016
STUDY_DATE, ACQUISITION_DATE = 0x00080020, 0x00080022
ACQUISITION_TIME, CONTENT_TIME = 0x00080032, 0x00080033
MODALITY, SERIES_DESCRIPTION = 0x00080060, 0x0008103E
PATIENT_ID, ISSUER, WEIGHT = 0x00100020, 0x00100021, 0x00101030
ECHO_TIME, ECHO_NUMBER, TRIGGER_TIME, B_VALUE = 0x00180081, 0x00180086, 0x00181060, 0x00189087
STUDY, SERIES, ACQUISITION_NUMBER, INSTANCE = 0x0020000D, 0x0020000E, 0x00200012, 0x00200013
IN_ACQUISITION, IN_PET = 0x00201002, 0x00540081
POSITION, ORIENTATION, FRAME_OF_REFERENCE = 0x00200032, 0x00200037, 0x00200052
TEMPORAL_POSITION, CARDIAC_PHASE = 0x00200100, 0x00209241
SAMPLES, PHOTOMETRIC, FRAMES = 0x00280002, 0x00280004, 0x00280008
ROWS, COLUMNS, SPACING = 0x00280010, 0x00280011, 0x00280030
ALLOCATED, STORED, HIGH_BIT, SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
PADDING, PADDING_LIMIT = 0x00280120, 0x00280121
INTERCEPT, SLOPE, RESCALE_TYPE, VALUE_TABLE = 0x00281052, 0x00281053, 0x00281054, 0x00283000
SIEMENS_B_VALUE = 0x0019100C
UNITS, FRAME_REFERENCE = 0x00541001, 0x00541300

WANTED = frozenset(
    value
    for name, value in globals().items()
    if name.isupper() and isinstance(value, int) and value > 2**16
)


@dataclass(frozen=True, slots=True)
class Header:
    """The values of one DICOM file that assembly needs.

    Parameters
    ----------
    path
        The file (or the member of a zip, named as if it were below it).
    syntax
        Transfer syntax UID.
    order
        Byte order, "<" or ">".
    values
        Raw values by tag.
    pixels
        Where the pixels are; offsets in a deflated file count its unpacked bytes.
    """

    path: Path
    syntax: str
    order: str
    values: dict[int, bytes]
    pixels: Pixels | None

    def text(self, tag: int) -> str:
        """Give a value as text, "" when absent."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0")

    def texts(self, tag: int) -> list[str]:
        """Give the parts of a value between backslashes, upper case."""
        return [part.strip().upper() for part in self.text(tag).split("\\")]

    def number(self, tag: int) -> float | None:
        """Give a decimal value; None when absent, NaN when it is no number."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: int) -> list[float]:
        """Give decimal values; what is no number becomes NaN."""
        text = self.text(tag)
        return [_float(part) for part in text.split("\\")] if text else []

    def integer(self, tag: int, default: int = 0, *, signed: bool = False) -> int:
        """Give a binary integer, US or SS."""
        raw = self.values.get(tag, b"")
        if len(raw) == 2:
            return int(struct.unpack(self.order + ("h" if signed else "H"), raw)[0])
        return default

    def count(self, tag: int, default: int) -> int:
        """Give an integer written as text."""
        number = self.number(tag)
        return int(number) if number is not None and math.isfinite(number) else default


def read(source: Source, path: Path) -> Header | None:
    """Read a file's header up to its pixels; None for what is no DICOM file.

    Raises
    ------
    ReadError
        It begins as DICOM does and then breaks off or makes no sense.
    """
    with source.open(path) as stream:
        data = stream.read(FIRST_READ)
        if data[128:132] != b"DICM":
            return None
        while True:
            try:
                return parse(data, path)
            except tokens.ShortError:
                more = stream.read(max(len(data), FIRST_READ) * 3)
                if not more:
                    raise ReadError(f"{path.name} breaks off within its header") from None
                data += more
            except (tokens.BrokenError, struct.error, zlib.error) as fault:
                raise ReadError(f"{path.name} is DICOM with a damaged header") from fault


def parse(data: bytes, path: Path) -> Header | None:
    """Read a header from the first bytes of a file.

    Raises
    ------
    ShortError
        More bytes are needed.
    """
    meta, _, start = tokens.walk(data, 132, tokens.LITTLE, WANTED, until=0x00030000)
    syntax = meta.get(SYNTAX, b"").decode("latin-1").strip(" \0")
    if not syntax:
        raise tokens.BrokenError
    if meta.get(MEDIA_CLASS, b"").strip(b" \0") == DIRECTORY.encode():
        return None
    encoding = _encoding(syntax)
    if syntax == DEFLATED:
        data, start = inflate(data[start:], path), 0
    values, pixels, _ = tokens.walk(data, start, encoding, WANTED)
    if VALUE_TABLE in values:
        values[VALUE_TABLE] = b""  # may be long; that it is there says enough
    return Header(path, syntax, encoding.order, values, pixels)


def inflate(data: bytes, path: Path) -> bytes:
    """Unpack a deflated data set within the budget.

    Raises
    ------
    ReadError
        It unpacks to more than the budget.
    """
    unpacker = zlib.decompressobj(-15)
    parts, total, left = [], 0, data
    while left and not unpacker.eof:
        part = unpacker.decompress(left, 2**20)
        left = unpacker.unconsumed_tail
        total += len(part)
        check_unpacked(total, len(data), path.name)
        parts.append(part)
    return b"".join(parts)


def _encoding(syntax: str) -> Encoding:
    if syntax == IMPLICIT_LITTLE:
        return tokens.IMPLICIT
    return Encoding(order=">") if syntax == EXPLICIT_BIG else tokens.LITTLE


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
