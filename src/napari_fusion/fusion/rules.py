"""How sources share a coefficient: selection rules used by every family.

A rule takes activity (k, h, w) and gives weights (k, h, w), not negative, summing to 1 over the
sources. Ties are shared equally, so equal sources get equal parts and swapping sources swaps parts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.fusion.congruency import congruency
from napari_fusion.pyramid import filtered
from napari_fusion.slab import Stack

Planes = NDArray[np.float32]
"""(k, h, w) float32: the same slice, or one band of it, of k sources."""

Votes = NDArray[np.uint8]
"""(h, w): 2 where the first of two sources is ahead, 0 where the second is, 1 where they tie."""

Rule = Literal["magnitude", "energy", "sml", "phase", "consistent"]
"""Activity of a band: its magnitude, its energy in a 3 × 3 window, its sum-modified Laplacian, its
energy where the phases of all scales agree; or the energy, and then each place goes to the source
that won most of the 3 × 3 around it."""

UNCERTAIN = np.float32(0.1)
"""Phase congruency that counts even where phases disagree, so that fine texture has a say."""

STRIP_PIXELS = 1 << 20
"""Larger bands are decided on a strip of rows at a time, to spare memory."""

FAINT = np.float32(0.25)
"""A slice whose brightest value is below this counts in a mean in proportion to it."""


def each_slice(rule: Callable[..., Planes], sources: Stack, *args: Any) -> Stack:
    """Apply a rule (k, h, w) -> (k, h, w) to every slice, each by itself.

    The rule sees only the sources that show anything in the slice, at least two of them: an empty
    one gives nothing and changes nothing, and a lone one is its own fusion.
    """
    shown = np.array([[plane.max(initial=0) != 0 for plane in source] for source in sources], bool)
    if shown.all() and shown.shape[1] == 1 and len(shown) > 1:
        return rule(sources[:, 0], *args)[:, None]  # spares huge slices a copy
    parts = np.zeros_like(sources)
    for i, seen in enumerate(shown.T):
        if seen.all() and len(seen) > 1:
            parts[:, i] = rule(sources[:, i], *args)
        elif seen.sum() > 1:
            parts[seen, i] = rule(sources[seen, i], *args)
        else:
            parts[seen, i] = sources[seen, i]
    return parts


def emptied(parts: Stack, sources: Stack) -> Stack:
    """Make parts (k, n, h, w) exactly zero, in place, where every source is."""
    empty = sources[0] == 0
    for source in sources[1:]:
        empty &= source == 0
    np.copyto(parts, 0, where=empty)
    return parts


def strongest(activity: Planes) -> Planes:
    """Give all to the most active source; those that tie share."""
    if len(activity) == 2:  # the common case, without the division
        return _halves(_votes(activity))
    shared: Planes = (activity == activity.max(axis=0)).astype(np.float32)
    shared /= shared.sum(axis=0)
    return shared


def majority(activity: Planes) -> Planes:
    """Give each place to the source that is strongest in most of the 3 × 3 around (Li et al. 1995).

    Single places decided against their surroundings, where the sources' details point opposite
    ways, would show as dots along an edge.
    """
    if len(activity) > 2:
        return strongest(smooth(strongest(activity), 1))
    import cv2

    around: Votes = cv2.boxFilter(  # type: ignore[assignment]
        _votes(activity), -1, (3, 3), normalize=False
    )
    return _halves(_ahead(around, np.uint8(9)))  # of 18 votes


def _votes(activity: Planes) -> Votes:
    """Say of two sources which is the more active."""
    return _ahead(*activity)


def _ahead(one: NDArray[Any], other: Any) -> Votes:
    """Say where one is ahead of the other, 2, and where they tie, 1."""
    votes: Votes = (one > other).view(np.uint8)
    votes += (one >= other).view(np.uint8)
    return votes


def _halves(votes: Votes) -> Planes:
    """Give each of two sources half for every vote it has, of two at every place."""
    shared: Planes = np.empty((2, *votes.shape), np.float32)
    np.multiply(votes, np.float32(0.5), out=shared[0])
    np.subtract(1, shared[0], out=shared[1])
    return shared


def proportional(activity: NDArray[Any]) -> NDArray[np.float32]:
    """Share in proportion to activity; where nobody is active, equally."""
    return divided(activity, activity.sum(axis=0), 1 / len(activity))


def divided(activity: NDArray[Any], total: NDArray[Any], otherwise: float) -> NDArray[np.float32]:
    """Divide activity (k, ...) by a total (...) where that is above 0; elsewhere give a number."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio: NDArray[np.float32] = np.divide(
            activity, total, dtype=np.float32
        )  # with where= it is four times slower
    nothing = ~(total > 0)
    if nothing.any():
        np.copyto(ratio, np.float32(otherwise), where=nothing)
    return ratio


