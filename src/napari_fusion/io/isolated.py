"""`load`, `scan` and `rectified` in a process of their own, so that no file can harm the caller's.

The readers, and the native libraries some of them call, run in a worker that is kept for the next
file. A crash, a hang or too much memory there ends the worker and becomes one sentence here;
voxels arrive through shared memory. Use these where files are not trusted or a window must stay
alive; the plain functions of `napari_fusion.io` read in the caller's process.
"""

from __future__ import annotations

import atexit
import mmap
import os
import pickle
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from napari_fusion import errors
from napari_fusion.errors import Progress, ReadError, silent
from napari_fusion.io import identity
from napari_fusion.io import load as in_process_load
from napari_fusion.io import rectified as in_process_rectified
from napari_fusion.io import scan as in_process_scan
from napari_fusion.io.passage import Answer, Incoming
from napari_fusion.io.plain import place_of
from napari_fusion.io.series import Found, Series
from napari_fusion.io.shared import hands
from napari_fusion.io.worker import Job
from napari_fusion.volume import Volume

SILENCE_S = 60.0
"""A worker that says nothing for so long is stopped."""

LONGEST_S = 3600.0
"""No file is read for longer than this."""

POLL_S = 0.1
"""How often the caller's `Progress` is asked whether to go on."""

T = TypeVar("T")
_OVER = ("over",)
_idle: list[Worker] = []
_lock = threading.Lock()


def load(
    path: str | os.PathLike[str] | Series,
    *,
    series: str | None = None,
    frame: int | None = None,
    progress: Progress | None = None,
) -> Volume:
    """Load one volume as `napari_fusion.load` does, in another process.

    Parameters
    ----------
    path, series, frame
        As for `napari_fusion.load`.
    progress
        Told how far it is; raises `Cancelled` to stop, which ends the reading at once.

    Returns
    -------
    Volume
        The same volume.

    Raises
    ------
    ReadError, GeometryError
        As for `napari_fusion.load`; and where the file crashed its reader, hung it, or asked for
        more memory than its size explains.
    """
    if not isinstance(path, Series):
        path = place_of(path).absolute()
    return call(in_process_load, path, progress=progress, series=series, frame=frame)


