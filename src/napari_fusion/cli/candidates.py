"""The picture of pruning: what every candidate costs, and how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE, EDGE = 360, 60
"""Size of one panel and its margin, in pixels."""


def draw(rows: list[dict[str, Any]], path: Path) -> Path:
    """Draw validation loss against multiply-accumulates and against CPU time, a dot a candidate."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (2 * SIDE, SIDE), "white")
    pen = ImageDraw.Draw(image)
    panels = (
        ("macs", 1e-6, "million multiply-accumulates"),
        ("cpu_ms", 1, "CPU ms, a pair of 256 x 256"),
    )
    for i, (key, unit, title) in enumerate(panels):
        points = [(row["criterion"], row[key] * unit, row["after_trial"]) for row in rows]
        _panel(pen, i * SIDE, points, title)
    image.save(path)
    return path


def _panel(pen: Any, left: int, points: list[tuple[str, float, float]], title: str) -> None:
    xs, ys = [x for _, x, _ in points], [y for _, _, y in points]
    right = max(xs) * 1.1
    low, high = min(ys), max(ys)
    room = SIDE - 2 * EDGE
    pen.line([(left + EDGE, EDGE), (left + EDGE, SIDE - EDGE)], fill="grey")
    pen.line([(left + EDGE, SIDE - EDGE), (left + SIDE - EDGE, SIDE - EDGE)], fill="grey")
    pen.text((left + EDGE, SIDE - EDGE + 20), f"{title}, 0 to {right:.3g}", fill="black")
    pen.text((left + 6, EDGE - 24), "validation loss", fill="black")
    for value, top in ((high, EDGE), (low, SIDE - EDGE - 12)):
        pen.text((left + 6, top), f"{value:.2f}", fill="black")
    for name, x, y in sorted(points, key=lambda point: point[2]):
        across = left + EDGE + room * x / right
        down = EDGE + room * ((high - y) / (high - low) if high > low else 0.5)
        pen.ellipse((across - 4, down - 4, across + 4, down + 4), fill="navy")
        pen.text((across + 8, down - 6), name, fill="black")
