"""Group frames into volumes: by what must agree, then by what tells frames at one place apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_fusion.io import frames as kinds
from napari_fusion.io import header as dicom
from napari_fusion.io.frames import Frame
from napari_fusion.io.placement import is_even, positions_along

SAME_PLACE_MM = 1e-3
"""Frames closer than this along the normal lie at one place."""

SAME_DIRECTION = 2e-3
"""Direction cosines that differ by less belong to one stack."""


@dataclass(frozen=True)
class Stack:
    """Frames that make one volume, or one volume per time point.

    Parameters
    ----------
    uid
        Series instance UID.
    part
        What tells this volume from the others of its series, e.g. "echo time 80".
    times
        Frames of each time point, in order; each in the order of position.
    fault
        Why the frames make no volume, "" when they do.
    """

    uid: str
    times: tuple[tuple[Frame, ...], ...]
    part: str = ""
    fault: str = ""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of the first time point."""
        return self.times[0]


def _header_key(*tags: int) -> Callable[[Frame], str]:
    def key(frame: Frame) -> str:
        return "/".join(_readable(frame, tag) for tag in tags).strip("/")

    return key


def _own_key(name: str, *tags: int) -> Callable[[Frame], str]:
    from_header = _header_key(*tags)

    def key(frame: Frame) -> str:
        return frame.keys.get(name) or from_header(frame)

    return key


_APART: tuple[tuple[str, Callable[[Frame], str]], ...] = (
    ("image type", _header_key(dicom.IMAGE_TYPE)),
    ("stack", _own_key(kinds.STACK)),
    ("energy window", _own_key("energy window")),
    ("echo time", _own_key(kinds.ECHO, dicom.ECHO_TIME, dicom.ECHO_NUMBER)),
    ("b-value", _own_key(kinds.DIFFUSION, dicom.B_VALUE, dicom.SIEMENS_B_VALUE)),
    ("acquisition", _own_key("acquisition", dicom.ACQUISITION_NUMBER)),
)
"""What makes separate volumes of frames at one place."""

_IN_TIME: tuple[Callable[[Frame], str], ...] = (
    _own_key(kinds.TIME, dicom.TEMPORAL_POSITION),
    _header_key(dicom.FRAME_REFERENCE),
    _header_key(dicom.TRIGGER_TIME),
    _header_key(dicom.CARDIAC_PHASE),
)
"""What makes time points of them."""

_CLOCKS: tuple[Callable[[Frame], str], ...] = (
    _header_key(dicom.ACQUISITION_DATE, dicom.ACQUISITION_TIME),
    _header_key(dicom.CONTENT_TIME),
)
"""What orders them in time, although it may differ for every slice."""


def stacks_of(frames: Iterable[Frame]) -> list[Stack]:
    """Sort frames into stacks, each in the order of position along its normal.

    A stack that is no volume says so in its `fault`.
    """
    found: list[Stack] = []
    for uid, series in _by(frames, lambda f: f.header.text(dicom.SERIES)).items():
        groups = _alike(series)
        for group in groups:
            for stack in _split(uid, group):
                label = _label(group, groups) if len(groups) > 1 else ""
                part = ", ".join(p for p in (label, stack.part) if p)
                found.append(Stack(uid, stack.times, part, stack.fault))
    return found


def _by(frames: Iterable[Frame], key: Callable[[Frame], str]) -> dict[str, list[Frame]]:
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    return groups


def _alike(frames: list[Frame]) -> list[list[Frame]]:
    """Group frames of one matrix, pixel size, frame of reference and orientation."""
    exact: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        head = frame.header
        exact[
            head.integer(dicom.ROWS),
            head.integer(dicom.COLUMNS),
            head.text(dicom.FRAME_OF_REFERENCE),
            head.text(dicom.SOP_CLASS),
            "LOCALIZER" in head.texts(dicom.IMAGE_TYPE),
            None if frame.spacing is None else tuple(round(s, 4) for s in frame.spacing),
            frame.orientation,
        ].append(frame)
    merged: list[tuple[tuple[object, ...], list[Frame]]] = []
    for key, group in exact.items():
        for other, members in merged:
            if key[:-1] == other[:-1] and _parallel(group[0], members[0]):
                members.extend(group)
                break
        else:
            merged.append((key, group))
    return [group for _, group in merged]


def _parallel(a: Frame, b: Frame) -> bool:
    if a.orientation is None or b.orientation is None:
        return a.orientation is b.orientation
    return all(
        abs(x - y) < SAME_DIRECTION for x, y in zip(a.orientation, b.orientation, strict=True)
    )


def _split(uid: str, frames: list[Frame]) -> list[Stack]:
    """Split frames at one place until each stack has one frame at each place."""
    if any(f.position is None or f.orientation is None for f in frames):
        return [Stack(uid, (tuple(frames),))]
    groups: list[tuple[str, list[Frame]]] = [("", frames)]
    for name, key in _APART:
        groups = [part for group in groups for part in _apart(group, name, key)]
    return [_timed(uid, part, group) for part, group in groups]


