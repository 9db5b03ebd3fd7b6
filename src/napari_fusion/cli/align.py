"""``napari-fusion align``: find a transform between two volumes, judge it, and write it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from napari_fusion.checked import checked
from napari_fusion.cli.labels import looks_like_labels
from napari_fusion.cli.screen import AsJson, bar, say, say_files, say_json, warn
from napari_fusion.cli.transform import (
    OtherPair,
    described,
    hold,
    load_transform,
    say_alignment,
    seen,
)
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
from napari_fusion.errors import ParameterError, Progress, between
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from napari_fusion.registration import Alignment, AlignOptions, Landmarks
    from napari_fusion.registration.masks import Masks

Pair = tuple[tuple[Path, Volume], tuple[Path, Volume]]


def align(  # noqa: PLR0913 - one parameter per option
    fixed: Annotated[Path, typer.Argument(help="The volume that stays: file, folder or zip.")],
    moving: Annotated[Path, typer.Argument(help="The volume to bring onto it.")],
    *,
    out: Annotated[
        Path, typer.Option(help="The transform: .tfm, .txt, .h5, .mat (FSL), .json or .dcm.")
    ],
    model: Annotated[
        str, typer.Option(help="rigid, similarity, affine or deformable (.tfm, .txt or .h5).")
    ] = "rigid",
    search: Annotated[
        str, typer.Option(help="wide: many starts; near: only the one given.")
    ] = "wide",
    seed: Annotated[int, typer.Option(min=0, help="Chooses the sample points.")] = 0,
    engine: Annotated[
        str, typer.Option(help="What searches: own, greedy or elastix (extras of those names).")
    ] = "own",
    initial: Annotated[
        Path | None, typer.Option(help="A transform to start from, in any format.")
    ] = None,
    points: Annotated[
        list[Path] | None,
        typer.Option(help="Landmarks to start from: one file of pairs, or twice, fixed first."),
    ] = None,
    fixed_mask: Annotated[
        Path | None, typer.Option(help="Labels: the fixed volume counts only where they are not 0.")
    ] = None,
    moving_mask: Annotated[
        Path | None, typer.Option(help="The same for the moving volume.")
    ] = None,
    refine: Annotated[
        bool, typer.Option(help="Go on from the start by voxels; otherwise judge and write it.")
    ] = True,
    accept: Annotated[Accept, typer.Option(help="Worst verdict to write.")] = Accept.CHECK,
    other_pair: OtherPair = False,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    rectify: Rectify = False,
    modality: Modalities = None,
    different_patients: Strangers = False,
    truth: Annotated[
        Path | None, typer.Option(help="A known transform, to print the error against.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Align two volumes, say how far to trust the result, and write the transform."""
    from napari_fusion.recipe.admission import one_patient
    from napari_fusion.registration import AlignOptions
    from napari_fusion.registration.files import check_target

    asked = {"model": model, "search": search, "seed": seed, "engine": engine}
    options = checked(AlignOptions, asked, "the options")
    _check_request(options, points, fixed_mask or moving_mask, refine=refine)
    with bar() as progress:
        volumes = load_all([fixed, moving], Reading(series, frame, rectify), progress)
        volumes = named(volumes, modality or [])
        strangers = one_patient(volumes, allowed=different_patients)
        pair: Pair = (fixed, volumes[0]), (moving, volumes[1])
        images = seen(*pair[0]), seen(*pair[1])
        check_target(out, *images, bent=refine and options.model == "deformable")
        marks = _landmarks(points or [])
        start = None if initial is None else load_transform(initial, *pair, other_pair=other_pair)
        known = None if truth is None else load_transform(truth, *pair, other_pair=other_pair)
        given = start, marks, _masks(fixed_mask, moving_mask)
        clock = time.perf_counter()
        found = _found(pair, options, given, between(progress, 0.1, 1), refine=refine)
        seconds = round(time.perf_counter() - clock, 3)
    result: dict[str, Any] = described(found) | {"seconds": seconds}
    if marks is not None:
        result["landmarks_mm"] = [round(float(v), 4) for v in marks.errors(found)]
    if known is not None:
        result["tre_mm"] = error_mm(volumes[0], found, known)
    accepted = found.quality.rank <= _rank(accept)
    result["outputs"] = [str(out)] if accepted else []
    if accepted:
        found.save(out, fixed=images[0], moving=images[1])
    doubts = [*volumes[0].warnings, *volumes[1].warnings, *strangers]
    for sentence in dict.fromkeys([*doubts, *(marks.doubts if marks else ())]):
        warn(sentence)
    say_json(result) if as_json else _say(result, marks)
    hold(found.quality, accept, "Nothing was written.")


