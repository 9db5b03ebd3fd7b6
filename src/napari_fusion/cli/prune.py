"""``napari-fusion prune``: cut a network to a budget, candidates and controls in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_fusion.checked import checked
from napari_fusion.cli.candidates import draw
from napari_fusion.cli.screen import bar, say, say_files
from napari_fusion.cli.settings import SETTINGS, read_settings
from napari_fusion.cli.train import Config, Data, Out, Val, needed, train_data
from napari_fusion.io.atomic import write_table


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
    table = out / "candidates.csv"
    write_table(table, rows[0], rows)
    picture = draw(rows, out / "candidates.png")
    for row in rows:
        say(
            f"{row['criterion']}: widths {row['widths']}, {row['parameters']} parameters, "
            f"{row['macs']} multiply-accumulates, validation {row['after_trial']:.4f}"
        )
    say(f"chosen: {pruned.card['pruned_by']}")
    say_files([str(path), str(table), str(picture)])
