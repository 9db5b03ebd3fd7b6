"""Let new files take the places of older ones, all of them or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from napari_fusion.errors import WriteError

Moves = list[tuple[Path, Path]]


def exchange(new: Path, folder: Path, names: Sequence[str], gone: Sequence[str]) -> None:
    """Move files into a folder, and away what they replace; any fault, even Ctrl-C, undoes it.

    Parameters
    ----------
    new
        Where the files lie, on the same disk.
    folder
        Where they belong.
    names
        What they are called.
    gone
        Files of the folder that go without a successor.

    Raises
    ------
    OSError
        A file could not be moved; everything is as it was.
    WriteError
        Nor could all be put back: the sentence says where the older files are.
    """
    former = Path(tempfile.mkdtemp(prefix=".former-", dir=folder))
    there = [name for name in (*names, *gone) if (folder / name).exists()]
    moves = [(folder / name, former / name) for name in there]
    moves += [(new / name, folder / name) for name in names]
    begun: Moves = []
    try:
        for move in moves:
            begun.append(move)  # before it happens: whether it did is seen by what is where
            move[0].replace(move[1])
    except BaseException as fault:
        if not _undone(begun):
            raise WriteError(
                f"the results in {folder} could not be exchanged, and not all put back: the older "
                f"ones are in its hidden folder {former.name}"
            ) from fault
        former.rmdir()
        raise
    shutil.rmtree(former, ignore_errors=True)


def _undone(begun: Moves) -> bool:
    """Move back what was moved, the last first, and say whether all of it went."""
    whole = True
    for source, target in reversed(begun):
        try:
            if not source.exists():
                target.replace(source)
        except OSError:
            whole = False
    return whole
