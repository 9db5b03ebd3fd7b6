"""Stream voxels out of a file, packed or not, hashing and checking every byte on the way."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_fusion.errors import ReadError
from napari_fusion.io.budget import EXPANSION, FREE_BYTES, check_present, check_unpacked
from napari_fusion.io.closing import Closing
from napari_fusion.io.voxels import Voxels

CHUNK = 2**22
"""Bytes unpacked at a time."""

GZIP = b"\x1f\x8b"
"""How a gzip file, and each of its members, begins."""

READ_TO_TELL = 2**30
"""Unpacked bytes that are read to tell whether a packed file whose end does not say so is whole."""


@dataclass(frozen=True)
class Layout:
    """Where voxels lie in a file.

    Parameters
    ----------
    path
        The file that holds the voxels.
    dtype
        Stored type with its byte order.
    start
        Byte of the file at which the (packed or plain) stream begins.
    skip
        Bytes of the unpacked stream before the first wanted voxel.
    total
        Bytes the whole unpacked stream must hold.
    packed
        Whether the stream is gzip or zlib.
    """

    path: Path
    dtype: np.dtype[Any]
    start: int
    skip: int
    total: int
    packed: bool


def fill(voxels: Voxels, layout: Layout, slope: float = 1.0, intercept: float = 0.0) -> str:
    """Fill a volume from a file and give the SHA-256 of all the file's bytes.

    Raises
    ------
    ReadError
        The file is shorter than its header says, its packed data are damaged, or it unpacks to
        more than the budget.
    """
    size = layout.path.stat().st_size
    if layout.packed:
        check_unpacked(layout.total, size - layout.start, layout.path.name)
    else:
        check_present(layout.start + layout.total, size, layout.path.name)
    slices, *plane = voxels.file_shape
    rows = max(1, CHUNK // (int(np.prod(plane)) * layout.dtype.itemsize))
    with _Stream(layout) as stream:
        stream.skip(layout.skip)
        for start in range(0, slices, rows):
            raw = np.empty((min(rows, slices - start), *plane), layout.dtype)
            stream.into(memoryview(raw.reshape(-1).view(np.uint8).data))
            voxels.put(start, raw, slope, intercept)
        return stream.finish()


def check(layout: Layout) -> None:
    """Read a file to its end, so that a short or damaged one is noticed.

    Raises
    ------
    ReadError
        As for `fill`.
    """
    with _Stream(layout) as stream:
        stream.skip(layout.total)
        stream.finish()


def check_end(layout: Layout) -> None:
    """Notice a file that breaks off, by its end where that tells.

    A gzip file ends with the length of what it holds. One that ends otherwise (cut short, several
    members, padded) is read to its end if it is no larger than `READ_TO_TELL`; zlib data have
    no such end, and loading tells.

    Raises
    ------
    ReadError
        As for `fill`.
    """
    size = layout.path.stat().st_size
    if not layout.packed:
        check_present(layout.start + layout.total, size, layout.path.name)
        return
    check_unpacked(layout.total, size - layout.start, layout.path.name)
    with layout.path.open("rb") as file:
        file.seek(layout.start)
        if file.read(len(GZIP)) != GZIP:
            return
        file.seek(max(layout.start, size - 4))
        whole = int.from_bytes(file.read(4), "little") == layout.total % 2**32
    if not whole and layout.total <= READ_TO_TELL:
        check(layout)


class _Stream(Closing):
    """Bytes of a file, unpacked if need be; every byte read is hashed."""

    def __init__(self, layout: Layout) -> None:
        self._file = layout.path.open("rb")
        self._hash = hashlib.sha256()
        self._name = layout.path.name
        self._total = layout.total
        self._given = 0
        self._hash.update(self._file.read(layout.start))
        # 32 + 15: either a gzip or a zlib header
        self._unpack = zlib.decompressobj(47) if layout.packed else None
        self._left = b""
        self._most = max(FREE_BYTES, EXPANSION * layout.path.stat().st_size)

    def close(self) -> None:
        self._file.close()

    def skip(self, count: int) -> None:
        """Pass over bytes of the unpacked stream."""
        scratch = memoryview(bytearray(min(count, CHUNK)))
        while count:
            step = min(count, CHUNK)
            self.into(scratch[:step])
            count -= step

    def into(self, target: memoryview) -> None:
        """Fill a buffer, or say that the file is too short."""
        place = 0
        while place < len(target):
            got = self._some(target[place:])
            if not got:
                check_present(self._total, self._given, self._name)
                raise ReadError(f"{self._name} is shorter than its header says")
            place += got
            self._given += got

    def finish(self) -> str:
        """Read on to the end, checking the packed data's own sum, and give the hash."""
        rest = memoryview(bytearray(CHUNK))
        while got := self._some(rest):
            self._given += got
            if self._unpack is not None and self._given > self._most:
                check_unpacked(self._given, self._file.tell(), self._name)
        return self._hash.hexdigest()

    def _some(self, target: memoryview) -> int:
        if self._unpack is None:
            got = self._file.readinto(target)
            self._hash.update(target[:got])
            return got
        while True:
            if self._unpack.eof and not self._next_member():
                return 0
            packed = self._left or self._read()
            if not packed:
                raise ReadError(
                    f"{self._name} is shorter than its header says: its packed data break off "
                    f"after {self._given} of {self._total} bytes"
                )
            try:
                data = self._unpack.decompress(packed, len(target))
            except zlib.error as fault:
                raise ReadError(
                    f"{self._name} is damaged: its packed data fail their own check, "
                    "copy or export it again"
                ) from fault
            self._left = self._unpack.unconsumed_tail
            if data:
                target[: len(data)] = data
                return len(data)

    def _next_member(self) -> bool:
        """Go on with the next gzip member, if there is one; padding zeros are not."""
        assert self._unpack is not None
        self._left = self._unpack.unused_data or self._read()
        if not self._left.startswith(GZIP):
            while self._read():  # still hashed
                pass
            return False
        self._unpack = zlib.decompressobj(47)
        return True

    def _read(self) -> bytes:
        data = self._file.read(CHUNK // 4)
        self._hash.update(data)
        return data
