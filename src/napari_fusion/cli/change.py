"""``napari-fusion change``: what differs between two dates beyond misregistration and noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from napari_fusion.cli.run import Register
from napari_fusion.cli.screen import AsJson, bar, say, say_json, say_result
from napari_fusion.cli.transform import OtherPair, load_transforms
from napari_fusion.cli.volumes import Accept, load_all, named
from napari_fusion.cli.windows import HELP
from napari_fusion.errors import between

if TYPE_CHECKING:
    from napari_fusion.volume import Volume


def change(  # noqa: PLR0913 - one parameter per option
    baseline: Annotated[Path, typer.Argument(help="The earlier volume, which stays.")],
    followup: Annotated[Path, typer.Argument(help="The later one, same modality and unit.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    uncertainty: Annotated[
        float | None,
        typer.Option(min=0, help="How far the alignment may be off, mm. [what its check says]"),
    ] = None,
    sigmas: Annotated[
        float, typer.Option(min=0, help="How many standard deviations of noise are no change.")
    ] = 5.0,
    scale: Annotated[
        float, typer.Option(min=0, help="How much both are smoothed before comparing, mm.")
    ] = 1.0,
    method: Annotated[str | None, typer.Option(help="Fusion method. [laplacian]")] = None,
    register: Annotated[Register | None, typer.Option(help="[rigid]")] = None,
    alignment: Annotated[
        Path | None, typer.Option(help="A transform, used instead of registering.")
    ] = None,
    other_pair: OtherPair = False,
    accept: Annotated[Accept | None, typer.Option(help="Worst verdict to fuse. [CHECK]")] = None,
    modality: Annotated[
        list[str] | None, typer.Option(help="CT, MR, PT or NM: one per volume.")
    ] = None,
    windows: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    as_json: AsJson = False,
) -> None:
    """Align a follow-up to its baseline, fuse both, and write the signed change between them."""
    from napari_fusion import export
    from napari_fusion.cli.run import _recipe
    from napari_fusion.cli.windows import windows as read_windows
    from napari_fusion.io import save
    from napari_fusion.recipe import changed
    from napari_fusion.recipe import run as carry_out

    asked: dict[str, Any] = {
        "method": method,
        "accept": accept and accept.value,
        "windows": read_windows(windows, 2),
    }
    recipe = _recipe({}, {k: v for k, v in asked.items() if v is not None}, register)
    folder = export.prepared(out)
    with bar() as progress:
        volumes = named(load_all([baseline, followup], [], None, progress), modality or [])
        first, second = zip([baseline, followup], volumes, strict=True)
        paths = [alignment] if alignment else []
        given = load_transforms(paths, first, [second], other_pair=other_pair)
        outcome = carry_out(
            recipe, *volumes, alignments=given, progress=between(progress, 0.1, 0.8)
        )
        progress(0.8, "drawing the follow-up")
        found = changed(
            outcome.inputs[0],
            outcome.inputs[1],
            outcome.alignments[0],
            grid=outcome.fixed.grid,
            uncertainty_mm=uncertainty,
            sigmas=sigmas,
            scale_mm=scale,
            progress=between(progress, 0.8, 0.9),
        )
        progress(0.9, "writing")
        outputs = [str(path) for path in export.export_outcome(outcome, folder)]
        outputs.append(str(save(found, folder / "change.nii.gz")))
    told = _told(found)
    if as_json:
        say_json({**export.summary(outcome), "change": told, "outputs": outputs})
        return
    unit = "" if told["unit"] == "1" else f" {told['unit']}"
    off = " to ".join(f"{mm:.2f}" for mm in told["uncertainty_mm"])
    say(
        f"change that {off} mm of misregistration and "
        f"{told['sigmas']:g} x {told['noise']:.3g}{unit} of noise do not explain: "
        f"from {told['lowest']:g} to {told['highest']:g}{unit}, "
        f"in {100 * told['share']:.1f} % of the voxels"
    )
    say_result({"tre_mm": [], **export.summary(outcome), "outputs": outputs})


def _told(found: Volume) -> dict[str, Any]:
    known = found.array[np.isfinite(found.array)]
    return {
        "lowest": float(known.min()) if known.size else 0.0,
        "highest": float(known.max()) if known.size else 0.0,
        "share": float(np.count_nonzero(known) / known.size) if known.size else 0.0,
        "unit": found.unit,
        **found.history[-1].parameters,
    }