def _apart(
    group: tuple[str, list[Frame]], name: str, key: Callable[[Frame], str]
) -> list[tuple[str, list[Frame]]]:
    """Split a group by a key when that mends double places or uneven steps."""
    part, frames = group
    split = _by(frames, key)
    if len(split) == 1 or min(len(s) for s in split.values()) < 2:
        return [group]
    doubled = _doubled(frames)
    if doubled:
        helps = sum(_doubled(s) for s in split.values()) < doubled
    else:
        helps = not is_even(frames) and _interleaved(list(split.values()))
    if not helps:
        return [group]
    labels = _distinct(sorted(split, key=_natural))
    return [
        (", ".join(p for p in (part, f"{name} {label}") if p), split[value])
        for value, label in labels.items()
    ]


def _interleaved(groups: list[list[Frame]]) -> bool:
    """Whether even stacks run through one another; stacks end to end are one uneven stack."""
    if not all(len(group) > 2 and is_even(group) for group in groups):
        return False
    first = groups[0][0]
    spans = sorted((a.min(), a.max()) for a in (positions_along(g, first) for g in groups))
    return all(above[0] < below[1] for below, above in pairwise(spans))


def _distinct(values: list[str]) -> dict[str, str]:
    """Shorten values to the parts in which they differ."""
    parts = [v.split("\\") for v in values]
    if len({len(p) for p in parts}) != 1:
        return dict(zip(values, values, strict=True))
    differing = [i for i in range(len(parts[0])) if len({p[i] for p in parts}) > 1]
    return {v: " ".join(p[i] for i in differing) for v, p in zip(values, parts, strict=True)}


def _doubled(frames: list[Frame]) -> int:
    """Count frames that lie where another already does."""
    along = np.sort(positions_along(frames))
    return int(np.count_nonzero(np.diff(along) < SAME_PLACE_MM))


def _timed(uid: str, part: str, frames: list[Frame]) -> Stack:
    """Sort by position; frames still at one place are time points, or no volume."""
    if not _doubled(frames):
        return Stack(uid, (_sorted(frames),), part)
    for key in _IN_TIME:
        split = _by(frames, key)
        times = [_sorted(split[value]) for value in sorted(split, key=_natural)]
        if len(times) > 1 and _match(times):
            return Stack(uid, tuple(times), part)
    for key in _CLOCKS:
        ranked = _ranked(frames, key)
        if ranked and _match(ranked):
            return Stack(uid, tuple(ranked), part)
    places = len(frames) - _doubled(frames)
    fault = (
        f"{len(frames)} slices lie at {places} place{'s' if places > 1 else ''} and nothing in "
        "their headers tells them apart"
    )
    return Stack(uid, (_sorted(frames),), part, fault)


def _match(times: list[tuple[Frame, ...]]) -> bool:
    """Whether every time point has the same places, each once."""
    first = positions_along(times[0])
    return all(
        len(t) == len(first) > 1
        and not _doubled(list(t))
        and np.allclose(positions_along(t, times[0][0]), first, atol=SAME_PLACE_MM * 10)
        for t in times
    )


def _ranked(frames: list[Frame], key: Callable[[Frame], str]) -> list[tuple[Frame, ...]]:
    """Give each place's frames the number of their turn, by a clock that runs on."""
    ordered = sorted(frames, key=lambda f: _natural(key(f)))
    along = np.round(positions_along(ordered, frames[0]) / (SAME_PLACE_MM * 10)).astype(int)
    turns: dict[int, list[Frame]] = defaultdict(list)
    for place, frame in zip(along.tolist(), ordered, strict=True):
        turns[place].append(frame)
    lengths = {len(turn) for turn in turns.values()}
    clear = all(len({key(f) for f in turn}) == len(turn) for turn in turns.values())
    if len(lengths) != 1 or not clear:
        return []
    return [_sorted([turn[i] for turn in turns.values()]) for i in range(lengths.pop())]


def _sorted(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    listed = list(frames)
    along = positions_along(listed)
    return tuple(listed[i] for i in np.argsort(along, kind="stable"))


def _label(group: list[Frame], groups: list[list[Frame]]) -> str:
    """Say how a group differs from the others of its series."""
    first = group[0]
    label = f"{first.header.integer(dicom.COLUMNS)} × {first.header.integer(dicom.ROWS)}"
    same = [g for g in groups if g is not group]
    turned = any(not _parallel(first, g[0]) for g in same)
    return f"{label}, orientation {groups.index(group) + 1}" if turned else label


def _readable(frame: Frame, tag: int) -> str:
    raw = frame.header.values.get(tag, b"")
    if tag in {dicom.B_VALUE, dicom.CARDIAC_PHASE} and len(raw) == 8:
        return f"{np.frombuffer(raw, frame.header.order + 'f8')[0]:g}"
    return frame.header.text(tag)


def _natural(text: str) -> tuple[list[float], str]:
    try:
        return [float(part) for part in text.split("/")], text
    except ValueError:
        return [math.inf], text
