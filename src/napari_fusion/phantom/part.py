"""One part of the head: a shape made of one tissue."""

from __future__ import annotations

from dataclasses import dataclass

from napari_fusion.phantom.shapes import Shape
from napari_fusion.phantom.tissue import Tissue


@dataclass(frozen=True)
class Part:
    """A shape made of one tissue."""

    tissue: Tissue
    shape: Shape


def paint(tissue: Tissue, *shapes: Shape) -> list[Part]:
    """Make one part of each shape."""
    return [Part(tissue, shape) for shape in shapes]
