"""A folder, a zip or a file, seen as a list of files that can be opened."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from napari_fusion.errors import ReadError
from napari_fusion.io.budget import VOLUME_BYTES, check_unpacked
from napari_fusion.io.closing import Closing

MOST_FILES = 50_000
"""Files looked at in one folder or zip."""


class Source(Closing):
    """What the user pointed at; use as a context.

    Members of a zip are named like files below it (``study.zip/CT/1.dcm``) and read in place, so
    that no name in it can lead anywhere else.

    Raises
    ------
    ReadError
        It does not exist, is a damaged zip, or one that would unpack to more than the budget.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise ReadError(f"{path.name} does not exist")
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[Path, zipfile.ZipInfo] = {}
        if path.is_file() and path.suffix.lower() == ".zip":
            self._open_zip()

    def close(self) -> None:
        """Close the zip, if it is one."""
        if self._zip is not None:
            self._zip.close()

    @property
    def packed(self) -> bool:
        """Whether files have to be unpacked to be read."""
        return self._zip is not None

    def files(self) -> list[Path]:
        """List every file, in the order of their names; links are not followed out.

        Raises
        ------
        ReadError
            More than `MOST_FILES` files, or a folder that may not be read.
        """
        found = sorted(self._members) if self.packed else sorted(self._walk())
        if len(found) > MOST_FILES:
            raise ReadError(
                f"{self.path.name} holds more than {MOST_FILES} files, choose a folder within it"
            )
        return found

    def open(self, path: Path) -> IO[bytes]:
        """Open one of the files for reading."""
        if self._zip is not None:
            return self._zip.open(self._members[path])
        return path.open("rb", buffering=0)

    def size(self, path: Path) -> int:
        """Give a file's size in bytes, unpacked."""
        return self._members[path].file_size if self.packed else path.stat().st_size

    @contextmanager
    def on_disk(self, path: Path) -> Iterator[Path]:
        """Give, while the context lasts, a file that libraries can open by its name.

        Raises
        ------
        ReadError
            A member of a zip cannot be copied: a full disk, or a damaged member.
        """
        if self._zip is None:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="napari-fusion-") as folder:
            copy = Path(folder, path.name)
            try:
                with self.open(path) as packed, copy.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 2**20)
            except OSError as fault:
                raise ReadError(
                    f"{path.name} cannot be unpacked to the temporary folder: {fault.strerror}"
                ) from fault
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as fault:
                raise ReadError(f"{path.name} is damaged within {self.path.name}") from fault
            yield copy

    def _open_zip(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError, ValueError) as fault:
            raise ReadError(f"{self.path.name} is not a zip that can be read") from fault
        members = [m for m in self._zip.infolist() if not m.is_dir()]
        if any(member.flag_bits & 1 for member in members):
            raise ReadError(f"{self.path.name} is encrypted: unpack it with its password first")
        total = sum(member.file_size for member in members)
        check_unpacked(total, self.path.stat().st_size, self.path.name)
        if total > VOLUME_BYTES:
            raise ReadError(f"{self.path.name} would unpack to {total / 2**30:.0f} GiB, too much")
        self._members = {}
        for member in members:
            self._members[self._free(self.path / _harmless(member.filename))] = member

    def _free(self, path: Path) -> Path:
        """Give a path that no other member has: two may differ in what a name cannot hold."""
        number = 1
        free = path
        while free in self._members:
            number += 1
            free = path.with_name(f"{path.stem}_{number}{path.suffix}")
        return free

    def _walk(self) -> Iterator[Path]:
        if self.path.is_file():
            yield self.path
            return
        if not os.access(self.path, os.R_OK | os.X_OK):
            raise ReadError(f"{self.path.name} may not be read: permission denied")
        count = 0
        for folder, _folders, names in os.walk(self.path):
            for name in names:
                count += 1
                if count > MOST_FILES:
                    raise ReadError(
                        f"{self.path.name} holds more than {MOST_FILES} files, "
                        "choose a folder within it"
                    )
                yield Path(folder, name)


def _harmless(name: str) -> str:
    """Keep of a member's name only what can be shown; it is never used as a path on disk."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in {"", ".", ".."}]
    return "/".join(part.replace(":", "_") for part in parts) or "unnamed"
