"""What the shell shows: progress bars and sentences on stderr, results on stdout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from napari_fusion.errors import Progress

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
Shot = Annotated[
    bool, typer.Option(help="Picture the real napari window (needs a display or Xvfb).")
]


def say(text: str) -> None:
    """Print one line of the result."""
    Console(soft_wrap=True, emoji=False).print(text, highlight=False, markup=False)


def fail(sentence: str) -> None:
    """Print one plain sentence about a fault."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"napari-fusion: {sentence}", style="red", highlight=False, markup=False)


def warn(sentence: str) -> None:
    """Print one plain sentence the reader of the result has to know."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"warning: {sentence}", style="yellow", highlight=False, markup=False)


def say_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def say_result(result: Mapping[str, Any]) -> None:
    """Print state, measures, times and files of a fusion in words."""
    for sentence in result["warnings"]:
        warn(sentence)
    say(f"registration: {result['state']}")
    for error in result.get("tre_mm", ()):
        say(f"registration error against the known truth: {error:.2f} mm")
    known = {name: value for name, value in result["metrics"].items() if value is not None}
    say("fusion: " + ", ".join(f"{name} {value:.3f}" for name, value in known.items()))
    say("seconds: " + ", ".join(f"{k} {v:.2f}" for k, v in result["seconds"].items()))
    say_files(result["outputs"])


def say_files(paths: Sequence[str]) -> None:
    """Print the files written, one a line."""
    say("written:")
    for path in paths:
        say(f"  {path}")


@contextmanager
def bar() -> Iterator[Progress]:
    """Show a progress bar on stderr while the block runs; it leaves no trace."""
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("starting", total=1.0)

        def progress(fraction: float, message: str) -> None:
            shown.update(task, completed=fraction, description=message)

        yield progress
