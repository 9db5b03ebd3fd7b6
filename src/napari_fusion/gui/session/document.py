"""What a session file says, as plain JSON values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from napari_fusion.export import NOTICE

VERSION: Literal[1] = 1
"""Grows when an older napari-fusion could misread what a newer one writes."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FromFile(_Part):
    """A layer to be read from its file again; the hash must be what it was.

    Parameters
    ----------
    path, beside
        The file's full path, and its path from the session file.
    series, time_point
        What was chosen of it.
    sha256
        Of the files that were read.
    """

    how: Literal["file"] = "file"
    path: str
    beside: str
    series: str | None = None
    time_point: int | None = None
    sha256: str


class FromSample(_Part):
    """A layer of a sample, rendered anew."""

    how: Literal["sample"] = "sample"
    sample: str
    index: int


class FromLayers(_Part):
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
    arguments: dict[str, JsonValue] = {}
    part: int = 0
    alignment: str = ""


class FromArray(_Part):
    """A layer whose values are in the session file: painted, edited, or another plugin's."""

    how: Literal["array"] = "array"
    kind: Literal["image", "labels", "points"]
    array: str
    marks: dict[str, str] = {}


class Kept(_Part):
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


class Session(_Part):
    """A session: layers from bottom to top, the view, and what the workspace is set to."""

    version: Literal[1] = VERSION
    notice: str = NOTICE
    created: str = ""
    packages: dict[str, str] = {}
    frame: tuple[tuple[float, float, float], ...] | None = None
    layers: tuple[Kept, ...]
    view: dict[str, Any] = {}
    workspace: dict[str, JsonValue] = {}
