"""Write a file so that it is whole and verified, or not there at all."""

import csv
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from napari_fusion.errors import FusionError, WriteError

PART = ".part-"
"""How the name of an unfinished file begins; one may stay behind if the machine loses power."""


def write_verified(
    path: str | os.PathLike[str],
    write: Callable[[Path], object],
    verify: Callable[[Path], object] | None = None,
) -> Path:
    """Write beside the target, flush, read back, and only then take the target's name.

    Parameters
    ----------
    path
        The file to make or replace. Its folder must exist.
    write
        Called with a temporary path in the same folder and with the same suffix, in small
        letters; writes the file.
    verify
        Called with the written file; raises (any of this package's errors, `OSError`,
        `RuntimeError` or `ValueError`) when it does not read back as it was meant.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    WriteError
        Nothing was written: an older file is as it was, and no temporary file stays.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_verified(target, lambda part: part.write_text("kept")).read_text()
    'kept'
    """
    target = Path(path).resolve()
    check_writable(target)
    part = target.with_name(f"{PART}{secrets.token_hex(6)}{_suffix(target)}")
    try:
        write(part)
        _flush(part)
        if verify is not None:
            verify(part)
        if target.exists():
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    except WriteError:
        raise
    except (FusionError, OSError, RuntimeError, ValueError) as fault:
        raise WriteError(f"{target.name} was not written: {_reason(fault)}") from fault
    finally:
        part.unlink(missing_ok=True)
    _flush(target.parent)
    return target


def write_json(path: str | os.PathLike[str], value: object) -> Path:
    """Write JSON values to read, indented, the file whole or not at all.

    Raises
    ------
    WriteError
        As for `write_verified`.
    """
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    return write_verified(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_table(
    path: str | os.PathLike[str], columns: Iterable[str], rows: Iterable[Mapping[str, object]]
) -> Path:
    """Write rows as CSV under a header, the file whole or not at all.

    Raises
    ------
    WriteError
        As for `write_verified`.
    """

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, list(columns))
            table.writeheader()
            table.writerows(rows)

    return write_verified(path, write)


def check_writable(target: Path) -> None:
    """Say before any work what would stop the file from being written.

    Raises
    ------
    WriteError
        Its folder is missing or not writable, or what has its name cannot be replaced.
    """
    try:
        obstacle = _obstacle(target)
    except OSError as fault:  # a folder above may not be entered, or the name is too long
        obstacle = _reason(fault)
    if obstacle:
        raise WriteError(f"{target.name} was not written: {obstacle}")


def _obstacle(target: Path) -> str:
    """Say what is in the way of a file, nothing where it can be written."""
    if not target.parent.is_dir():
        return "its folder does not exist, make it first"
    if target.is_dir():
        return "a folder has that name"
    if not os.access(target.parent, os.W_OK):
        return "its folder is not writable"
    if target.exists() and not os.access(target, os.W_OK):
        return "the file there is read-only"
    return ""


def _suffix(target: Path) -> str:
    """Keep the suffix that tells a library which format to write, ".nii.gz" in one piece.

    In small letters: libraries do not know ".NII.GZ", or write a file of another name for it.
    """
    suffixes = [suffix.lower() for suffix in target.suffixes[-2:]]
    return "".join(suffixes if suffixes[-1:] == [".gz"] else suffixes[-1:])


def _flush(path: Path) -> None:
    """Have the system put a file (or a folder's names) on the disk; a full disk speaks up here."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder, and renames are flushed by the system
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(fault: BaseException) -> str:
    """Put a fault in one line, without the temporary name."""
    if isinstance(fault, OSError) and fault.strerror:
        return f"{fault.strerror.lower()}"
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[-1] if lines else type(fault).__name__
