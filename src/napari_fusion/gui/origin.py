"""Where a layer comes from: a file, a sample, or layers that were open when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from napari_fusion.volume import JSON

ORIGIN = "napari_fusion_origin"
"""Key of a layer's metadata: its `Opened` or `Made`."""


@dataclass(frozen=True)
class Opened:
    """A layer that was read from files, or rendered as a sample.

    Parameters
    ----------
    path
        The file or folder; empty for a sample.
    series, time_point
        What was chosen of it, as `load` takes them; None where there was no choice.
    sample, index
        Which sample, and which of its layers.
    """

    path: str = ""
    series: str | None = None
    time_point: int | None = None
    sample: str = ""
    index: int = 0


@dataclass(frozen=True)
class Made:
    """A layer that was made of others.

    Parameters
    ----------
    verb
        "align", "fuse", "colour" or "change".
    sources
        napari's unique ids of the layers it was made of, the fixed one first.
    arguments
        What else was asked, as JSON values.
    part
        Of a fusion, which of its results this is, 0 for the picture.
    """

    verb: Literal["align", "fuse", "colour", "change"]
    sources: tuple[str, ...]
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    part: int = 0
