"""``napari-fusion apply``: draw a volume on another's grid through a transform file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import numpy as np
import typer

from napari_fusion.cli.labels import as_labels, looks_like_labels
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
    from napari_fusion.registration import Interpolation


def apply(  # noqa: PLR0913 - one parameter per option
    transform: Annotated[Path, typer.Argument(help="A transform, fixed to moving, any format.")],
    moving: Annotated[Path, typer.Argument(help="The volume or labels to draw.")],
    *,
    like: Annotated[Path, typer.Option(help="The volume whose grid it is drawn on.")],
    out: Annotated[Path, typer.Option(help="The result: .nii.gz, .nii, .mha or .nrrd.")],
    inverse: Annotated[
        bool, typer.Option("--inverse", help="The transform runs from MOVING to LIKE: undo it.")
    ] = False,
    labels: Annotated[
        bool | None,
        typer.Option(
            help="Draw with the nearest voxel, keep whole numbers.",
            show_default="when they look so",
        ),
    ] = None,
    interpolation: Annotated[
        str | None, typer.Option(help="linear, cubic or nearest.", show_default="linear")
    ] = None,
    fill: Annotated[
        float | None, typer.Option(help="Value outside the volume.", show_default="its background")
    ] = None,
    accept: Annotated[Accept, typer.Option(help="Worst verdict to apply.")] = Accept.CHECK,
    other_pair: OtherPair = False,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    as_json: AsJson = False,
) -> None:
    """Draw a volume, or labels, where a transform says they lie on another volume's grid."""
    from napari_fusion.io import save
    from napari_fusion.io.voxels import EXACT
    from napari_fusion.registration import resample

    kind = _interpolation(interpolation, labels=labels)
    if fill is not None and not abs(fill) <= float(np.finfo(np.float32).max):
        raise ParameterError(f"--fill {fill:g}: expected a number that a voxel can hold")
    check_out(out, (moving, like, transform))
    with bar() as progress:
        source, target = load_all([moving, like], Reading(series, frame, rectify), progress)
        drawn_as_labels = looks_like_labels(source) if labels is None else labels
        if drawn_as_labels and interpolation not in (None, "nearest"):
            raise ParameterError(
                f"{moving.name} holds labels, which cannot be mixed: leave --interpolation out, "
                "or say --no-labels"
            )
        if drawn_as_labels and np.abs(source.array).max(initial=0) >= EXACT:
            raise ParameterError(
                f"{moving.name} holds labels of {EXACT} or more, which 32-bit numbers cannot tell "
                "apart: number them anew"
            )
        if drawn_as_labels and fill is not None and (fill < 0 or fill % 1):
            raise ParameterError(f"--fill {fill:g}: a label is a whole number, 0 or more")
        source = as_labels(source) if drawn_as_labels else source
        ends = ((moving, source), (like, target)) if inverse else ((like, target), (moving, source))
        alignment = load_transform(transform, *ends, other_pair=other_pair, judged=False)
        hold(alignment.quality, accept, "Nothing was applied.")
        alignment = alignment.inverse() if inverse else alignment
        progress(0.4, "drawing")
        drawn = resample(source, target.grid, alignment, interpolation=kind, fill=fill)
        progress(0.8, "writing")
        save(drawn, out)
    quality = alignment.quality
    for sentence in dict.fromkeys([*source.warnings, *target.warnings]):
        warn(sentence)
    result: dict[str, Any] = {
        "verdict": quality.verdict,
        "sentence": quality.sentence,
        "labels": drawn_as_labels,
        "interpolation": drawn.history[-1].parameters["interpolation"],
        "outputs": [str(out)],
    }
    if as_json:
        say_json(result)
        return
    say(f"{quality.verdict}: {quality.sentence}")
    say(f"drawn {'as labels, ' if drawn_as_labels else ''}{result['interpolation']}")
    say_files(result["outputs"])


def _interpolation(asked: str | None, *, labels: bool | None) -> Interpolation:
    """Check the name before anything is read."""
    from napari_fusion.registration import Interpolation

    for known in get_args(Interpolation):
        if known == (asked or ("nearest" if labels else "linear")):
            kind: Interpolation = known
            return kind
    allowed = ", ".join(get_args(Interpolation))
    raise ParameterError(f"--interpolation {asked}: expected one of {allowed}")
