"""``napari-fusion info``: what is in files or folders, without loading voxels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_fusion.cli.screen import AsJson, say, say_json
from napari_fusion.errors import ReadError
from napari_fusion.volume import JSON

if TYPE_CHECKING:
    from napari_fusion.io import Series
    from napari_fusion.io.series import Found


def info(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders or zips.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say what is in files or folders: series, geometry, modality, unit, warnings."""
    from napari_fusion.io.isolated import scan

    faults, told = [], list[dict[str, JSON]]()
    for path in paths:
        try:
            found = scan(path)
            if not found:
                raise ReadError(f"{path.absolute().name} holds no image that can be read")
        except ReadError as fault:
            faults.append(str(fault))
            continue
        told.append(_listed(path, found))
        if not as_json:
            _say(found)
    if as_json and told:
        say_json(told[0] if len(paths) == 1 else {"places": [*told]})
    if faults:
        raise ReadError("; ".join(faults))


def _listed(path: Path, found: Found) -> dict[str, JSON]:
    """Give what a place holds as JSON values."""
    series: list[JSON] = [_shown(one) for one in found]
    beside = {"ignored": found.ignored, "damaged": found.damaged}
    return {"path": str(path), "series": series, **beside}


def _say(found: Found) -> None:
    """Print what a place holds, a line for each thing known of each series."""
    for series in found:
        for name, value in _shown(series).items():
            if value not in (None, "", []):
                say(f"{name.replace('_', ' '):>22}  {_words(value)}")
        say("")
    if found.beside:
        say(found.beside)


def _shown(series: Series) -> dict[str, JSON]:
    """Give what a reader wants to know of a series, as JSON values, without identity."""
    missing: list[JSON] | None = None if series.suv_missing is None else [*series.suv_missing]
    return {
        "uid": series.uid,
        "modality": series.modality,
        "unit": series.unit,
        "description": series.description,
        "part": series.part,
        "date": series.date,
        "shape": list(series.shape),
        "spacing_mm": None if series.spacing is None else [round(s, 4) for s in series.spacing],
        "frames": series.frames,
        "memory_mib": round(series.nbytes / 2**20, 1),
        "frame_of_reference": series.frame_uid,
        "attenuation_corrected": series.attenuation_corrected,
        "suv_possible": None if missing is None else not missing,
        "suv_missing": missing,
        "files": len(series.files),
        "light": series.light,
        "reason": series.reason,
    }


def _words(value: Any) -> str:
    """Write a JSON value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        separator = " × " if all(isinstance(v, int | float) for v in value) else "; "
        return separator.join(_words(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
