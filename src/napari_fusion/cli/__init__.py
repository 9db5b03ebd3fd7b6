"""The shell's door: ``napari-fusion demo | run | info | …``, one command a file."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import napari_fusion
from napari_fusion.cli.align import align
from napari_fusion.cli.apply import apply
from napari_fusion.cli.change import change
from napari_fusion.cli.colour import colour
from napari_fusion.cli.demo import demo
from napari_fusion.cli.evaluate import evaluate
from napari_fusion.cli.info import info
from napari_fusion.cli.methods import methods
from napari_fusion.cli.metrics import metrics
from napari_fusion.cli.pipeline import pipeline
from napari_fusion.cli.prune import prune
from napari_fusion.cli.quantise import quantise
from napari_fusion.cli.run import run
from napari_fusion.cli.screen import fail, say
from napari_fusion.cli.train import train
from napari_fusion.cli.view import view
from napari_fusion.errors import FusionError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Register, fuse and account for CT, MR, PET and SPECT volumes. Not a medical device.",
)
_COMMANDS = (
    demo, view, align, apply, run, change, colour, methods, info, metrics, evaluate, train, prune,
    quantise, pipeline,
)  # fmt: skip
for _command in _COMMANDS:
    app.command()(_command)


@app.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        say(napari_fusion.__version__)


STOPPED = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""


def main(args: list[str] | None = None) -> None:
    """Run the command; a known fault is one plain sentence and exit code 1, never a traceback."""
    try:
        app(args)
    except FusionError as error:
        fail(str(error))
        sys.exit(1)
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        fail("there is not enough memory for these volumes: close other programs or crop them")
        sys.exit(1)
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as end:
        if end.code == STOPPED:  # typer's answer to Ctrl-C
            _stopped()
        raise


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out: ITK says so by a RuntimeError."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "allocate memory" in words or "bad_alloc" in words


def _stopped() -> None:
    fail("stopped; no unfinished file was kept")
    sys.exit(STOPPED)
