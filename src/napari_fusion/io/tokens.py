"""The top level of a DICOM data set as bytes by tag, read in a tenth of a millisecond.

Reading every header of a folder is what opening it costs. pydicom builds an object for each
element (about 1 ms a file); this walk only steps over them, keeps the few that assembly needs, and
notes where the pixels begin. Nested sequences are stepped over; what lies in them is read with
pydicom from one file of a series.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass

UNDEFINED = 0xFFFFFFFF
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
DEPTH = 16
"""Deepest nesting of sequences that is followed."""

_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_KNOWN = _LONG | frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class ShortError(Exception):
    """More bytes are needed to go on."""


class BrokenError(Exception):
    """The bytes do not follow the DICOM encoding."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Where the pixel data begin.

    Parameters
    ----------
    tag
        0x7FE00010 for integers, 0x7FE00008 for float32, 0x7FE00009 for float64.
    offset
        Byte of the first pixel, or of the first item when encapsulated.
    length
        Bytes there; None when encapsulated.
    """

    tag: int
    offset: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written: explicit or implicit value types, byte order "<" or ">"."""

    explicit: bool = True
    order: str = "<"


LITTLE = Encoding()
IMPLICIT = Encoding(explicit=False)


def walk(
    data: bytes, start: int, encoding: Encoding, wanted: Container[int], until: int = UNDEFINED
) -> tuple[dict[int, bytes], Pixels | None, int]:
    """Step over elements until the pixels, the tag `until`, or the end of `data`.

    Returns
    -------
    tuple
        The values wanted, where the pixels are if they were met, and the byte reached.

    Raises
    ------
    ShortError
        `data` end within an element.
    BrokenError
        The bytes are no DICOM elements.
    """
    values: dict[int, bytes] = {}
    position, end = start, len(data)
    head = struct.Struct(f"{encoding.order}HH2sH").unpack_from
    while position < end:
        if position + 8 > end:
            raise ShortError
        group, element, kind, short = head(data, position)
        tag = group << 16 | element
        if tag >= until:
            break
        length, header = _length(data, position, encoding, kind, short)
        position += header
        if tag in PIXELS:
            return values, Pixels(tag, position, None if length == UNDEFINED else length), position
        if length == UNDEFINED:
            inner, first = IMPLICIT if kind == b"UN" else encoding, position
            position = _over_sequence(data, position, inner, 0)
            if tag in wanted:
                values[tag] = data[first:position]
            continue
        if position + length > end:
            raise ShortError
        if tag in wanted:
            values[tag] = data[position : position + length]
        position += length
    return values, None, position


def _length(
    data: bytes, position: int, encoding: Encoding, kind: bytes, short: int
) -> tuple[int, int]:
    """Give the length of a value and of what stands before it."""
    if encoding.explicit:
        if kind not in _KNOWN:
            raise BrokenError
        if kind not in _LONG:
            return short, 8
        if position + 12 > len(data):
            raise ShortError
        return struct.unpack_from(encoding.order + "I", data, position + 8)[0], 12
    return struct.unpack_from(encoding.order + "I", data, position + 4)[0], 8


def _over_sequence(data: bytes, position: int, encoding: Encoding, depth: int) -> int:
    """Step over the items of a sequence of undefined length."""
    if depth > DEPTH:
        raise BrokenError
    head = struct.Struct(f"{encoding.order}HHI").unpack_from
    while True:
        if position + 8 > len(data):
            raise ShortError
        group, element, length = head(data, position)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise BrokenError
        position = (
            _over_item(data, position, encoding, depth)
            if length == UNDEFINED
            else position + int(length)
        )


def _over_item(data: bytes, position: int, encoding: Encoding, depth: int) -> int:
    """Step over the elements of an item of undefined length."""
    head = struct.Struct(f"{encoding.order}HH2sH").unpack_from
    while True:
        if position + 8 > len(data):
            raise ShortError
        group, element, kind, short = head(data, position)
        if group << 16 | element == _ITEM_END:
            return position + 8
        length, header = _length(data, position, encoding, kind, short)
        position += header
        if length == UNDEFINED:
            inner = IMPLICIT if kind == b"UN" else encoding
            position = _over_sequence(data, position, inner, depth + 1)
        else:
            position += length
