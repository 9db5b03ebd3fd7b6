"""``napari-fusion demo``: the main job on built-in data, judged against the known truth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.cli.screen import AsJson, bar, say, say_files, say_json, say_result
from napari_fusion.cli.truth import error_mm
from napari_fusion.cli.window import picture_window, play_window


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("fusion-demo"),
    seed: Annotated[int, typer.Option(help="Chooses the misalignment and the noise.")] = 0,
    as_json: AsJson = False,
    window: Annotated[
        bool | None,
        typer.Option(
            "--window/--no-window",
            help="Instead, a walk of a minute in a real napari window; or no picture of a window.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Misalign CT and MR of a digital head, align, fuse, and compare with the known truth."""
    from napari_fusion import export, phantom
    from napari_fusion.io import save
    from napari_fusion.recipe import Recipe, run
    from napari_fusion.registration import Alignment

    export.check_folder(out, [])
    if window:
        _walk(export.prepared(out), as_json=as_json)
        return
    with bar() as progress:
        start = time.perf_counter()
        progress(0, "rendering the digital head")
        fixed, moving, truth = phantom.misaligned_pair(seed=seed)
        seconds = {"render": round(time.perf_counter() - start, 3)}
        outcome = run(Recipe(), fixed, moving, progress=lambda f, m: progress(0.1 + 0.6 * f, m))
        true = Alignment(fixed.grid, moving.grid, truth)
        start = time.perf_counter()
        progress(0.75, "writing")
        outputs = [*export.export_outcome(outcome, out)]
        for name, volume in (("fixed.nii.gz", fixed), ("moving.nii.gz", moving)):
            save(volume, out / name)
        true.save(out / "truth.tfm")
        outputs += [out / n for n in ("fixed.nii.gz", "moving.nii.gz", "truth.tfm")]
        seconds |= outcome.seconds | {"write": round(time.perf_counter() - start, 3)}
        paths = [str(path) for path in outputs]
        if window is None:
            progress(0.9, "drawing the napari window")
            start = time.perf_counter()
            paths += picture_window([fixed], out)
            seconds["window"] = round(time.perf_counter() - start, 3)
    told: dict[str, Any] = {**export.summary(outcome), "seconds": seconds, "outputs": paths}
    errors = {
        "tre_mm": error_mm(fixed, outcome.alignments[0], true),
        "start_mm": error_mm(fixed, Alignment.identity(fixed.grid, moving.grid), true),
    }
    if as_json:
        say_json(errors | told)
        return
    say(
        f"registration error against the known truth: {errors['tre_mm']:.2f} mm "
        f"(the scans started {errors['start_mm']:.1f} mm apart)"
    )
    say_result(told)


def _walk(folder: Path, *, as_json: bool) -> None:
    """Let the workspace be walked through, and say what was written on the way."""
    code = play_window("guide.walk", [str(folder)])
    if code:
        raise typer.Exit(code)
    written = [str(path) for path in sorted(folder.glob("walk*"))]
    if as_json:
        say_json({"outputs": written})
    else:
        say_files(written)
