"""Settings written in JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_fusion.errors import ReadError

SETTINGS = "the settings"

PARTS = ("net", "train", "prune", "card")
"""What settings hold: the network, how it is trained and pruned, and words for its card."""


def read_settings(path: Path | None) -> dict[str, Any]:
    """Read the settings of `train`, `prune` and `pipeline`: one file serves all of them.

    Raises
    ------
    ReadError
        The file is not there, no JSON object, or holds something else.
    """
    told = read_object(path, SETTINGS)
    strange = sorted(set(told) - set(PARTS))
    if strange:
        raise ReadError(f"{SETTINGS} {path}: {strange[0]} is not one of {', '.join(PARTS)}")
    return told


def read_object(path: Path | None, what: str) -> dict[str, Any]:
    """Read a JSON object; {} without a path.

    Parameters
    ----------
    path
        The file.
    what
        What it is called in messages.

    Raises
    ------
    ReadError
        The file is not there or not a JSON object.
    """
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(f"{what} {path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ReadError(f"{what} {path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ReadError(f"{what} {path} is not a JSON object")
    return value
