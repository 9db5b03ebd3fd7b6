"""One cohort at a time in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_fusion.errors import WriteError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other cohorts out of a folder: their request would be taken for this one's.

    The system lets go of the folder when the process ends, however it ends. Windows, and disks
    that know no locks, keep nobody out.

    Raises
    ------
    WriteError
        Another cohort is at work there.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(place)
        raise WriteError(
            f"another cohort is at work in {folder}: wait for its end, or choose another --out "
            "folder"
        ) from error
    except OSError:  # no locks there
        pass
    try:
        yield
    finally:
        os.close(place)
