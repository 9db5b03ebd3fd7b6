"""Align, resample, fuse, attribute, measure: a recipe from request to outcome."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_fusion import fusion, metrics, registration
from napari_fusion.errors import AlignError, ParameterError, Progress, between, expect
from napari_fusion.grid import Grid
from napari_fusion.io.budget import GIB, VOLUME_BYTES
from napari_fusion.recipe.admission import admitted, check_made_for, overlap
from napari_fusion.recipe.outcome import Outcome, in_words
from napari_fusion.recipe.request import Recipe
from napari_fusion.registration import Alignment, Quality
from napari_fusion.registration.quality import AS_SCANNED, RANK
from napari_fusion.slab import Window
from napari_fusion.volume import Step, Volume

LEAST_OVERLAP = 0.2
"""Volumes that share less of themselves are fused with a warning."""


def run(
    recipe: Recipe,
    fixed: Volume,
    *moving: Volume,
    alignments: Sequence[Alignment] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Align each moving volume, bring all onto one grid, fuse, attribute and measure.

    Parameters
    ----------
    recipe
        What to do.
    fixed, *moving
        The volumes; the result lies on the fixed grid (or its box at ``recipe.spacing``).
    alignments
        Alignments to use instead of registering anew, one per moving volume: a replay.
    progress
        Called with 0 to 1 and a few words; may raise `Cancelled`.

    Returns
    -------
    Outcome
        Sources, fused volume and shares on one grid, with what a reader of them has to know.

    Raises
    ------
    ParameterError
        The inputs do not belong together, hold no usable values, or the recipe names something
        that is not there.
    AlignError
        A registration failed, or its verdict is worse than ``recipe.accept``.
    QuantityError
        The recipe asks for SUV, and what that takes is missing.
    MissingExtra, CheckpointError
        As for `fuse`; of another program that registers, as for `align`.

    Examples
    --------
    >>> from napari_fusion import phantom
    >>> ct, mr, _ = phantom.misaligned_pair(size="small")
    >>> run(Recipe(method="average"), ct, mr).fused.modality
    'FUSED'
    """
    expect(Recipe, recipe=recipe)
    method = fusion.lookup(recipe.method)
    method.digests(method.resolve(recipe.params))  # a file that is gone is told before long work
    for name in recipe.metrics:
        metrics.lookup(name)
    inputs, warnings = admitted(recipe, (fixed, *moving))
    if alignments is not None:
        _check_given(alignments, fixed, moving)
    grid = _grid(recipe, fixed)
    clock = _Clock()
    with clock("align"):
        maps = _aligned(recipe, inputs, alignments, between(progress, 0, 0.6))
        if alignments is None:
            maps = _named(maps, (fixed, *moving), inputs)
    common = [overlap(alignment) for alignment in maps]
    warnings += [
        f"only {100 * c:.0f} % of the volumes overlap" for c in common if c < LEAST_OVERLAP
    ]
    with clock("resample"):
        sources = _on_grid(inputs, maps, grid)
    windows = _windows(recipe, inputs)
    recipe = _resolved(recipe, windows, grid)
    with clock("fuse"):
        fused, shares = fusion.fuse_with_shares(
            sources,
            recipe.method,
            windows=windows,
            axis=recipe.axis,
            progress=between(progress, 0.65, 0.9),
            **recipe.params,
        )
    with clock("measure"):
        numbers = metrics.evaluate(*_slices(recipe, windows, sources, fused), recipe.metrics)
    warnings += [in_words(m.quality) for m in maps if m.quality.verdict != "PASS"]
    warnings += fused.history[-1].warnings
    fused = fused.with_step(Step("gate", {"quality": [in_words(m.quality) for m in maps]}))
    if progress:
        progress(1.0, "done")
    return Outcome(
        recipe=recipe,
        inputs=inputs,
        fixed=sources[0],
        moving_on_fixed=sources[1:],
        fused=fused,
        shares=tuple(shares),
        alignments=maps,
        metrics=numbers,
        warnings=tuple(dict.fromkeys(warnings)),
        seconds=clock.seconds,
    )


def _grid(recipe: Recipe, fixed: Volume) -> Grid:
    """Give the grid of the result, and refuse one that no memory would hold."""
    if recipe.spacing is None:
        return fixed.grid
    grid = fixed.grid.with_spacing(recipe.spacing)
    wanted = 4 * math.prod(grid.shape)
    if wanted > VOLUME_BYTES:
        raise ParameterError(
            f"a spacing of {' × '.join(f'{s:g}' for s in recipe.spacing)} mm makes volumes of "
            f"{wanted / GIB:.0f} GiB: choose a coarser one"
        )
    return grid


