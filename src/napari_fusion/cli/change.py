"""``napari-fusion change``: what differs between two dates beyond misregistration and noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.cli.run import (
    Accepted,
    Finite,
    InSuv,
    MethodName,
    Params,
    Registering,
    Sideless,
    check_one_pose,
    recipe_of,
    requested,
)
from napari_fusion.cli.screen import AsJson, bar, say, say_json, say_result, warn
from napari_fusion.cli.transform import OtherPair, load_transforms
from napari_fusion.cli.volumes import (
    FrameNumber,
    Modalities,
    Reading,
    Rectify,
    SeriesUids,
    Strangers,
    load_all,
    named,
)
from napari_fusion.cli.windows import HELP, check_presets
from napari_fusion.errors import between


def change(  # noqa: PLR0913 - one parameter per option
    baseline: Annotated[Path, typer.Argument(help="The earlier volume, which stays.")],
    followup: Annotated[Path, typer.Argument(help="The later one, same modality and unit.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    uncertainty: Annotated[
        float | None,
        typer.Option(
            min=0, help="How far the alignment may be off, mm.", show_default="what its check says"
        ),
    ] = None,
    sigmas: Annotated[
        float, typer.Option(min=0, help="How many standard deviations of noise are no change.")
    ] = 5.0,
    scale: Annotated[
        float, typer.Option(min=0, help="How much both are smoothed before comparing, mm.")
    ] = 1.0,
    method: MethodName = None,
    register: Registering = None,
    alignment: Annotated[
        Path | None, typer.Option(help="A transform, used instead of registering.")
    ] = None,
    other_pair: OtherPair = False,
    accept: Accepted = None,
    param: Params = None,
    suv: InSuv = None,
    nan: Finite = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    modality: Modalities = None,
    different_patients: Strangers = False,
    unknown_sides: Sideless = False,
    windows: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    as_json: AsJson = False,
) -> None:
    """Align a follow-up to its baseline, fuse both, and write the signed change between them."""
    from napari_fusion import export
    from napari_fusion.cli.windows import windows as read_windows
    from napari_fusion.recipe import changed, in_suv
    from napari_fusion.recipe import run as carry_out

    asked = requested(
        *(method, param, register),
        windows=read_windows(windows, 2),
        accept=accept,
        nan=nan,
        suv=suv,
        different_patients=different_patients,
        unknown_sides=unknown_sides,
    )
    check_one_pose(alignment is not None, register)
    recipe = recipe_of({}, asked)
    export.check_folder(out, [baseline, followup])
    with bar() as progress:
        loaded = load_all([baseline, followup], Reading(series, frame, rectify), progress)
        volumes = in_suv(recipe, named(loaded, modality or []))
        check_presets(windows, volumes)
        first, second = zip([baseline, followup], volumes, strict=True)
        paths = [alignment] if alignment else []
        given = load_transforms(paths, first, [second], other_pair=other_pair)
        outcome = carry_out(
            recipe, *volumes, alignments=given, progress=between(progress, 0.1, 0.8)
        )
        progress(0.8, "drawing the follow-up")
        found = changed(
            *(outcome.inputs[0], outcome.inputs[1], outcome.alignments[0]),
            grid=outcome.fixed.grid,
            uncertainty_mm=uncertainty,
            sigmas=sigmas,
            scale_mm=scale,
            progress=between(progress, 0.8, 0.9),
        )
        progress(0.9, "writing")
        told = export.summary_of_change(found)
        written = export.export_change(found, outcome, out, _in_words(told), told)
        outputs = [str(path) for path in written]
    result = {**export.summary(outcome), "change": told, "outputs": outputs}
    _say(result, told["warnings"], as_json=as_json)


def _say(result: dict[str, Any], doubts: Sequence[str], *, as_json: bool) -> None:
    for sentence in doubts:
        warn(sentence)
    if as_json:
        say_json(result)
        return
    say(f"change that {_in_words(result['change'])}")
    say_result(result)


def _in_words(told: dict[str, Any]) -> str:
    unit = "" if told["unit"] == "1" else f" {told['unit']}"
    off = " to ".join(f"{mm:.2f}" for mm in told["uncertainty_mm"])
    return (
        f"{off} mm of misregistration and {told['sigmas']:g} x {told['noise']:.3g}{unit} of noise "
        f"do not explain: from {told['lowest']:g} to {told['highest']:g}{unit}, "
        f"in {100 * told['share']:.1f} % of the voxels ({told['more_ml']:.1f} mL more, "
        f"{told['less_ml']:.1f} mL less)"
    )
