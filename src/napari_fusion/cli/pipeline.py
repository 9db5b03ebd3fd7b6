"""``napari-fusion pipeline``: from slices to a pruned, quantised, ranked network at once."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.cli.evaluate import BROAD, TWO_SIDED, evaluate
from napari_fusion.cli.prune import prune
from napari_fusion.cli.quantise import quantise
from napari_fusion.cli.screen import say
from napari_fusion.cli.settings import read_object, read_settings
from napari_fusion.cli.train import Config, Data, Out, Val, needed, train
from napari_fusion.errors import ParameterError
from napari_fusion.io.atomic import write_json

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
    card = told.pop("card", {}) | {"data_sha256": _hashed(data), "data_greys": _greys(data)}
    made_from = {"settings": told, "data": card["data_sha256"], "val": val and _hashed(val)}
    start = time.perf_counter()
    dense, pruned = out / "dense", out / "pruned"
    if not _goes_on(out / "pipeline.json", made_from):
        train(data=data, out=dense, val=val, config=config)
        write_json(out / "pipeline.json", made_from)
    _said("dense", start)
    if not (pruned / "network.safetensors").exists():
        prune(dense / "network.safetensors", data=data, out=pruned, val=val, config=config)
    _said("pruned", start)
    files = []
    for folder in (dense, pruned):
        _described(folder / "network.safetensors", card)
        files.append(folder.with_suffix(".safetensors"))
        quantise(folder / "network.safetensors", out=files[-1], data=judge or val)
    _said("quantised", start)
    pairs = judge or val
    if pairs is not None:
        words = ",".join([*map(str, reversed(files)), methods])
        evaluate(data=pairs, out=out / "evaluation", methods=words, every=every)
        graded = _graded(out / "evaluation", files, _hashed(pairs))
        for path in files:
            _described(path, {"metrics": graded})
        _said("evaluated", start)


def _said(stage: str, start: float) -> None:
    say(f"{stage} after {(time.perf_counter() - start) / 60:.1f} minutes")


def _goes_on(path: Path, made_from: dict[str, Any]) -> bool:
    """Say whether an earlier run got past its dense network.

    Raises
    ------
    ParameterError
        It was made from other slices or with other settings.
    """
    if not path.exists():
        return False
    if read_object(path, "the note of the earlier run") != made_from:
        raise ParameterError(
            f"{path.parent} holds networks from other slices or with other settings: choose "
            "another --out folder, or delete it"
        )
    return True


def _hashed(data: Path) -> str:
    with needed():
        from napari_fusion.nets.data import digest
    return digest(data)


def _greys(data: Path) -> dict[str, list[float]]:
    with needed():
        from napari_fusion.nets.data import greys, load_samples
    return greys(load_samples(data))


def _graded(folder: Path, files: Sequence[Path], pairs: str) -> dict[str, Any]:
    """Give how the original and the pruned network did, side by side, by the evaluation's table."""
    with (folder / "evaluation.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = list(dict.fromkeys((*TWO_SIDED, *BROAD)))
    graded: dict[str, Any] = {"pairs_sha256": pairs}
    for role, path in zip(("original", "pruned"), files, strict=True):
        mine = [row for row in rows if row["method"] == str(path)]
        graded[role] = {row["group"]: {n: _rounded(row[n]) for n in names} for row in mine}
        graded["slices"] = {row["group"]: round(float(row["slices"])) for row in mine}
    return graded


def _rounded(text: str) -> float | None:
    value = float(text)
    return round(value, 4) if math.isfinite(value) else None


def _described(path: Path, card: dict[str, Any]) -> None:
    """Put more on a network's card."""
    with needed():
        from napari_fusion.nets.checkpoint import Checkpoint
    Checkpoint.load(path).described(**card).save(path)
