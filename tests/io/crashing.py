"""What a reader may do at its worst, to be called in a worker process."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from napari_fusion.errors import GeometryError
from napari_fusion.io.workspace import workspace


def segfault(path):
    ctypes.string_at(0)


def abort(path):
    os.abort()


def leave(path):
    os._exit(3)


def hang(path):
    time.sleep(600)


def work_on(path):
    """Show progress for ever."""
    while True:
        time.sleep(0.02)
        workspace().tell(0.5, "still at it")


def devour(path):
    """Ask for far more memory than any file of its size explains."""
    return np.ones(2**31, np.uint8).sum()


def devour_slowly(path):
    """Grow, touching every page, until stopped from outside."""
    held = []
    for _ in range(100):
        held.append(np.ones(2**22, np.uint8))
        time.sleep(0.02)
    return len(held)


def devour_all(path):
    """Grow far beyond any cap, touching every page, until stopped from outside."""
    held = []
    for _ in range(128):
        held.append(np.ones(2**25, np.uint8))
        time.sleep(0.02)
    return len(held)


def platform(path):
    """Say what this process takes its system for, and whether it may ask for memory caps."""
    import sys

    return sys.platform, "resource" in sys.modules


def stumble(path):
    raise KeyError("a fault nobody foresaw, naming ZZPHI")


def refuse(path):
    raise GeometryError("slices are 5.0 mm apart, the rest 2.5 mm")


def talk_nonsense(path):
    """Break the line to the parent, and live on."""
    for descriptor in range(3, 20):
        with suppress(OSError):
            os.write(descriptor, b"no pickle")
    time.sleep(600)


def print_much(path):
    os.write(1, b"ZZPHI" * 1000)
    os.write(2, b"ZZPHI" * 1000)
    return "quiet"


def leave_a_file(path):
    import tempfile

    Path(tempfile.mkdtemp(), "pixels").write_bytes(b"voxels")
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def descriptors(path):
    """Count what this process holds open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def arrays(path, shape):
    """Give an array that was not made by a workspace, and a small one."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape), np.eye(4)
