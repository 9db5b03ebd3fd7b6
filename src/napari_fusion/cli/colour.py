"""``napari-fusion colour``: a functional volume in its palette over the fused picture, as RGB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from napari_fusion.cli.screen import AsJson, bar, say_files, say_json
from napari_fusion.cli.volumes import load_all, named
from napari_fusion.cli.windows import HELP, windows
from napari_fusion.errors import ParameterError

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
    window: Annotated[str | None, typer.Option(help=HELP)] = None,
    modality: Annotated[
        str | None, typer.Option(help="CT, MR, PT or NM of the functional volume.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Colour a fused picture by a functional volume: RGB voxels, and its brightest slice."""
    from napari_fusion import export, fusion
    from napari_fusion.io.rgb import save_rgb

    folder = export.prepared(out)
    with bar() as progress:
        grey, measured = load_all([fused, functional], [], None, progress)
        if modality:
            measured = named([measured], [modality])[0]
        shown = (windows([window] if window else None, 1) or [None])[0]
        _check_brightness(grey)
        progress(0.3, "colouring")
        picture = fusion.colour(
            grey,
            measured,
            palette,  # type: ignore[arg-type]  # checked by palette()
            convention,  # type: ignore[arg-type]  # checked by tint()
            window=shown,
        )
        progress(0.6, "writing")
        note = f"napari-fusion {measured.modality} in {palette}, {convention}"
        path = save_rgb(picture, grey.grid, folder / "colour.nii.gz", note)
        across = grey.grid.slice_axis
        sums = np.nansum(measured.array, axis=tuple(a for a in range(3) if a != across))
        sample = _write_slice(picture, grey, across, int(np.argmax(sums)), folder / "colour.png")
    outputs = [str(path), str(sample)]
    if as_json:
        say_json({"palette": palette, "convention": convention, "outputs": outputs})
    else:
        say_files(outputs)


def _check_brightness(fused: Volume) -> None:
    low, high = float(np.nanmin(fused.array)), float(np.nanmax(fused.array))
    if low < -1e-6 or high > 1 + 1e-6:
        raise ParameterError(
            f"the fused picture runs from {low:g} to {high:g}, but brightness from 0 to 1 is "
            "expected: give fused.nii.gz first, then the functional volume"
        )


def _write_slice(
    picture: NDArray[np.uint8], fused: Volume, axis: int, index: int, path: Path
) -> Path:
    """Write one slice with square pixels."""
    from PIL import Image

    from napari_fusion.io.atomic import write_verified

    plane = np.ascontiguousarray(picture.take(index, axis))
    rows, columns = np.delete(fused.grid.spacing, axis)
    size = (plane.shape[1], max(1, round(plane.shape[0] * rows / columns)))
    image = Image.fromarray(plane).resize(size)
    return write_verified(path, lambda part: image.save(part))
