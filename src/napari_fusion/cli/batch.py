"""``napari-fusion batch``: one recipe for every case of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_fusion.cli.run import (
    RECIPE,
    Accepted,
    Finite,
    InSuv,
    MethodName,
    Params,
    Registering,
    Sideless,
    recipe_of,
    requested,
)
from napari_fusion.cli.screen import AsJson, bar, say, say_files, say_json
from napari_fusion.cli.settings import read_object
from napari_fusion.cli.transform import OtherPair
from napari_fusion.cli.volumes import (
    FrameNumber,
    Modalities,
    Rectify,
    Strangers,
    check_modalities,
)
from napari_fusion.cli.windows import HELP, check_words


def batch(  # noqa: PLR0913 - one parameter per option
    table: Annotated[
        Path, typer.Argument(help="CSV: case, fixed, moving (moving_2, …); paths from its folder.")
    ],
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for a folder per case, cases.csv and cases.html.")
    ],
    jobs: Annotated[int, typer.Option(min=1, help="Cases at a time; each takes its memory.")] = 1,
    method: MethodName = None,
    param: Params = None,
    register: Registering = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe, or the record.json of a run.")
    ] = None,
    other_pair: OtherPair = False,
    suv: InSuv = None,
    windows: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    accept: Accepted = None,
    nan: Finite = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    modality: Modalities = None,
    different_patients: Strangers = False,
    unknown_sides: Sideless = False,
    as_json: AsJson = False,
) -> None:
    """Run every case of a table; a failure is one row, and the same command again goes on."""
    from napari_fusion.batch import run_table

    check_words(windows)
    check_modalities(modality)
    changes = requested(
        *(method, param, register),
        accept=accept,
        nan=nan,
        suv=suv,
        different_patients=different_patients,
        unknown_sides=unknown_sides,
    )
    asked = recipe_of(read_object(recipe, RECIPE), changes)
    options = [f"--windows={one}" for one in windows or []]
    options += [f"--modality={one}" for one in modality or []]
    options += [f"--frame={frame}"] * (frame is not None) + ["--rectify"] * rectify
    options += ["--other-pair"] * other_pair
    with bar() as progress:
        rows = run_table(table, out, asked, options=options, jobs=jobs, progress=progress)
    failed = [row for row in rows if row.status == "failed"]
    outputs = [str(out / name) for name in ("cases.csv", "cases.html", "request.json")]
    if as_json:
        say_json({"cases": [row.to_json() for row in rows], "outputs": outputs})
    else:
        for row in rows:
            said = ", ".join(filter(None, (row.status, row.verdict)))
            say(f"{row.case}: {said}. {row.sentence}")
        say(f"{len(rows) - len(failed)} of {len(rows)} cases are done, {len(failed)} failed")
        say_files(outputs)
    if failed:
        raise typer.Exit(1)