def scan(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Found:
    """List the volumes in a folder, zip or file as `napari_fusion.scan` does, in another process.

    Parameters
    ----------
    path, progress
        As for `napari_fusion.scan`.

    Raises
    ------
    ReadError
        As for `napari_fusion.scan` and `load`.
    """
    return call(in_process_scan, place_of(path).absolute(), progress=progress)


def rectified(
    path: str | os.PathLike[str] | Series,
    *,
    series: str | None = None,
    frame: int | None = None,
    progress: Progress | None = None,
) -> Volume:
    """Load a volume by resampling as `napari_fusion.io.rectified` does, in another process.

    Parameters
    ----------
    path, series, frame, progress
        As for `load`.

    Raises
    ------
    ReadError, GeometryError
        As for `load`.
    """
    place = path if isinstance(path, Series) else place_of(path).absolute()
    return call(in_process_rectified, place, progress=progress, series=series, frame=frame)


def call(
    function: Callable[..., T],
    place: Path | Series,
    *,
    progress: Progress | None = None,
    silence_s: float = SILENCE_S,
    spoils: bool = False,
    **keywords: Any,
) -> T:
    """Call a function of a module on a path or series, in a worker process.

    Parameters
    ----------
    function
        What to call there; it, its arguments and its answer are pickled.
    place
        Its first argument; its name is used in messages.
    progress
        Told how far it is; raises `Cancelled` to stop.
    silence_s
        How long the worker may show no sign of life, in s.
    spoils
        Whether what is refused may have damaged the worker's memory: it is not used again then.
    keywords
        Further arguments.

    Raises
    ------
    FusionError
        What the function raises, or that the worker crashed, hung or grew beyond its cap.
    """
    name = (place.source if isinstance(place, Series) else place).name or "the folder"
    worker = _take()
    try:
        job = Job(function, (place,), keywords, identity.key(), name)
        answer: T = worker.do(job, progress or silent, silence_s)
    except ReadError:
        worker.busy |= spoils
        raise
    finally:
        _give_back(worker)
    return answer


class Worker:
    """A process that reads, one job at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.busy = self.ready = False
        self.watched = sys.platform != "linux"  # which caps memory itself
        self._folder = tempfile.mkdtemp(prefix="napari-fusion-")  # for what a killed reader leaves
        self._hand, theirs = hands()
        self._cap = sys.maxsize
        self._ring: mmap.mmap | None = None
        self._incoming: Incoming | None = None
        self._told = (0.0, "")
        with theirs:
            self.process = self._start(theirs.inherited)
        self._heard: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def do(self, job: Job, progress: Progress, silence_s: float) -> Any:
        """Do one job; a worker that is `busy` afterwards is not to be used again."""
        self.busy, self._told, self._incoming = True, (0.0, f"reading {job.name}"), None
        self._send(job)
        began = heard = time.monotonic()
        held, word = self._held(), ""
        while True:
            if word != "slices":
                progress(*self._told)  # asked although nothing is new: this is how it cancels
            try:
                word, *rest = self._heard.get(timeout=POLL_S)
            except queue.Empty:
                word, rest = "", []
            if word == "done":
                return self._receive(*rest)
            self._hear(job.name, word, rest)
            now = time.monotonic()
            heard = now if word else heard
            _check_time(job.name, now - heard, silence_s, now - began)
            if held is not None and (self._held() or 0) - held > self._cap:
                raise ReadError(_greedy(job.name))

    def _hear(self, name: str, word: str, rest: list[Any]) -> None:
        """Take note of one thing the worker said."""
        match word:
            case "told":
                self._told = (rest[0], rest[1])
            case "cap":
                self._cap = rest[0]
            case "ready":
                self.ready = True
            case "ring":
                (self._ring,) = self._hand.take(rest[0])
            case "volume":
                self._incoming = Incoming(rest[0], name)
            case "slices" if self._incoming is not None and self._ring is not None:
                self._incoming.put(self._ring, *rest)
                self._send(rest[0])
            case "failed":
                self.busy = False
                raise getattr(errors, rest[0])(rest[1])
            case "over":
                raise ReadError(self._crash(name))

    def close(self) -> None:
        """End the process and let go of everything it held."""
        self.process.kill()
        self.process.wait()
        self._listener.join()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                assert stream is not None
                stream.close()
        self._hand.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
        environment = dict(
            os.environ,
            PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
            OMP_NUM_THREADS="1",
            OPENBLAS_NUM_THREADS="1",
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._folder),
        )
        # -P: a module lying in the current folder, perhaps beside the images, is not ours
        command = [sys.executable, "-P", "-m", "napari_fusion.io.worker", *map(str, inherited)]
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=inherited,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as fault:
            self._hand.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise ReadError(f"the process that reads files did not start: {fault}") from fault

    def _listen(self) -> None:
        """Queue what the worker says until it is silent for ever."""
        assert self.process.stdout is not None
        try:
            while True:
                self._heard.put(pickle.load(self.process.stdout))
        except Exception:  # noqa: BLE001 - a dying process may say anything
            self._heard.put(_OVER)

    def _send(self, job: Job | int | None) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # it is gone, which the listener hears
            pickle.dump(job, self.process.stdin, protocol=5)
            self.process.stdin.flush()

    def _receive(self, message: bytes, given: list[tuple[str, int]]) -> Any:
        answer = Answer(BytesIO(message), self._hand.take(given), self._incoming).load()
        self._send(None)  # the worker may let go
        self.busy, self._incoming = False, None
        return answer

    def _held(self) -> int | None:
        """Give the bytes the worker holds, where they have to be watched from here."""
        if not self.watched:
            return None
        import psutil

        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:  # it is gone, which the listener hears
            return 0

    def _crash(self, name: str) -> str:
        """Say how the process ended."""
        try:
            code = self.process.wait(1)
        except subprocess.TimeoutExpired:  # it lives and talks nonsense
            self.process.kill()
            code = self.process.wait()
        if not self.ready:
            return f"the process that reads files did not start (exit code {code})"
        how = f"exit code {code}"
        if code < 0:
            how = signal.strsignal(-code) or f"signal {-code}"
        return (
            f"{name} cannot be read: its reader stopped ({how.lower()}), so the file is damaged "
            "or asks for too much memory; nothing else was touched"
        )


def _check_time(name: str, quiet_s: float, silence_s: float, total_s: float) -> None:
    if quiet_s > silence_s:
        raise ReadError(
            f"{name} cannot be read: its reader made no progress for {silence_s:.0f} s and was "
            "stopped; the file is damaged, or its drive does not answer"
        )
    if total_s > LONGEST_S:
        raise ReadError(f"{name} was not read within {LONGEST_S / 60:.0f} minutes and given up")


def _greedy(name: str) -> str:
    return (
        f"{name} needs more memory than its size explains and its reader was stopped: the file is "
        "damaged or not what it claims to be"
    )


def _take() -> Worker:
    """Give an idle worker, or start one."""
    with _lock:
        while _idle:
            worker = _idle.pop()
            if worker.owner == os.getpid() and worker.process.poll() is None:
                return worker
            if worker.owner == os.getpid():
                worker.close()
    return Worker()


def _give_back(worker: Worker) -> None:
    """Keep one worker for the next file; end one that is in the middle of something."""
    with _lock:
        if not worker.busy and not _idle:
            _idle.append(worker)
            return
    worker.close()


def close() -> None:
    """End the idle worker, if any; the next file starts a new one."""
    with _lock:
        kept = [worker for worker in _idle if worker.owner == os.getpid()]
        _idle.clear()
    for worker in kept:
        worker.close()


atexit.register(close)