def presence(planes: Planes) -> NDArray[np.float32]:
    """Give each source its weight (k, 1, 1) in a mean; an empty slice does not dim the others.

    A slice counts fully when its brightest value reaches 0.25, in proportion below, so that a
    source fading in along the slices does not make the others flicker.
    """
    peak = planes.max(axis=(1, 2), keepdims=True, initial=0)
    return proportional(np.minimum(peak / FAINT, 1))


def activity(bands: Planes, rule: Rule) -> Planes:
    """Measure how much happens at every place of a band (k, h, w), by a named rule."""
    if rule == "magnitude":
        return np.abs(bands)
    if rule in ("energy", "consistent"):
        return smooth(bands * bands, 1)
    if rule == "phase":
        agreed = np.stack([congruency(band) + UNCERTAIN for band in bands])
        return activity(bands, "energy") * agreed
    return modified_laplacian(bands)


def smooth(planes: Planes, radius: int) -> Planes:
    """Average (..., h, w) over a square of side ``2 radius + 1``, mirrored at the border."""
    import cv2

    return filtered(planes, partial(cv2.blur, ksize=(2 * radius + 1,) * 2), planes.shape[-2:])


def modified_laplacian(planes: Planes) -> Planes:
    """Add up |second differences| along rows and columns in a 3 × 3 window (Nayar 1994)."""
    import cv2

    bend = np.array([-1, 2, -1], np.float32)
    one = np.ones(1, np.float32)
    size = planes.shape[-2:]
    across, down = (
        filtered(planes, partial(cv2.sepFilter2D, ddepth=-1, kernelX=x, kernelY=y), size)
        for x, y in ((bend, one), (one, bend))
    )
    np.abs(across, out=across)
    across += np.abs(down, out=down)
    return smooth(across, 1)


def select(bands: Planes, rule: Rule = "magnitude") -> Planes:
    """Give each source the part of a band (k, h, w) where it is the most active."""
    if rule == "phase":
        return _selected(bands, rule)
    return in_strips(lambda rows: _selected(rows, rule), bands, margin=2)


def _selected(bands: Planes, rule: Rule) -> Planes:
    measured = activity(bands, rule)
    winners = majority(measured) if rule == "consistent" else strongest(measured)
    winners *= bands
    return winners


def in_strips(rule: Callable[..., Planes], *planes: Planes, margin: int) -> Planes:
    """Apply a rule that looks `margin` rows up and down to a few rows of all planes at a time.

    What the rule needs beside its result then stays small for slices of any size.
    """
    _, h, w = planes[0].shape
    size = max(STRIP_PIXELS // max(w, 1), 8 * margin, 1)
    if size >= h:
        return rule(*planes)
    result: Planes | None = None
    for start in range(0, h, size):
        stop, first = min(start + size, h), max(start - margin, 0)
        given = rule(*(plane[:, first : stop + margin] for plane in planes))
        if result is None:
            result = np.empty((len(given), h, w), np.float32)
        result[:, start:stop] = given[:, start - first : stop - first]
    return rule(*planes) if result is None else result
