"""``napari-fusion pipeline``: from slices to a pruned, quantised, ranked network at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.cli.evaluate import evaluate
from napari_fusion.cli.prune import prune
from napari_fusion.cli.quantise import quantise
from napari_fusion.cli.screen import say
from napari_fusion.cli.settings import read_settings
from napari_fusion.cli.train import Config, Data, Out, Val, needed, train

CLASSIC = "auto,maximum,weighted,guided,laplacian_sml,laplacian,average"


def pipeline(  # noqa: PLR0913 - options of a command
    *,
    data: Data,
    out: Out,
    val: Val = None,
    config: Config = None,
    judge: Annotated[
        Path | None, typer.Option(help="Paired slices for the final table.", show_default="--val")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take one slice of so many for the table.")] = 1,
    methods: Annotated[
        str, typer.Option(help="Methods that the networks are ranked among.")
    ] = CLASSIC,
) -> None:
    """Train a network, prune it, store both in eight bits and rank them, as one resumable run."""
    told = read_settings(config)
    start = time.perf_counter()
    dense, pruned = out / "dense", out / "pruned"
    if not (dense / "network.safetensors").exists():
        train(data=data, out=dense, val=val, config=config)
    _said("dense", start)
    if not (pruned / "network.safetensors").exists():
        prune(dense / "network.safetensors", data=data, out=pruned, val=val, config=config)
    _said("pruned", start)
    files = []
    for folder in (dense, pruned):
        _described(folder / "network.safetensors", told.get("card", {}), data)
        files.append(folder.with_suffix(".safetensors"))
        quantise(folder / "network.safetensors", out=files[-1], data=judge or val)
    _said("quantised", start)
    pairs = judge or val
    if pairs is not None:
        words = ",".join([*map(str, reversed(files)), methods])
        evaluate(data=pairs, out=out / "evaluation", methods=words, every=every)
        _said("evaluated", start)


def _said(stage: str, start: float) -> None:
    say(f"{stage} after {(time.perf_counter() - start) / 60:.1f} minutes")


def _described(path: Path, card: dict[str, Any], data: Path) -> None:
    """Put on a network's card what the settings tell of it, and the digest of its data."""
    with needed():
        from napari_fusion.nets.checkpoint import Checkpoint
        from napari_fusion.nets.data import digest
    Checkpoint.load(path).described(**card, data_sha256=digest(data)).save(path)
