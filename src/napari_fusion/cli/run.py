"""``napari-fusion run``: align, resample, fuse, attribute, and write it all with a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, JsonValue

from napari_fusion.checked import checked
from napari_fusion.cli.screen import AsJson, Shot, bar, say_json, say_result, warn
from napari_fusion.cli.settings import read_object
from napari_fusion.cli.transform import OtherPair, load_transforms
from napari_fusion.cli.truth import error_mm
from napari_fusion.cli.volumes import (
    Accept,
    FrameNumber,
    Modalities,
    Reading,
    Rectify,
    SeriesUids,
    Strangers,
    load_all,
    named,
)
from napari_fusion.cli.window import picture_window
from napari_fusion.cli.windows import HELP, check_presets, check_volumes
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


class Suv(StrEnum):
    """What standardised uptake values are related to."""

    bw = "bw"
    lbm = "lbm"
    bsa = "bsa"


class Nan(StrEnum):
    """What becomes of voxels that are not finite."""

    refuse = "refuse"
    background = "background"


Params = Annotated[list[str] | None, typer.Option(help="A parameter, name=value.")]
Finite = Annotated[
    Nan | None, typer.Option(help="Voxels that are not finite.", show_default="refuse")
]
InSuv = Annotated[
    Suv | None,
    typer.Option(
        help="Turn PET into SUV first, by body weight, lean body mass or body surface.",
        show_default="PET as stored",
    ),
]
MethodName = Annotated[str | None, typer.Option(help="Fusion method.", show_default="laplacian")]
Registering = Annotated[
    Register | None,
    typer.Option(
        help="How to align what moves; none takes volumes as they lie.", show_default="rigid"
    ),
]
Accepted = Annotated[
    Accept | None, typer.Option(help="Worst verdict to fuse.", show_default="CHECK")
]
Sideless = Annotated[
    bool, typer.Option("--unknown-sides", help="Allow files that do not say what is left.")
]


def run(  # noqa: PLR0913 - one parameter per option
    fixed: Annotated[Path, typer.Argument(help="The volume that stays: file, folder or zip.")],
    moving: Annotated[list[Path], typer.Argument(help="One or more volumes to bring onto it.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    method: MethodName = None,
    param: Params = None,
    register: Registering = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe, or the record.json of an earlier run.")
    ] = None,
    alignment: Annotated[
        list[Path] | None,
        typer.Option(help="A transform per moving volume, used instead of registering."),
    ] = None,
    other_pair: OtherPair = False,
    suv: InSuv = None,
    windows: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    accept: Accepted = None,
    nan: Finite = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    modality: Modalities = None,
    different_patients: Strangers = False,
    unknown_sides: Sideless = False,
    truth: Annotated[
        list[Path] | None,
        typer.Option(help="A known alignment per moving volume, to print the error against."),
    ] = None,
    as_json: AsJson = False,
    window: Shot = True,
) -> None:
    """Align volumes, fuse them, attribute every pixel, and write everything with a record."""
    from napari_fusion import export
    from napari_fusion.recipe import in_suv
    from napari_fusion.recipe import run as carry_out

    check_volumes(moving)
    changes = requested(
        *(method, param, register),
        windows=read_windows(windows, 1 + len(moving)),
        accept=accept,
        nan=nan,
        suv=suv,
        different_patients=different_patients,
        unknown_sides=unknown_sides,
    )
    check_one_pose(bool(alignment), register)
    written = read_object(recipe, RECIPE)
    asked = recipe_of(written, changes)
    export.check_folder(out, [fixed, *moving])
    with bar() as progress:
        volumes = load_all([fixed, *moving], Reading(series, frame, rectify), progress)
        volumes = in_suv(asked, named(volumes, modality or []))
        _compare_with(written, volumes)
        check_presets(windows, volumes)
        first, *others = zip([fixed, *moving], volumes, strict=True)
        given = load_transforms(alignment or [], first, others, other_pair=other_pair)
        known = load_transforms(truth or [], first, others, other_pair=other_pair, kind="truths")
        outcome = carry_out(
            asked, *volumes, alignments=given, progress=between(progress, 0.1, 0.85)
        )
        if recipe and not changes:
            _compare_pictures(written, outcome.fused)
        progress(0.85, "writing")
        outputs = [str(path) for path in export.export_outcome(outcome, out)]
        if window:
            progress(0.9, "drawing the napari window")
            outputs += picture_window([outcome.fixed], out)
    errors = [
        error_mm(outcome.fixed, found, true)
        for found, true in zip(outcome.alignments, known or [], strict=bool(known))
    ]
    result = {"tre_mm": errors, **export.summary(outcome), "outputs": outputs}
    (say_json if as_json else say_result)(result)


def check_one_pose(given: bool, register: Register | None) -> None:  # noqa: FBT001 - told apart
    """Refuse to register what is given an alignment."""
    if given and register is not None:
        raise ParameterError(
            "--alignment is used instead of registering: leave out --register, or --alignment"
        )


def params(pairs: list[str] | None) -> dict[str, Any]:
    """Read name=value pairs; values are JSON where they can be, else text."""
    read: dict[str, Any] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ParameterError(f"--param {pair}: expected name=value, such as levels=4")
        if name in read:
            raise ParameterError(f"--param {name} is given twice: leave one out")
        try:
            read[name] = json.loads(value)
        except json.JSONDecodeError:
            read[name] = value
    return read


def requested(
    method: str | None, param: list[str] | None, register: Register | None, **options: Any
) -> dict[str, Any]:
    """Give what the command line asks of a recipe; what was left out has no say."""
    asked = {"method": method, **options}
    asked = {name: getattr(v, "value", v) for name, v in asked.items() if v not in (None, False)}
    if param or method:
        asked["params"] = params(param)
    if register is not None:
        asked["align"] = None if register is Register.none else {"model": register.value}
    return asked


def recipe_of(written: dict[str, Any], changes: dict[str, Any]) -> Any:
    """Put what the command line asks for over what a recipe says."""
    from napari_fusion.recipe import Recipe

    inner = written.get("recipe", written)
    return checked(Recipe, inner | changes if isinstance(inner, dict) else inner, RECIPE)


class _Step(BaseModel):
    """A line of a record's history."""

    name: str
    parameters: dict[str, JsonValue] = {}


