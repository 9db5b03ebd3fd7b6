"""Make a session's layers again, before anything on screen changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_fusion.errors import FusionError, Progress, ReadError, between
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.align.aligning import placed
from napari_fusion.gui.align.marking import MARKS, SYMBOLS, drawn_as
from napari_fusion.gui.colour.colouring import Colouring
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.fuse.changing import Changing
from napari_fusion.gui.layers import to_layer
from napari_fusion.gui.open.naming import taken_for
from napari_fusion.gui.open.opening import as_suv
from napari_fusion.gui.origin import ORIGIN, Opened
from napari_fusion.gui.samples import rendered
from napari_fusion.gui.session.document import FromArray, FromFile, FromLayers, FromSample, Session
from napari_fusion.gui.session.finding import is_as_it_was, loaded, places_of
from napari_fusion.gui.session.keep import Contents, fingerprint
from napari_fusion.gui.session.looks import PLACE, dress
from napari_fusion.gui.snapshot import Snapshot, redraw
from napari_fusion.registration.pair import other_voxels, unlike
from napari_fusion.volume import Volume

JOBS: Mapping[str, Any] = {"fuse": Fusing, "colour": Colouring, "change": Changing}
"""What makes a layer again, by the verb of its origin."""


@dataclass
class Remade:
    """Layers from bottom to top, not yet in any viewer, and what is not as it was."""

    layers: list[Any]
    warnings: list[str] = field(default_factory=list)


def remade(contents: Contents, folder: Path, progress: Progress) -> Remade:
    """Read, align and fuse again what a session describes.

    Parameters
    ----------
    contents
        A session file's contents.
    folder
        Where it lies: a source that moved along with it is found from there.
    progress
        Told how far it is.

    Raises
    ------
    ReadError
        Sources are missing or hold other data than they did; all of them are named.
    """
    session = contents.session
    frame = None if session.frame is None else Frame(np.array(session.frame))
    made = _opened(contents, places_of(session, folder), frame, between(progress, 0.0, 0.5))
    for place in _in_turn(session, set(made)):
        tell = between(progress, 0.5 + 0.5 * len(made) / len(session.layers), 1.0)
        made[place] = _as_it_was(contents, place, made, tell)
    warnings = []
    for place, kept in enumerate(session.layers):
        layer = made[place]
        whole = isinstance(kept.source, FromArray)  # it stands in the session itself
        if not whole and kept.array_sha256 not in {"", fingerprint(layer)}:
            warnings.append(f"{kept.look['name']} did not come out as it was when it was saved")
        if frame is not None:
            for turned, data in Snapshot.of(_Bench([layer])).turned(frame):
                redraw(turned, *data)
        dress(layer, kept.look)
    return Remade([made[place] for place in range(len(made))], warnings)


@dataclass
class _Bench:
    """Layers that are in no viewer, where `Snapshot` looks for them."""

    layers: list[Any]


def _opened(
    contents: Contents, found: dict[int, list[Path]], frame: Frame | None, progress: Progress
) -> dict[int, Any]:
    """Open every layer that is made of no other."""
    made: dict[int, Any] = {}
    changed = []
    for place, kept in enumerate(contents.session.layers):
        source = kept.source
        progress(place / len(contents.session.layers), f"opening {kept.look['name']}")
        if isinstance(source, FromFile):
            volume, path = loaded(source, found[place], progress)
            if not is_as_it_was(volume, source):
                changed.append(f"{kept.look['name']} ({path.name})")
            volume = as_suv(volume) if source.suv else volume
            volume = taken_for(volume, source.kind) if source.kind else volume
            origin = Opened(str(path), source.series, source.time_point)
            made[place] = _ours(volume, frame, origin)
        elif isinstance(source, FromSample):
            volumes = rendered(source.sample)
            origin = Opened(sample=source.sample, index=source.index)
            made[place] = _ours(volumes[source.index % len(volumes)], frame, origin)
        elif isinstance(source, FromArray):
            keys = ("name", "units", "axis_labels")
            bare = {key: kept.look[key] for key in keys} | {"metadata": dict(source.marks)}
            if source.marks.get(MARKS) in SYMBOLS:
                bare |= drawn_as(source.marks[MARKS], kept.look["scale"][-1])
            made[place] = _layer((contents.arrays[source.array], bare, source.kind))
    if changed:
        raise ReadError(
            f"{' and '.join(changed)} changed since the session was saved: nothing was opened"
        )
    return made


def _in_turn(session: Session, made: set[int]) -> Iterator[int]:
    """Give the places that are made of others, each after those it is made of.

    Raises
    ------
    ReadError
        Layers are made of each other.
    """
    waiting = {
        place: set(kept.source.sources)
        for place, kept in enumerate(session.layers)
        if isinstance(kept.source, FromLayers)
    }
    while waiting:
        ready = [place for place, needs in waiting.items() if needs <= made]
        if not ready:
            raise ReadError("the session file contradicts itself: its layers need each other")
        for place in ready:
            yield place
            made.add(place)
            del waiting[place]


def _as_it_was(contents: Contents, place: int, made: dict[int, Any], progress: Progress) -> Any:
    """Make a layer again of its sources as they were read, else as somebody moved them since."""
    kept = contents.session.layers[place]
    layer = _made_again(contents, place, made, progress)
    if kept.array_sha256 in {"", fingerprint(layer)} or not isinstance(kept.source, FromLayers):
        return layer
    looks = {n: contents.session.layers[n].look for n in kept.source.sources}
    moved = {n: _moved(made[n], look) for n, look in looks.items()}
    try:
        other = _made_again(contents, place, moved, progress)
    except FusionError:  # moved too far for that: they were not moved before
        return layer
    return other if fingerprint(other) == kept.array_sha256 else layer


def _moved(layer: Any, look: Mapping[str, Any]) -> Any:
    """Give a layer's twin that lies where the session says."""
    twin = _layer(layer.as_layer_data_tuple())
    for key in PLACE:
        setattr(twin, key, look[key])
    return twin


