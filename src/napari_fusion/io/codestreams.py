"""Compressed frames of a DICOM file, and what each says about itself before it is decoded.

A compressed frame has a header of its own. Where it contradicts the DICOM header, decoders believe
one or the other in silence, and some write beyond their memory. So both are compared here first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from napari_fusion.errors import ReadError
from napari_fusion.io import header as dicom
from napari_fusion.io.header import Header

RUN_LENGTH = "1.2.840.10008.1.2.5"
_JPEG = "1.2.840.10008.1.2.4."
_KINDS = {
    RUN_LENGTH: "run lengths",
    **dict.fromkeys((f"{_JPEG}50", f"{_JPEG}51"), "JPEG"),
    **dict.fromkeys((f"{_JPEG}57", f"{_JPEG}70"), "JPEG lossless"),
    **dict.fromkeys((f"{_JPEG}80", f"{_JPEG}81"), "JPEG-LS"),
    **dict.fromkeys((f"{_JPEG}{n}" for n in (90, 91, 92, 93, 201, 202, 203)), "JPEG 2000"),
}
"""What the pixels of a transfer syntax are, for those that can be decoded."""

_PLAIN = {dicom.IMPLICIT_LITTLE, dicom.EXPLICIT_LITTLE, dicom.EXPLICIT_BIG, dicom.DEFLATED}
_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")
"""How the first fragment of a frame begins: JPEG, JPEG 2000, JPEG 2000 in a JP2 file."""

_SCAN = 0xDA
_FRAME_HEADERS = {
    **dict.fromkeys({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}, "JPEG of another process"),
    **{0xC0: "JPEG", 0xC1: "JPEG", 0xC3: "JPEG lossless", 0xF7: "JPEG-LS"},
}
"""Markers of JPEG that begin a frame header."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What a compressed frame says about itself.

    Parameters
    ----------
    kind
        "JPEG", "JPEG lossless", "JPEG-LS" or "JPEG 2000".
    rows, columns, samples, bits
        Its matrix, its samples for each pixel, and the bits of a sample.
    signed
        Whether samples carry a sign; None where the format has no word for it.
    """

    kind: str
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool | None = None


def check_syntax(header: Header) -> None:
    """Refuse pixels that are not packed as a known transfer syntax says.

    Raises
    ------
    ReadError
        The syntax cannot be decoded, or says packed where pixels are plain, or the reverse.
    """
    name, syntax, pixels = header.path.name, header.syntax, header.pixels
    if syntax not in _PLAIN and syntax not in _KINDS:
        raise ReadError(f"{name} uses transfer syntax {syntax}, which is not supported")
    packed = pixels is not None and pixels.length is None
    if packed != (syntax in _KINDS):
        says, has = ("compressed", "plain") if syntax in _KINDS else ("plain", "compressed")
        raise ReadError(f"{name} has {has} pixels, its transfer syntax {syntax} says {says} ones")


def frames(header: Header, data: bytes, count: int) -> list[bytes]:
    """Give the compressed frames of a file, each in one piece.

    Frames are told apart by how they begin and never by the table of offsets, which may lie.

    Raises
    ------
    ReadError
        They break off, or there are not `count` of them.
    """
    assert header.pixels is not None
    fragments = _fragments(data, header.pixels.offset, header.path.name)[1:]  # after the table
    if count == 1:
        return [b"".join(fragments)]
    if len(fragments) == count:
        return fragments
    whole: list[list[bytes]] = []
    for fragment in fragments:
        if fragment.startswith(_STARTS) or not whole:
            whole.append([])
        whole[-1].append(fragment)
    if len(whole) != count:
        raise ReadError(
            f"{header.path.name} says it has {count} frames, {len(whole)} compressed ones are there"
        )
    return [b"".join(parts) for parts in whole]


def check_frame(header: Header, frame: bytes) -> Stream:
    """Compare a compressed frame's own header with the DICOM header.

    Raises
    ------
    ReadError
        They contradict each other, or the frame has no header.
    """
    name = header.path.name
    try:
        stream = _jpeg2000(frame) if b"\xff\x4f\xff\x51" in frame[:512] else _jpeg(frame)
    except (struct.error, IndexError) as fault:
        raise ReadError(f"{name} has a compressed frame without a header: it is damaged") from fault
    if stream.kind != _KINDS[header.syntax]:
        raise ReadError(
            f"{name} holds {stream.kind}, its transfer syntax {header.syntax} says "
            f"{_KINDS[header.syntax]}"
        )
    allocated = header.integer(dicom.ALLOCATED, 16)
    stored = header.integer(dicom.STORED, allocated)
    rows, columns = header.integer(dicom.ROWS), header.integer(dicom.COLUMNS)
    if (stream.rows, stream.columns, stream.samples) != (rows, columns, 1):
        raise ReadError(
            f"{name} contradicts itself: its {stream.kind} frame has {stream.rows} × "
            f"{stream.columns} pixels of {_samples(stream.samples)}, its header says {rows} × "
            f"{columns} of {_samples(1)}"
        )
    if (
        not 1 <= stream.bits <= allocated
        or header.integer(dicom.HIGH_BIT, stored - 1) != stored - 1
    ):
        raise contradiction(header, stream)
    return stream


def contradiction(header: Header, stream: Stream) -> ReadError:
    """Make the error for pixels that two headers give different values."""
    own = {None: "", True: "signed ", False: "unsigned "}[stream.signed]
    sign = "signed" if header.integer(dicom.SIGNED) else "unsigned"
    allocated = header.integer(dicom.ALLOCATED, 16)
    return ReadError(
        f"{header.path.name} contradicts itself: its {stream.kind} frame says {stream.bits} "
        f"{own}bits a pixel, its header {sign} ones, {header.integer(dicom.STORED, allocated)} of "
        f"{allocated}, so its values are not known; export it again"
    )


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"


def _fragments(data: bytes, position: int, name: str) -> list[bytes]:
    """Cut encapsulated pixels into their items."""
    found: list[bytes] = []
    while position + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHI", data, position)
        tag = group << 16 | element
        position += 8
        if tag == _END and found:
            return found
        if tag != _ITEM:
            raise ReadError(
                f"{name} has compressed pixels that are damaged: no item where one is due"
            )
        found.append(data[position : position + length])
        position += length
    raise ReadError(f"{name} is shorter than its header says: its compressed pixels break off")


def _jpeg(frame: bytes) -> Stream:
    """Read the frame header of JPEG (ITU-T T.81, B.2.2) and JPEG-LS (T.87, C.2.2)."""
    position = 2 if frame.startswith(b"\xff\xd8") else len(frame)
    while frame[position] == 0xFF:
        while frame[position] == 0xFF:
            position += 1
        marker, (length,) = frame[position], struct.unpack_from(">H", frame, position + 1)
        if marker in _FRAME_HEADERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, position + 3)
            return Stream(_FRAME_HEADERS[marker], rows, columns, samples, bits)
        if marker == _SCAN:
            break
        position += 1 + length
    raise IndexError


def _jpeg2000(frame: bytes) -> Stream:
    """Read the image and tile size of JPEG 2000 (ITU-T T.800, A.5.1)."""
    start = frame.index(b"\xff\x4f\xff\x51") + 8
    right, bottom, left, top = struct.unpack_from(">4I", frame, start)
    samples, depth, across, down = struct.unpack_from(">H3B", frame, start + 32)
    if (across, down) != (1, 1):
        raise IndexError
    bits, signed = (depth & 0x7F) + 1, bool(depth & 0x80)
    return Stream("JPEG 2000", bottom - top, right - left, samples, bits, signed)
