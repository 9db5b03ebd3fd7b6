"""The process that reads files for another: started by `napari_fusion.io.isolated`, never by hand.

It hears pickled jobs on its standard input and answers on its standard output; both ends are this
package and the same user, so pickle opens no door that is not open already. What libraries print
goes nowhere: it may name a patient.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from napari_fusion.errors import FusionError, ReadError
from napari_fusion.io import identity
from napari_fusion.io.passage import SLOT, SLOTS, Message, Passage
from napari_fusion.io.shared import Hand, Region, inherited_hand
from napari_fusion.io.workspace import Order, Sink, Workspace, working_in

HEADROOM = 2**30
"""Bytes any job may use …"""

VOLUME_SHARE = 3
"""… and this many times the bytes of its volume, or of its largest file."""

TELL_EVERY_S = 0.05
SMALL = 2**16
"""Arrays below this size travel in the message."""


@dataclass(frozen=True)
class Job:
    """What to call, under which key patients become tokens.

    Parameters
    ----------
    function
        A function of a module, called with the arguments.
    key
        The caller's `identity.key`, so that tokens can be compared.
    name
        The file's name, for messages.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)
    key: bytes = b""
    name: str = "the file"


class Desk:
    """Where one job is done: its memory, its cap and its progress.

    Parameters
    ----------
    say
        Sends a message to the parent.
    wait
        Waits for the parent to say which buffer it has emptied.
    hand
        Hands memory to the parent.
    """

    def __init__(self, say: Callable[..., None], wait: Callable[[], int], hand: Hand) -> None:
        self._say, self._wait, self._hand = say, wait, hand
        self._regions: list[Region] = []
        self._ring: Region | None = None
        self._passage: Passage | None = None
        self._told = 0.0
        self._most = 0

    def workspace(self) -> Workspace:
        """Give the surroundings of readers at this desk."""
        return Workspace(self.stream, self.tell, self.expect)

    def stream(self, order: Order) -> Sink | None:
        """Let a volume's slices pass to the parent as they are read; one volume for each job."""
        if self._passage is not None or 4 * order.plane[0] * order.plane[1] > SLOT:
            return None
        if self._ring is None:
            self._ring = Region(SLOTS * SLOT)
            self._say("ring", self._hand.give([self._ring]))
        self._say("volume", order)
        self._passage = Passage(self._ring, order, self._say, self._wait)
        return self._passage

    def tell(self, fraction: float, message: str) -> None:
        """Pass progress on, not too often; this is also the sign of life."""
        now = time.monotonic()
        if now - self._told >= TELL_EVERY_S:
            self._told = now
            self._say("told", float(fraction), message)

    def expect(self, nbytes: int) -> None:
        """Raise the memory cap to what a file or volume of this size needs."""
        if nbytes > self._most or not nbytes:
            self._most = nbytes
            limit_memory(HEADROOM + VOLUME_SHARE * nbytes)
            self._say("cap", HEADROOM + VOLUME_SHARE * nbytes)

    def do(self, job: Job) -> None:
        """Do a job and send its outcome; every way it can fail becomes one plain sentence."""
        identity.use_key(job.key)
        try:
            self.expect(0)
            with working_in(self.workspace()):
                outcome = job.function(*job.args, **job.keywords)
            self._send(outcome)
        except FusionError as fault:
            self._say("failed", type(fault).__name__, str(fault))
        except MemoryError:
            self._say("failed", ReadError.__name__, f"{job.name} needs more memory than its size "
                      "explains: the file is damaged or not what it claims to be")  # fmt: skip
        except Exception as fault:  # noqa: BLE001 - the border: a fault here is the file's, not the caller's
            told = getattr(fault, "strerror", None)  # the system's word about the place
            why = told.lower() if told else ("the file is damaged or not of a known kind "
                                             f"({type(fault).__name__})")  # fmt: skip
            self._say("failed", ReadError.__name__, f"{job.name} cannot be read: {why}")

    def clear(self) -> None:
        """Let go of the last job's memory."""
        for region in self._regions:
            region.let_go()
        self._regions.clear()
        self._passage = None
        self._most = 0

    def _send(self, outcome: Any) -> None:
        handed: list[Region] = []

        def outside(buffer: pickle.PickleBuffer) -> bool:
            """Put a large array beside the message; True keeps a small one in it."""
            data = buffer.raw()
            if data.nbytes < SMALL:
                return True
            handed.append(self._region_of(data))
            return False

        if self._passage is None:
            message = pickle.dumps(outcome, protocol=5, buffer_callback=outside)
        else:
            self._passage.flush()
            file = BytesIO()
            Message(file, outside, self._passage.array.ctypes.data).dump(outcome)
            message = file.getvalue()
        self._say("done", message, self._hand.give(handed))

    def _region_of(self, data: memoryview) -> Region:
        """Copy an array into memory that the parent can keep."""
        region = Region(data.nbytes)
        self._regions.append(region)
        region.put(data)
        return region


def limit_memory(nbytes: int) -> None:
    """Let this process take so many more bytes than it holds now, where the system can cap it.

    Linux counts private memory (RLIMIT_DATA), which the volume itself is not. macOS accepts such
    limits and ignores them, and Windows has none; there the parent watches (see `isolated`).
    """
    if sys.platform != "linux":
        return
    import resource

    pages = int(_statm()[5])
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = pages * resource.getpagesize() + nbytes
    resource.setrlimit(
        resource.RLIMIT_DATA,
        (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most),
    )


def _statm() -> list[bytes]:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read for every job
        return file.read().split()


def _keep_quiet() -> None:
    """Leave no dump of voxels, no dialog about a crash, and Ctrl+C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.SetErrorMode(msvcrt.SEM_FAILCRITICALERRORS | msvcrt.SEM_NOGPFAULTERRORBOX)
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _private(descriptor: int, mode: str) -> IO[bytes]:
    """Move a standard stream out of the way of what libraries read and print."""
    stream = os.fdopen(os.dup(descriptor), mode)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return stream


def main(arguments: Sequence[str]) -> None:
    """Do jobs until the parent closes the line or is gone, whose folder then goes too."""
    _keep_quiet()
    with _private(0, "rb") as jobs, _private(1, "wb") as answers, inherited_hand(arguments) as hand:

        def say(*message: Any) -> None:
            pickle.dump(message, answers, protocol=5)
            answers.flush()

        def wait() -> int:
            return int(pickle.load(jobs))

        desk = Desk(say, wait, hand)
        with suppress(EOFError, BrokenPipeError):
            say("ready")
            while True:
                job = pickle.load(jobs)
                if isinstance(job, int):  # a buffer emptied after the last slice
                    continue
                desk.clear()
                if job is not None:
                    desk.do(job)
    with suppress(OSError):  # a parent that was killed left it, and only an empty one is removed
        Path(tempfile.gettempdir()).rmdir()


if __name__ == "__main__":
    main(sys.argv[1:])
