"""Transform files as commands take them: of this pair and good enough, or refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_fusion.cli.labels import looks_like_labels
from napari_fusion.cli.screen import say, warn
from napari_fusion.cli.volumes import Accept
from napari_fusion.errors import AlignError, ParameterError
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from napari_fusion.registration import Alignment, Quality
    from napari_fusion.registration.files.images import Image

OtherPair = Annotated[
    bool, typer.Option("--other-pair", help="Allow a transform made for other volumes.")
]
SILENT = "does not say which volumes it was made for: check the result by eye"


def load_transform(
    path: Path,
    fixed: tuple[Path, Volume],
    moving: tuple[Path, Volume],
    *,
    other_pair: bool,
    judged: bool = True,
) -> Alignment:
    """Read a transform for two images, each given by its path and as loaded.

    It is read in a process of its own, as images are: no file can take the caller with it. Where
    it need not have been `judged` on these voxels, others on the same grids are CHECK.

    Raises
    ------
    ReadError
        It cannot be read.
    ParameterError
        It names other volumes, and that was not allowed.
    """
    from napari_fusion.io.isolated import call
    from napari_fusion.registration.files import load_for

    place = path.absolute()
    told = seen if judged else _drawn
    found = call(load_for, place, spoils=True, fixed=told(*fixed), moving=told(*moving))
    others = found.others or (found.unlike if judged else [])
    if others and not other_pair:
        raise ParameterError(
            f"{path.name} was made for another {' and another '.join(others)} volume: "
            "use it all the same with --other-pair"
        )
    if found.others is None:
        warn(f"{path.name} {SILENT}")
    return found.alignment


def load_transforms(
    paths: list[Path],
    fixed: tuple[Path, Volume],
    moving: list[tuple[Path, Volume]],
    *,
    other_pair: bool,
    kind: str = "alignments",
) -> list[Alignment] | None:
    """Read a transform for each moving image; None when no path is given.

    Raises
    ------
    ReadError, ParameterError
        As for `load_transform`; or there are not as many as moving images.
    """
    if not paths:
        return None
    if len(paths) != len(moving):
        raise ParameterError(f"{len(paths)} {kind} were given for {len(moving)} moving volumes")
    return [
        load_transform(path, fixed, image, other_pair=other_pair)
        for path, image in zip(paths, moving, strict=True)
    ]


def seen(path: Path, volume: Volume) -> Image:
    """Say of an image what transform formats need: FLIRT counts in the file, DICOM in its frame."""
    from napari_fusion.registration.files.images import Image

    return Image(volume.grid, volume.frame_uid, path.absolute(), volume.fingerprints)


def _drawn(path: Path, volume: Volume) -> Image:
    """Say the same of an image that may be labels, on which no alignment is judged."""
    image = seen(path, volume)
    return replace(image, fingerprints=()) if looks_like_labels(volume) else image


def hold(quality: Quality, accept: Accept, what: str) -> None:
    """Hold an alignment to the worst verdict that was accepted.

    Raises
    ------
    AlignError
        Its verdict is worse.
    """
    from napari_fusion.registration.quality import RANK

    if quality.rank > RANK[accept.value]:
        raise AlignError(
            f"{quality.verdict}: {quality.sentence} {what} Accept it by name with "
            f"--accept {quality.verdict}."
        )


def described(alignment: Alignment) -> dict[str, Any]:
    """Give what a terminal or a machine wants to know of an alignment, as JSON values."""
    turn, shift = alignment.motion()
    quality = alignment.quality
    known = {name: round(v, 6) for name, v in quality.numbers.items() if abs(v) < float("inf")}
    return {
        "verdict": quality.verdict,
        "sentence": quality.sentence,
        "uncertainty_mm": quality.uncertainty_mm,
        "shift_mm": shift,
        "turn_degrees": turn,
        "fixed_to_moving_lps": alignment.matrix.tolist(),
        "linear": alignment.linear,
        "numbers": known,
    }


def say_alignment(result: dict[str, Any]) -> None:
    """Print an alignment in words."""
    say(f"{result['verdict']}: {result['sentence']}")
    if result["uncertainty_mm"] is not None:
        say(f"uncertainty: {result['uncertainty_mm']:.2f} mm")
    say(f"moves the centre by {result['shift_mm']:.2f} mm, turns by {result['turn_degrees']:.2f}°")
    if result["numbers"]:
        say(", ".join(f"{name} {value:.3g}" for name, value in result["numbers"].items()))
