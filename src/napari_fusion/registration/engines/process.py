"""The process an engine runs in, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from napari_fusion.errors import AlignError, MissingExtra
from napari_fusion.registration.engines.job import ABSENT, JOB, Job

POLL_S = 0.05
"""A cancelled engine is ended this soon."""


def missing(engine: str) -> MissingExtra:
    """Say which extra brings an engine."""
    return MissingExtra(f'{engine} is not installed: pip install "napari-fusion[{engine}]"')


def run(job: Job, folder: Path, beat: Callable[[], None]) -> None:
    """Run an engine on the images of a folder until its answer lies there.

    Parameters
    ----------
    job
        What to find.
    folder
        A private folder with the images; it is the process's own folder, too.
    beat
        Called twenty times a second; whatever it raises ends the process.

    Raises
    ------
    MissingExtra
        The engine cannot be imported.
    AlignError
        The process did not start, or ended without an answer.
    """
    (folder / JOB).write_text(job.written(), "utf-8")
    process = _started(job.engine, folder)
    try:
        while (code := _ended(process)) is None:
            beat()
    finally:
        process.kill()
        process.wait()
    if code == ABSENT:
        raise missing(job.engine)
    if code != 0:
        raise AlignError(
            f"{job.engine} stopped without an answer (exit code {code}): "
            "use the engine 'own', or another start"
        )


def _started(engine: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
        OMP_NUM_THREADS="1",
        ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="1",
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
    )
    # -P: a module lying in the current folder is not ours
    command = [sys.executable, "-P", "-m", "napari_fusion.registration.engines.worker", str(folder)]
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as fault:
        raise AlignError(f"{engine} could not be started: {fault}") from fault


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return None