def _rank(accept: Accept) -> int:
    from napari_fusion.registration.quality import RANK

    return RANK[accept.value]


def _check_request(
    options: AlignOptions, points: list[Path] | None, mask: Path | None, *, refine: bool
) -> None:
    """Refuse what contradicts itself, or is not installed, before anything is read."""
    from napari_fusion.registration.engines import check_engine

    check_engine(options)
    if refine:
        return
    usual = type(options)(model=options.model) if points else type(options)()
    searching = ("model", "search", "seed", "engine")
    ignored = [f"--{n}" for n in searching if getattr(options, n) != getattr(usual, n)]
    if ignored:
        raise ParameterError(
            f"--no-refine searches nothing: leave out {' and '.join(ignored)}, or --no-refine"
        )
    if points and options.model == "deformable":
        raise ParameterError(
            "landmarks alone make a rigid, similarity or affine map: leave out --no-refine to bend "
            "from there"
        )
    if mask is not None:
        raise ParameterError(
            "masks limit what a search compares, and --no-refine searches nothing: leave one out"
        )


def _masks(fixed: Path | None, moving: Path | None) -> Masks:
    """Load the masks that were given, in a process of their own; they hold labels."""
    from napari_fusion.io.isolated import load

    masks = [None if path is None else load(path) for path in (fixed, moving)]
    for path, mask in zip((fixed, moving), masks, strict=True):
        if path is not None and mask is not None and not looks_like_labels(mask):
            raise ParameterError(
                f"{path.name} is a picture, not a mask: a mask holds whole numbers, 0 where the "
                "volume does not count"
            )
    return masks[0], masks[1]


def _landmarks(paths: list[Path]) -> Landmarks | None:
    from napari_fusion.registration import Landmarks

    if len(paths) > 2:
        raise ParameterError("--points takes one file of pairs, or two files, fixed first")
    return Landmarks.load(*paths) if paths else None


def _found(
    pair: Pair,
    options: AlignOptions,
    given: tuple[Alignment | None, Landmarks | None, Masks],
    progress: Progress,
    *,
    refine: bool,
) -> Alignment:
    """Start where the user says, go on by voxels, or judge what was given."""
    from napari_fusion.registration import align as register
    from napari_fusion.registration import align_landmarks, assess, check_landmarks

    (_, fixed), (_, moving) = pair
    start, marks, masks = given
    if start is not None and marks is not None:
        raise ParameterError("give --initial or --points, not both: each is a start")
    if marks is not None:
        wanted = "rigid" if refine else options.model  # voxels find a stretch better than hands
        start = align_landmarks(marks, fixed.grid, moving.grid, wanted)
        if not refine:
            return start
    if refine:
        found = register(fixed, moving, options, initial=start, masks=masks, progress=progress)
        return found if marks is None else check_landmarks(found, marks)
    if start is None:
        raise ParameterError("--no-refine needs a start to judge: give --initial or --points")
    progress(0.5, "judging")
    return assess(fixed, moving, start)


def _say(result: dict[str, Any], marks: Landmarks | None) -> None:
    say_alignment(result)
    if marks is not None:
        apart = np.array(result["landmarks_mm"])
        say(f"landmarks: {np.sqrt((apart**2).mean()):.2f} mm apart (root mean square); one by one:")
        for name, value in zip(marks.names, apart, strict=True):
            say(f"  {name}  {value:.2f} mm")
    if "tre_mm" in result:
        say(f"error against the known transform: {result['tre_mm']:.2f} mm")
    say(f"seconds: {result['seconds']:.2f}")
    if result["outputs"]:
        say_files(result["outputs"])
