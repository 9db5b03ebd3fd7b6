"""One case in a process of its own, as the shell would run it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from napari_fusion.batch.row import FAILED, Row
from napari_fusion.batch.table import Case
from napari_fusion.export import RECORD

_PATIENCE_S = 10
_SAID = "napari-fusion: "
"""How the one sentence begins that a command ends with when it fails."""


class Child:
    """``napari-fusion run`` on a case.

    Parameters
    ----------
    case
        What to fuse.
    folder
        Where its results go.
    recipe
        The file that says how.
    options
        More options of ``run``.
    """

    def __init__(self, case: Case, folder: Path, recipe: Path, options: Sequence[str]) -> None:
        self._case, self._folder = case, folder
        places = [str(path.absolute()) for path in case.paths]
        command = [
            *(sys.executable, "-P", "-m", "napari_fusion", "run", *places, "--out", str(folder)),
            *("--recipe", str(recipe), "--json", "--no-window", *options),
            *(f"--series={uid}" for uid in case.series),
            *(f"--alignment={path.absolute()}" for path in case.alignments),
        ]
        self._out, self._err = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops this in turn
        )

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End the process; it removes what it has not finished."""
        self._process.terminate()  # not as Ctrl-C does: jobs in the background ignore that
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def result(self) -> tuple[Row, Mapping[str, Any] | None]:
        """Give the row of a case whose process has ended, and what ``run`` said if it succeeded."""
        said, complaint = _read(self._out), _read(self._err)
        self._close()
        code = self._process.returncode
        if code == 0:
            told = json.loads(said)
            return Row.of(self._case.name, told), told
        sentence = _reason(complaint, code)
        if (self._folder / RECORD).exists():
            sentence += " (its folder holds the results of an earlier request)"
        return Row(self._case.name, FAILED, sentence), None

    def _close(self) -> None:
        self._out.close()
        self._err.close()


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _reason(complaint: str, code: int) -> str:
    """Give the sentence a process ended with, or say how it ended."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith(_SAID):
            return line.removeprefix(_SAID)
    if code < 0:
        return f"its process was ended by signal {-code}: perhaps memory ran out"
    return lines[-1] if lines else f"its process ended with code {code}"