class _Input(BaseModel):
    """What a record says of a volume it was made from."""

    modality: str | None = None
    history: list[_Step] = []

    @property
    def read(self) -> dict[str, JsonValue]:
        """How it was read."""
        for step in self.history:
            if step.name == "load":
                return step.parameters
        return {}


def _described(volume: Volume) -> _Input:
    steps = [step.to_json() for step in volume.history]
    return _Input.model_validate({"modality": volume.modality, "history": steps})


class _Picture(BaseModel):
    """What a record says of the fused picture."""

    array_sha256: str = ""


class _Record(BaseModel):
    inputs: list[_Input] = []
    fused: _Picture = _Picture()


def _compare_pictures(written: dict[str, Any], fused: Volume) -> None:
    """Say when a replay gives another picture than the record tells of."""
    from napari_fusion.export import digest

    told = checked(_Record, {"fused": written.get("fused", {})}, RECIPE).fused.array_sha256
    if told and told != digest(fused):
        warn("the picture is not the record's to the bit: files, versions or the record differ")


def _compare_with(written: dict[str, Any], volumes: Sequence[Volume]) -> None:
    """Say when a record is replayed on other volumes than it was made from."""
    then = checked(_Record, {"inputs": written.get("inputs", [])}, RECIPE).inputs
    now = [_described(volume) for volume in volumes]
    if not then:
        return
    if [one.read.get("sha256") for one in then] != [one.read.get("sha256") for one in now]:
        warn("these are not the files the record was made from: their SHA-256 differ")
        return
    for number, (old, new) in enumerate(zip(then, now, strict=True), start=1):
        for name, was, is_now in (
            ("frame", old.read.get("frame"), new.read.get("frame")),
            ("modality", old.modality, new.modality),
        ):
            if was is not None and was != is_now:
                warn(f"the record was made from volume {number} with {name} {was}, not {is_now}")
