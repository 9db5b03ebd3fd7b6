"""``napari-fusion run``: align, resample, fuse, attribute, and write it all with a record."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.checked import checked
from napari_fusion.cli.screen import AsJson, Shot, bar, say_json, say_result, warn
from napari_fusion.cli.settings import read_object
from napari_fusion.cli.transform import OtherPair, load_transforms
from napari_fusion.cli.truth import error_mm
from napari_fusion.cli.volumes import (
    Accept,
    FrameNumber,
    Modalities,
    SeriesUids,
    Strangers,
    load_all,
    named,
)
from napari_fusion.cli.window import picture_window
from napari_fusion.cli.windows import HELP
from napari_fusion.cli.windows import windows as read_windows
from napari_fusion.errors import ParameterError, between
from napari_fusion.volume import Volume

RECIPE = "the recipe"


class Register(StrEnum):
    """How moving volumes are brought onto the fixed one."""

    rigid = "rigid"
    similarity = "similarity"
    affine = "affine"
    deformable = "deformable"
    none = "none"


class Nan(StrEnum):
    """What becomes of voxels that are not finite."""

    refuse = "refuse"
    background = "background"


def run(  # noqa: PLR0913 - one parameter per option
    fixed: Annotated[Path, typer.Argument(help="The volume that stays: file, folder or zip.")],
    moving: Annotated[list[Path], typer.Argument(help="One or more volumes to bring onto it.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    method: Annotated[str | None, typer.Option(help="Fusion method. [laplacian]")] = None,
    param: Annotated[list[str] | None, typer.Option(help="A parameter, name=value.")] = None,
    register: Annotated[Register | None, typer.Option(help="[rigid]")] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe, or the record.json of an earlier run.")
    ] = None,
    alignment: Annotated[
        list[Path] | None,
        typer.Option(help="A transform per moving volume, used instead of registering."),
    ] = None,
    other_pair: OtherPair = False,
    windows: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    accept: Annotated[Accept | None, typer.Option(help="Worst verdict to fuse. [CHECK]")] = None,
    nan: Annotated[Nan | None, typer.Option(help="Voxels that are not finite. [refuse]")] = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    modality: Modalities = None,
    different_patients: Strangers = False,
    unknown_sides: Annotated[
        bool, typer.Option("--unknown-sides", help="Allow files that do not say what is left.")
    ] = False,
    truth: Annotated[
        list[Path] | None,
        typer.Option(help="A known alignment per moving volume, to print the error against."),
    ] = None,
    as_json: AsJson = False,
    window: Shot = True,
) -> None:
    """Align volumes, fuse them, attribute every pixel, and write everything with a record."""
    from napari_fusion import export
    from napari_fusion.recipe import run as carry_out
    from napari_fusion.registration import Alignment

    changes: dict[str, Any] = {
        "method": method,
        "params": _params(param) if param or method else None,
        "windows": read_windows(windows, 1 + len(moving)),
        "accept": accept and accept.value,
        "nan": nan and nan.value,
        "different_patients": different_patients or None,
        "unknown_sides": unknown_sides or None,
    }
    written = read_object(recipe, RECIPE)
    asked = _recipe(written, {k: v for k, v in changes.items() if v is not None}, register)
    folder = export.prepared(out)
    with bar() as progress:
        volumes = load_all([fixed, *moving], series or [], frame, progress)
        volumes = named(volumes, modality or [])
        _compare_with(written, volumes)
        first, *others = zip([fixed, *moving], volumes, strict=True)
        given = load_transforms(alignment or [], first, others, other_pair=other_pair)
        known = [Alignment.load(path) for path in truth or []]
        outcome = carry_out(
            asked, *volumes, alignments=given, progress=between(progress, 0.1, 0.85)
        )
        progress(0.85, "writing")
        outputs = [str(path) for path in export.export_outcome(outcome, folder)]
        if window:
            progress(0.9, "drawing the napari window")
            outputs += picture_window([outcome.fixed], folder)
    errors = [
        error_mm(outcome.fixed, *pair) for pair in zip(outcome.alignments, known, strict=False)
    ]
    result = {"tre_mm": errors, **export.summary(outcome), "outputs": outputs}
    (say_json if as_json else say_result)(result)


def _params(pairs: list[str] | None) -> dict[str, Any]:
    """Read name=value pairs; values are JSON where they can be, else text."""
    params = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ParameterError(f"--param {pair}: expected name=value, such as levels=4")
        try:
            params[name] = json.loads(value)
        except json.JSONDecodeError:
            params[name] = value
    return params


def _recipe(written: dict[str, Any], changes: dict[str, Any], register: Register | None) -> Any:
    """Put the options given on the command line over what the recipe says."""
    from napari_fusion.recipe import Recipe
    from napari_fusion.registration import AlignOptions

    if register is not None:
        none = register is Register.none
        changes["align"] = None if none else AlignOptions.model_validate({"model": register.value})
    inner = written.get("recipe", written)
    return checked(Recipe, inner | changes if isinstance(inner, dict) else inner, RECIPE)


def _compare_with(written: dict[str, Any], volumes: list[Volume]) -> None:
    """Say when a record is replayed on other files than it was made from."""
    hashes = [_sha256(i.get("history", [])) for i in written.get("inputs", [])]
    given = [_sha256([step.to_json() for step in v.history]) for v in volumes]
    if hashes and hashes != given:
        warn("these are not the files the record was made from: their SHA-256 differ")


def _sha256(history: list[dict[str, Any]]) -> str | None:
    return next((s["parameters"].get("sha256") for s in history if s["name"] == "load"), None)
