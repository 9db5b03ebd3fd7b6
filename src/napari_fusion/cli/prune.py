"""``napari-fusion prune``: cut a network to a budget, candidates and controls in a table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.checked import checked
from napari_fusion.cli.candidates import draw
from napari_fusion.cli.screen import bar, say, say_files
from napari_fusion.cli.settings import SETTINGS, read_settings
from napari_fusion.cli.train import Config, Data, Out, Val, needed, train_data


def prune(
    network: Annotated[Path, typer.Argument(help="The dense network.")],
    *,
    data: Data,
    out: Out,
    val: Val = None,
    config: Config = None,
) -> None:
    """Prune a network by several criteria at one budget, choose by validation, and fine-tune."""
    with needed():
        from napari_fusion.nets.checkpoint import Checkpoint
        from napari_fusion.nets.prune import PruneOptions
        from napari_fusion.nets.prune import prune as carry_out
    from napari_fusion.export import prepared

    options = checked(PruneOptions, read_settings(config).get("prune", {}), SETTINGS)
    dense = Checkpoint.load(network)
    samples = train_data(data, val)
    prepared(out)
    with bar() as progress:
        pruned, rows = carry_out(dense, samples, options, out=out, progress=progress)
    path = pruned.save(out / "network.safetensors")
    table = _table(rows, out / "candidates.csv")
    picture = draw(rows, out / "candidates.png")
    for row in rows:
        say(
            f"{row['criterion']}: widths {row['widths']}, {row['parameters']} parameters, "
            f"{row['macs']} multiply-accumulates, validation {row['after_trial']:.4f}"
        )
    say(f"chosen: {pruned.card['pruned_by']}")
    say_files([str(path), str(table), str(picture)])


def _table(rows: list[dict[str, Any]], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path