def _made_again(contents: Contents, place: int, made: dict[int, Any], progress: Progress) -> Any:
    """Draw or fuse one layer again."""
    source = contents.session.layers[place].source
    if not isinstance(source, FromLayers):
        raise ReadError("the session file names a layer that cannot be")
    arguments: dict[str, Any] = dict(source.arguments)
    bench = _Bench([made[n] for n in source.sources])
    names = _apart(
        bench.layers, [str(contents.session.layers[n].look["name"]) for n in source.sources]
    )
    if source.verb == "align":
        fixed, moving = names
        snapshot = Snapshot.of(bench)
        pair = [snapshot.source(name).volume.fingerprints for name in names]
        found = contents.alignments[source.alignment]
        for role in unlike(found.judged_on, pair):
            found = replace(found, quality=other_voxels(role), judged_on=None)
        by = arguments.get("by", "registration")
        return _layer(placed(snapshot, fixed, moving, found, by).layers[0])
    job = JOBS[source.verb](Snapshot.of(bench), tuple(names), **arguments)
    return _layer(job.compute(progress).layers[source.part])


def _apart(layers: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Name layers that lie in no viewer as they were, with a number where two had one name."""
    for number, (layer, name) in enumerate(zip(layers, names, strict=True)):
        layer.name = name if names.count(name) == 1 else f"{name} [{number}]"
    return [str(layer.name) for layer in layers]


def _ours(volume: Volume, frame: Frame | None, origin: Opened) -> Any:
    data = to_layer(volume, frame)
    data[1]["metadata"][ORIGIN] = origin
    return _layer(data)


def _layer(data: Any) -> Any:
    from napari.layers import Layer

    make: Callable[..., Any] = Layer.create
    return make(*data)
