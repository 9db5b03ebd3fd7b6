"""``napari-fusion measure``: what a volume holds in regions of interest, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_fusion.cli.labels import as_labels
from napari_fusion.cli.run import InSuv
from napari_fusion.cli.screen import AsJson, bar, say, say_files, say_json, warn
from napari_fusion.cli.transform import OtherPair, hold, load_transform
from napari_fusion.cli.volumes import (
    Accept,
    FrameNumber,
    Reading,
    Rectify,
    SeriesUids,
    check_out,
    load_all,
)
from napari_fusion.errors import ParameterError

if TYPE_CHECKING:
    from napari_fusion.quantify import RoiStats
    from napari_fusion.registration import Alignment
    from napari_fusion.volume import Volume

TRUNCATED = 0.9
"""A region of which less than this share lies in the volume is told of."""


def measure(  # noqa: PLR0913 - one parameter per option
    volume: Annotated[Path, typer.Argument(help="The volume to measure: file, folder or zip.")],
    regions: Annotated[Path, typer.Argument(help="Labels: whole numbers, 0 outside.")],
    *,
    transform: Annotated[
        Path | None,
        typer.Option(help="A transform from the regions' volume to the measured one."),
    ] = None,
    accept: Annotated[Accept, typer.Option(help="Worst verdict to measure by.")] = Accept.CHECK,
    other_pair: OtherPair = False,
    suv: InSuv = None,
    out: Annotated[Path | None, typer.Option(help="A table to write, .csv.")] = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    as_json: AsJson = False,
) -> None:
    """Measure a volume on its own grid in every region: mL, mean, spread, percentiles, peak."""
    from napari_fusion.io.atomic import write_table
    from napari_fusion.quantify import measure as measured
    from napari_fusion.quantify import to_suv

    if out is not None:
        check_out(out, (volume, regions, *filter(None, [transform])), (".csv",))
    with bar() as progress:
        source, drawn = load_all([volume, regions], Reading(series, frame, rectify), progress)
        source = source if suv is None else to_suv(source, suv.value)
        drawn = as_labels(drawn)
        alignment = None
        if transform is not None:
            ends = (regions, drawn), (volume, source)
            alignment = load_transform(transform, *ends, other_pair=other_pair, judged=False)
            hold(alignment.quality, accept, "Nothing was measured.")
            if alignment.quality.verdict != "PASS":
                warn(f"{alignment.quality.verdict}: {alignment.quality.sentence}")
        progress(0.4, "measuring")
        rows = measured(source, _on_grid_of(source, drawn, alignment))
        progress(0.9, "writing")
        if out is not None:
            table = [row.to_json() for row in rows]
            write_table(out, table[0], table)
    for sentence in (*dict.fromkeys([*source.warnings, *drawn.warnings]), *_lost(drawn, rows)):
        warn(sentence)
    outputs = [str(out)] if out is not None else []
    if as_json:
        say_json({"regions": [row.to_json() for row in rows], "outputs": outputs})
        return
    for row in rows:
        say(in_words(row))
    if outputs:
        say_files(outputs)


def in_words(row: RoiStats) -> str:
    """Tell a region's numbers in a line."""
    unit = "" if row.unit == "1" else f" {row.unit}"
    missing = f", {row.missing} voxels without a value" if row.missing else ""
    return (
        f"region {row.label}: {row.ml:.2f} mL, mean {row.mean:.4g} ± {row.sd:.3g}{unit}, "
        f"{row.minimum:.4g} to {row.maximum:.4g}, peak {row.peak:.4g}{missing}"
    )


def _on_grid_of(source: Volume, drawn: Volume, alignment: Alignment | None) -> Volume:
    """Bring regions to the measured volume's grid, each voxel to the nearest label."""
    from napari_fusion.registration import resample

    if alignment is None and not source.grid.agrees(drawn.grid):
        warn(
            "NOT REGISTERED: the regions lie on another grid, and the files' own coordinates "
            "were taken as they are; --transform says where they belong"
        )
    found = resample(drawn, source.grid, alignment and alignment.inverse(), fill=0)
    if drawn.array.any() and not found.array.any():
        raise ParameterError(
            "no region lies in the volume: see whether they belong together, and say with "
            "--transform how they lie"
        )
    return found


def _lost(drawn: Volume, rows: Sequence[RoiStats]) -> list[str]:
    """Name regions that the measured volume holds a part of, or nothing."""
    import numpy as np

    voxel_ml = float(np.prod(drawn.grid.spacing)) / 1000
    labels, counts = np.unique(drawn.array[drawn.array != 0], return_counts=True)
    before = dict(zip(labels.tolist(), (counts * voxel_ml).tolist(), strict=True))
    after = {row.label: row.ml for row in rows}
    return [
        f"region {label:g} has {ml:.2f} mL as drawn and {after.get(label, 0.0):.2f} mL in the "
        "volume: a part lies outside it, or between its voxels"
        for label, ml in before.items()
        if after.get(label, 0.0) < TRUNCATED * ml
    ]
