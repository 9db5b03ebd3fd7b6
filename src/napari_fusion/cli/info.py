"""``napari-fusion info``: what is in a file or folder, without loading voxels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.cli.screen import AsJson, say, say_json


def info(
    path: Annotated[Path, typer.Argument(help="A file, folder or zip.")], *, as_json: AsJson = False
) -> None:
    """Say what is in a file or folder: series, geometry, modality, unit, warnings."""
    from napari_fusion.io import scan

    found = [series.to_json() for series in scan(path)]
    if as_json:
        say_json({"path": str(path), "series": found})
        return
    for series in found:
        for name, value in series.items():
            if value not in (None, "", []):
                say(f"{name.replace('_', ' '):>22}  {_words(value)}")
        say("")


def _words(value: Any) -> str:
    """Write a JSON value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        separator = " × " if all(isinstance(v, int | float) for v in value) else "; "
        return separator.join(_words(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
