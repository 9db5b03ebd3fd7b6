"""The shell's door: a fault of any command is one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys

from napari_fusion.errors import FusionError

STOPPED = 130
"""Exit code of a command that Ctrl-C ended, or what is taken as that, as shells have it."""


def main(args: list[str] | None = None) -> None:
    """Run the command; a known fault is one plain sentence and exit code 1, never a traceback."""
    if args is None:
        _end_in_order()
    try:
        from napari_fusion.cli.app import app  # takes a while, in which Ctrl-C may come

        app(args)
    except FusionError as error:
        _fail(str(error))
    except OSError as error:
        if not (sentence := _of_the_system(error)):
            raise
        _fail(sentence)
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        _fail("there is not enough memory for these volumes: close other programs or crop them")
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as end:
        if end.code == STOPPED:  # typer's answer to Ctrl-C
            _stopped()
        raise


def _end_in_order() -> None:
    """Take the end that a scheduler or a closed terminal asks for as Ctrl-C, which tidies up.

    By default the process would vanish: cases of a cohort would run on, temporary images stay.
    """
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        asked = getattr(signal, name, None)
        if asked is not None and signal.getsignal(asked) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(asked, signal.default_int_handler)


def _of_the_system(error: OSError) -> str:
    """Say what the system refused, nothing where it names no place."""
    if error.errno == errno.ENOSPC:
        return "no space is left on the device for what is printed: make some, and try again"
    if error.errno is None or error.filename is None:
        return ""
    return f"{error.filename} cannot be used: {os.strerror(error.errno).lower()}"


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out: ITK says so by a RuntimeError."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "allocate memory" in words or "bad_alloc" in words


def _stopped() -> None:
    _fail("stopped; no unfinished file was kept", STOPPED)


def _fail(sentence: str, code: int = 1) -> None:
    from napari_fusion.cli.screen import fail

    fail(sentence)
    sys.exit(code)
