"""What a session file says, as plain JSON values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from napari_fusion.checked import Settings
from napari_fusion.export import NOTICE
from napari_fusion.gui.open.naming import Kind

VERSION: Literal[1] = 1
"""Grows when an older napari-fusion could misread what a newer one writes."""


class FromFile(Settings):
    """A layer to be read from its file again; the hash must be what it was.

    Parameters
    ----------
    path, beside
        The file's full path, and its path from the session file.
    series, time_point
        What was chosen of it.
    sha256
        Of the files that were read.
    suv
        Whether PET was turned into SUV, where that can be.
    kind
        What a user said it shows, where the file does not say; else nothing.
    """

    how: Literal["file"] = "file"
    path: str
    beside: str
    series: str | None = None
    time_point: int | None = None
    sha256: str
    suv: bool = False
    kind: Kind | Literal[""] = ""


class FromSample(Settings):
    """A layer of a sample, rendered anew."""

    how: Literal["sample"] = "sample"
    sample: str
    index: int


class FromLayers(Settings):
    """A layer that is made again of others of the session.

    Parameters
    ----------
    verb
        "align": drawn with the alignment that is kept. "fuse",
        "colour", "change": made again.
    sources
        Places of the layers it is made of in `Session.layers`, the fixed one first.
    arguments
        What else was asked.
    part
        Which result of a fusion.
    alignment
        Name of the alignment within the session file.
    """

    how: Literal["layers"] = "layers"
    verb: Literal["align", "fuse", "colour", "change"]
    sources: tuple[int, ...]
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    part: int = 0
    alignment: str = ""


class FromArray(Settings):
    """A layer whose values are in the session file: painted, edited, or another plugin's."""

    how: Literal["array"] = "array"
    kind: Literal["image", "labels", "points"]
    array: str
    marks: dict[str, str] = Field(default_factory=dict)


class Kept(Settings):
    """One layer: where its values come from, and how it is shown.

    Parameters
    ----------
    source
        Where its values come from.
    look
        Attributes of the napari layer, as JSON values.
    array_sha256
        Of the volume's voxels; a layer that does not come out the same is named.
    """

    source: Annotated[FromFile | FromSample | FromLayers | FromArray, Field(discriminator="how")]
    look: dict[str, Any]
    array_sha256: str = ""


class Session(Settings):
    """A session: layers from bottom to top, the view, and what the workspace is set to."""

    version: Literal[1] = VERSION
    notice: str = NOTICE
    created: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    frame: tuple[tuple[float, float, float], ...] | None = None
    layers: tuple[Kept, ...]
    view: dict[str, Any] = Field(default_factory=dict)
    workspace: dict[str, JsonValue] = Field(default_factory=dict)