class _Clock:
    """Wall seconds by step, in the order they ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 3)


def _aligned(
    recipe: Recipe,
    inputs: tuple[Volume, ...],
    given: Sequence[Alignment] | None,
    progress: Progress,
) -> tuple[Alignment, ...]:
    """Find (or take) the alignment of each moving volume and hold it to the gate."""
    fixed, *moving = inputs
    if given is not None:
        return tuple(_held(recipe, alignment) for alignment in given)
    if recipe.align is None:
        return tuple(_as_they_lie(fixed, volume) for volume in moving)
    found = []
    for i, volume in enumerate(moving):
        part = between(progress, i / len(moving), (i + 1) / len(moving))
        found.append(_held(recipe, registration.align(fixed, volume, recipe.align, progress=part)))
    return tuple(found)


def _check_given(given: Sequence[Alignment], fixed: Volume, moving: Sequence[Volume]) -> None:
    """Refuse alignments that were made for other volumes."""
    expect(Sequence, alignments=given)
    if len(given) != len(moving):
        raise ParameterError(f"{len(given)} alignments were given for {len(moving)} moving volumes")
    for number, (alignment, volume) in enumerate(zip(given, moving, strict=True), start=1):
        here = ("fixed volume", fixed), ("moving volume", volume)
        check_made_for(alignment, f"alignment {number}", *here)


def _named(
    maps: tuple[Alignment, ...], given: Sequence[Volume], inputs: Sequence[Volume]
) -> tuple[Alignment, ...]:
    """Note of which volumes alignments are: as they were given, and as they were used."""
    fixed, *moving = (
        tuple(dict.fromkeys((*one.fingerprints, *other.fingerprints)))
        for one, other in zip(given, inputs, strict=True)
    )
    return tuple(replace(m, judged_on=(fixed, own)) for m, own in zip(maps, moving, strict=True))


def _held(recipe: Recipe, alignment: Alignment) -> Alignment:
    """Hold an alignment, found or given, to the worst verdict that the recipe accepts."""
    if alignment.quality.rank > RANK[recipe.accept]:
        raise AlignError(
            f"the registration did not pass its check, so nothing was fused: "
            f"{in_words(alignment.quality)} Give a better start, or fuse all the same with "
            f"--accept {alignment.quality.verdict}"
        )
    return alignment


def _as_they_lie(fixed: Volume, moving: Volume) -> Alignment:
    """Take the files' own coordinates, and say what that is worth."""
    same = fixed.frame_uid is not None and fixed.frame_uid == moving.frame_uid
    sentence = (
        AS_SCANNED if same else "NOT REGISTERED: the files' own coordinates were taken as they are."
    )
    quality = Quality(verdict="CHECK", sentence=sentence)
    return Alignment.identity(fixed.grid, moving.grid, quality)


def _on_grid(
    inputs: tuple[Volume, ...], maps: tuple[Alignment, ...], grid: Grid
) -> tuple[Volume, ...]:
    fixed, *moving = inputs
    first = fixed if grid.matches(fixed.grid) else registration.resample(fixed, grid)
    return (
        first,
        *(registration.resample(v, grid, m) for v, m in zip(moving, maps, strict=True)),
    )


def _windows(recipe: Recipe, inputs: tuple[Volume, ...]) -> tuple[Window, ...]:
    """Give each source's window: the recipe's, or what its native voxels ask for."""
    asked = recipe.windows or (None,) * len(inputs)
    return tuple(volume.window(w) for w, volume in zip(asked, inputs, strict=True))


def _resolved(recipe: Recipe, windows: tuple[Window, ...], grid: Grid) -> Recipe:
    """Fill in what the recipe leaves to defaults: windows, parameters and the slice axis."""
    found = {
        "windows": windows,
        "params": fusion.lookup(recipe.method).resolve(recipe.params),
        "axis": grid.slice_axis if recipe.axis is None else recipe.axis,
    }
    return Recipe(**{**dict(recipe), **found})


def _slices(
    recipe: Recipe, windows: tuple[Window, ...], sources: tuple[Volume, ...], fused: Volume
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Give fused and sources as slabs in [0, 1], cut along the axis they were fused along."""
    axis = recipe.axis or 0
    shown = [w(v.array) for w, v in zip(windows, sources, strict=True)]
    return np.moveaxis(fused.array, axis, 0), [np.moveaxis(s, axis, 0) for s in shown]
