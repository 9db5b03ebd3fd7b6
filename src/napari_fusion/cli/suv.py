"""``napari-fusion suv``: standardised uptake values of a PET, or why there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from napari_fusion.cli.run import Suv
from napari_fusion.cli.screen import AsJson, bar, say, say_files, say_json, warn
from napari_fusion.cli.volumes import (
    FrameNumber,
    Reading,
    Rectify,
    SeriesUids,
    check_out,
    load_all,
)


def suv(  # noqa: PLR0913 - one parameter per option
    pet: Annotated[Path, typer.Argument(help="A PET series: DICOM folder, zip or file.")],
    *,
    out: Annotated[Path, typer.Option(help="The result: .nii.gz, .nii, .mha or .nrrd.")],
    kind: Annotated[
        Suv, typer.Option(help="bw: body weight; lbm: lean body mass; bsa: body surface.")
    ] = Suv.bw,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    as_json: AsJson = False,
) -> None:
    """Turn a PET into standardised uptake values, by the dose, times and weight it tells of."""
    from napari_fusion.io import save
    from napari_fusion.quantify import to_suv

    check_out(out, (pet,))
    with bar() as progress:
        (volume,) = load_all([pet], Reading(series, frame, rectify), progress)
        found = to_suv(volume, kind.value)
        progress(0.9, "writing")
        save(found, out)
    for sentence in found.warnings:
        warn(sentence)
    told = dict(found.history[-1].parameters) if found is not volume else {"by": "SUV as stored"}
    highest = float(np.nanmax(found.array))
    if as_json:
        say_json({"unit": found.unit, "highest": highest, **told, "outputs": [str(out)]})
        return
    say(f"SUV{kind.value} up to {highest:.3g} {found.unit}: {told['by']}")
    say_files([str(out)])
