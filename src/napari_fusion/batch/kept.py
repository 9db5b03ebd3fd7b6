"""Tell whether a case was done before: the same files and request, and its results are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_fusion.batch.row import Row
from napari_fusion.batch.table import Case
from napari_fusion.export import RECORD
from napari_fusion.io.atomic import write_json

MARK = "case.json"
"""File of a case's folder that says what was asked, and what came of it."""


def asked(case: Case, request: Mapping[str, Any]) -> str:
    """Hash a request and the files of a case, these by place, size and date of change."""
    dated = [_dated(path) for path in (*case.paths, *case.alignments)]
    told = [request, len(case.paths), dated, case.series]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def remember(folder: Path, wanted: str, told: Mapping[str, Any]) -> None:
    """Note what came of a request, beside its results."""
    mark = {"asked": wanted, "record_sha256": _sha256(folder / RECORD), "told": told}
    write_json(folder / MARK, mark)


def kept(folder: Path, wanted: str) -> Row | None:
    """Give the row of a case that was done before, None where it has to be done (again)."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
        same = mark["asked"] == wanted and mark["record_sha256"] == _sha256(folder / RECORD)
        there = all((folder / Path(one).name).exists() for one in mark["told"]["outputs"])
        return replace(Row.of(folder.name, mark["told"]), status="kept") if same and there else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # no mark, or not one of ours


def _dated(path: Path) -> list[Any]:
    """Name each file of a place with its size and date of change; nothing of one not there."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    found = [(one, one.stat()) for one in files if one.exists()]
    return [[str(one.absolute()), stat.st_size, stat.st_mtime_ns] for one, stat in found]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
