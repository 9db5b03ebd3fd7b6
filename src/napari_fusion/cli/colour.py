"""``napari-fusion colour``: a functional volume in its palette over the fused picture, as RGB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_fusion.cli.screen import AsJson, bar, say_files, say_json
from napari_fusion.cli.volumes import (
    FrameNumber,
    Reading,
    SeriesUids,
    check_brightness,
    load_all,
    named,
)
from napari_fusion.cli.windows import HELP, check_presets, windows
from napari_fusion.slab import Window

if TYPE_CHECKING:
    from napari_fusion.volume import Volume


def colour(  # noqa: PLR0913 - one parameter per option
    fused: Annotated[Path, typer.Argument(help="The fused picture, values from 0 to 1.")],
    functional: Annotated[Path, typer.Argument(help="PET, SPECT or another volume on its grid.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for colour.nii.gz and colour.png.")],
    palette: Annotated[str, typer.Option(help="A palette of the DICOM standard.")] = "hot iron",
    convention: Annotated[
        str,
        typer.Option(help="luminance: the palette's hue only; lightness: its values can be read."),
    ] = "luminance",
    window: Annotated[str | None, typer.Option("--window", "--windows", help=HELP)] = None,
    modality: Annotated[
        str | None, typer.Option(help="CT, MR, PT or NM of the functional volume.")
    ] = None,
    series: SeriesUids = None,
    frame: FrameNumber = None,
    as_json: AsJson = False,
) -> None:
    """Colour a fused picture by a functional volume: RGB voxels, and a picture of three planes."""
    from PIL import Image

    from napari_fusion import export, fusion
    from napari_fusion.io.atomic import write_verified
    from napari_fusion.io.rgb import save_rgb
    from napari_fusion.review import colour_montage

    export.check_folder(out, [fused, functional], r"colour\.(nii\.gz|png)")
    with bar() as progress:
        grey, measured = load_all([fused, functional], Reading(series, frame), progress)
        if modality:
            measured = named([measured], [modality])[0]
        shown = (windows([window] if window else None, 1) or [None])[0]
        check_brightness(grey, "give fused.nii.gz first, then the functional volume")
        check_presets([window] if window else None, [measured])
        progress(0.3, "colouring")
        picture = fusion.colour(
            grey,
            measured,
            palette,  # type: ignore[arg-type]  # checked by palette()
            convention,  # type: ignore[arg-type]  # checked by tint()
            window=shown,
        )
        progress(0.6, "writing")
        note = f"{measured.spoken or 'values'} in {palette}, {convention}"
        told = f"{note}, {_range(measured, shown)}."
        sample = Image.fromarray(colour_montage(grey, picture, measured.array, palette, told))

        def write(folder: Path) -> None:
            save_rgb(picture, grey.grid, folder / "colour.nii.gz", f"napari-fusion {note}")
            write_verified(folder / "colour.png", lambda part: sample.save(part, "PNG"))

        outputs = [str(path) for path in export.together(out, write)]
    if as_json:
        say_json({"palette": palette, "convention": convention, "outputs": outputs})
    else:
        say_files(outputs)


def _range(functional: Volume, window: Window | None) -> str:
    """Say which values are the palette's ends."""
    seen = functional.window(window)
    unit = "" if functional.unit == "1" else f" {functional.unit}"
    return f"{seen.lower:g} to {seen.upper:g}{unit}"
