"""Describe what is open: where each layer's values come from, and how it is looked at."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.digest import array_digest
from napari_fusion.export import digest, versions
from napari_fusion.gui.align.marking import MARKED, MARKS
from napari_fusion.gui.colour.rgb import RGB, Coloured
from napari_fusion.gui.layers import LIVE, VOLUME, frame_of, was_edited
from napari_fusion.gui.open.naming import kind_of
from napari_fusion.gui.origin import ORIGIN, Made, Opened
from napari_fusion.gui.session.document import (
    FromArray,
    FromFile,
    FromLayers,
    FromSample,
    Kept,
    Session,
)
from napari_fusion.gui.session.looks import look_of, view_of
from napari_fusion.gui.snapshot import ALIGNMENT
from napari_fusion.registration import Alignment
from napari_fusion.volume import JSON, Volume

Source = FromFile | FromSample | FromLayers | FromArray


@dataclass
class Contents:
    """What goes into a session file.

    Parameters
    ----------
    session
        What `session.json` says.
    alignments, arrays
        Files beside it, by name.
    left_out
        Names of layers that cannot be kept.
    """

    session: Session
    alignments: dict[str, Alignment] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def described(viewer: Any, folder: Path, workspace: dict[str, JSON]) -> Contents:
    """Describe a viewer's layers and view.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    folder
        Where the session file will lie; paths are also kept from there.
    workspace
        What the workspace is set to.
    """
    teller = _Teller(folder)
    seen = {str(layer.unique_id): layer for layer in viewer.layers if LIVE not in layer.metadata}
    told = {name: teller.tell(layer) for name, layer in seen.items()}
    kept = _settled({name: one for name, one in told.items() if one is not None})
    places = {name: place for place, name in enumerate(kept)}
    layers = [
        Kept(
            source=_placed(one, places),
            look=look_of(seen[name]),
            array_sha256=fingerprint(seen[name]),
        )
        for name, one in kept.items()
    ]
    frame = frame_of(viewer)
    session = Session(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        packages=versions(),
        frame=None if frame is None else tuple(map(tuple, frame.axes.tolist())),
        layers=tuple(layers),
        view=view_of(viewer),
        workspace=workspace,
    )
    left_out = tuple(str(layer.name) for name, layer in seen.items() if name not in kept)
    return Contents(session, teller.alignments, teller.arrays, left_out)


@dataclass(frozen=True)
class _Told:
    """Where a layer comes from, and the ids of the layers it is made of."""

    source: Source
    needs: tuple[str, ...] = ()


class _Teller:
    """Say where layers come from, and collect what has to be kept whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.alignments: dict[str, Alignment] = {}
        self.arrays: dict[str, NDArray[Any]] = {}

    def tell(self, layer: Any) -> _Told | None:
        """Say where one layer comes from; None when its values can be neither made nor kept."""
        origin = layer.metadata.get(ORIGIN)
        if isinstance(layer.metadata.get(VOLUME), Volume) and not was_edited(layer):
            if isinstance(origin, Opened):
                return _Told(self._opened(layer, origin))
            if isinstance(origin, Made):
                return _Told(self._made(layer, origin), origin.sources)
        if isinstance(layer.metadata.get(RGB), Coloured) and isinstance(origin, Made):
            return _Told(self._made(layer, origin), origin.sources)
        return self._whole(layer)

    def _opened(self, layer: Any, origin: Opened) -> Source:
        if origin.sample:
            return FromSample(sample=origin.sample, index=origin.index)
        path = Path(origin.path).resolve()
        loaded = layer.metadata[VOLUME].history[0].parameters
        return FromFile(
            path=str(path),
            beside=_beside(path, self._folder),
            series=origin.series,
            time_point=origin.time_point,
            sha256=str(loaded["sha256"]),
            suv=any(step.name == "suv" for step in layer.metadata[VOLUME].history),
            kind=kind_of(layer),
        )

    def _made(self, layer: Any, origin: Made) -> Source:
        name = ""
        if origin.verb == "align":
            name = f"alignments/{len(self.alignments)}.tfm"
            self.alignments[name] = layer.metadata[ALIGNMENT]
        return FromLayers(
            verb=origin.verb,
            sources=(),
            arguments=dict(origin.arguments),
            part=origin.part,
            alignment=name,
        )

    def _whole(self, layer: Any) -> _Told | None:
        """Keep the values themselves, where a file can hold them."""
        kind = layer.as_layer_data_tuple()[2]
        if kind not in {"image", "labels", "points"} or getattr(layer, "multiscale", False):
            return None
        name = f"arrays/{len(self.arrays)}.npy"
        self.arrays[name] = np.asarray(layer.data)
        marks = {key: str(layer.metadata[key]) for key in (MARKS, MARKED) if key in layer.metadata}
        return _Told(FromArray(kind=kind, array=name, marks=marks))


def _settled(told: dict[str, _Told]) -> dict[str, _Told]:
    """Leave out layers whose sources are not open any more, and those made of them."""
    whole = {name: one for name, one in told.items() if set(one.needs) <= set(told)}
    return whole if len(whole) == len(told) else _settled(whole)


def _placed(told: _Told, places: dict[str, int]) -> Source:
    if not isinstance(told.source, FromLayers):
        return told.source
    return told.source.model_copy(update={"sources": tuple(places[name] for name in told.needs)})


def _beside(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder.resolve())
    except ValueError:  # another drive
        return ""


def fingerprint(layer: Any) -> str:
    """Hash the voxels or colours a layer was given; empty where it shows others by now."""
    volume, coloured = layer.metadata.get(VOLUME), layer.metadata.get(RGB)
    if isinstance(coloured, Coloured):
        return array_digest(coloured.picture)
    return digest(volume) if isinstance(volume, Volume) and not was_edited(layer) else ""
