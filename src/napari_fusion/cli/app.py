"""The commands ``napari-fusion demo | run | info | …``, one a file."""

from __future__ import annotations

from typing import Annotated

import typer

import napari_fusion
from napari_fusion.cli.align import align
from napari_fusion.cli.apply import apply
from napari_fusion.cli.batch import batch
from napari_fusion.cli.change import change
from napari_fusion.cli.colour import colour
from napari_fusion.cli.demo import demo
from napari_fusion.cli.evaluate import evaluate
from napari_fusion.cli.info import info
from napari_fusion.cli.measure import measure
from napari_fusion.cli.methods import methods
from napari_fusion.cli.metrics import metrics
from napari_fusion.cli.pipeline import pipeline
from napari_fusion.cli.prune import prune
from napari_fusion.cli.quantise import quantise
from napari_fusion.cli.run import run
from napari_fusion.cli.screen import say
from napari_fusion.cli.suv import suv
from napari_fusion.cli.train import train
from napari_fusion.cli.view import view

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Register, fuse and account for CT, MR, PET and SPECT volumes. Not a medical device.",
)
_COMMANDS = (
    demo, view, align, apply, run, batch, change, colour, suv, measure, methods, info, metrics,
    evaluate, train, prune, quantise, pipeline,
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
