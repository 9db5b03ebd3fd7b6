"""The cohort as one page: every case's picture under its verdict, to look through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from napari_fusion.batch.row import FAILED, Row
from napari_fusion.export import MONTAGE, NOTICE
from napari_fusion.io.atomic import write_verified

_STYLE = """
body { font: 16px sans-serif; margin: 2em; background: #111; color: #ddd }
article { border-left: 6px solid #888; padding: 0 1em; margin: 2em 0 }
.PASS { border-color: #009e73 } .CHECK { border-color: #e69f00 }
.FAIL, .failed { border-color: #d55e00 }
img { max-width: 100% }
a { color: #56b4e9 }
"""


def write_page(rows: Sequence[Row], path: Path) -> None:
    """Write an HTML page of all rows, which shows each case's pictures from its folder beside it.

    Raises
    ------
    WriteError
        It could not be written; an older one is as it was.
    """
    text = _page(rows, path.parent)
    write_verified(path, lambda part: part.write_text(text, encoding="utf-8"))


def _page(rows: Sequence[Row], folder: Path) -> str:
    counts = Counter(_standing(row) for row in rows)
    told = ", ".join(f"{number} {standing}" for standing, number in sorted(counts.items()))
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Cohort</title>',
            f"<style>{_STYLE}</style>",
            f"<h1>{len(rows)} cases: {told}</h1>",
            f"<p>{escape(NOTICE)}</p>",
            *(_article(row, folder) for row in rows),
            "</html>\n",
        ]
    )


def _standing(row: Row) -> str:
    return row.verdict or row.status


def _article(row: Row, folder: Path) -> str:
    """Draw one case; one that failed shows no picture, not even that of an earlier request."""
    doubt = "" if row.uncertainty_mm is None else f", {row.uncertainty_mm:.2f} mm"
    name = escape(row.case)
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in row.warnings)
    parts = [
        f'<article class="{_standing(row)}"><h2>{name}: {_standing(row)}{doubt}</h2>',
        f"<p>{escape(row.sentence)}</p>",
        f"<ul>{warnings}</ul>" if warnings else "",
    ]
    if row.status != FAILED and (folder / row.case / MONTAGE).exists():
        place = f"{quote(row.case)}/{MONTAGE}"
        picture = f'<img src="{place}" alt="sources, fused, attribution of {name}" loading="lazy">'
        parts.append(f'<a href="{quote(row.case)}/">{picture}</a>')
    return "".join([*parts, "</article>"])
