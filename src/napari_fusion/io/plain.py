"""Turn what libraries raise on a bad file into one plain sentence."""

import errno
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_fusion.errors import FusionError, ParameterError, ReadError

_FAULTS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_LIBRARY_FAULTS = (
    ("nibabel.filebasedimages", "ImageFileError"),
    ("nibabel.spatialimages", "HeaderDataError"),
    ("nibabel.spatialimages", "HeaderTypeError"),
    ("nibabel.wrapstruct", "WrapStructError"),
    ("pydicom.errors", "InvalidDicomError"),
)


def place_of(path: object, name: str = "path") -> Path:
    """Give the place a caller means.

    Raises
    ------
    ParameterError
        It is no path, or an empty one, which would be the folder the program runs in.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(where := os.fspath(path), str):
        raise ParameterError(f"{name} is {type(path).__name__}, not the path of a file or folder")
    if not where:
        raise ParameterError(f"{name} is empty: give the path of a file or folder")
    return Path(where)


@contextmanager
def plainly(name: str, kind: str) -> Iterator[None]:
    """Raise `ReadError` naming the file for any fault a library finds in it.

    Parsers of hostile bytes fail in many ways; each becomes the same sentence, with the library's
    own words kept as the cause.
    """
    try:
        yield
    except FusionError:
        raise
    except PermissionError as fault:
        raise ReadError(f"{name} may not be read: permission denied") from fault
    except FileNotFoundError as fault:
        raise ReadError(f"{name} does not exist") from fault
    except _faults() as fault:
        number = fault.errno if isinstance(fault, OSError) else None
        if number not in (None, errno.EINVAL):  # the disk, not what is in the file
            raise ReadError(f"{name} cannot be read: {os.strerror(number).lower()}") from fault
        raise ReadError(
            f"{name} cannot be read as {kind}: the file is damaged or not of that kind"
        ) from fault


def _faults() -> tuple[type[Exception], ...]:
    """Add the errors of the libraries that are loaded; those not loaded cannot have failed."""
    loaded = [(sys.modules.get(module), error) for module, error in _LIBRARY_FAULTS]
    return (*_FAULTS, *(getattr(module, error) for module, error in loaded if module))
