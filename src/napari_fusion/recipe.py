"""A request in writing, and the one function that carries it out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, JsonValue

from napari_fusion import fusion, metrics, registration
from napari_fusion.errors import AlignError, ParameterError, Progress, between
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, AlignOptions, Quality
from napari_fusion.registration.quality import Verdict
from napari_fusion.slab import Window, default_window
from napari_fusion.volume import Step, Volume


class Recipe(BaseModel):
    """What to do with one fixed and one or more moving volumes; frozen, JSON both ways.

    Parameters
    ----------
    align
        How to register each moving volume to the fixed one; None takes them as they lie.
    accept
        The worst verdict of the registration gate that may still be fused.
    spacing
        Voxel size (mm, array order) of the result over the fixed volume's box; None keeps the
        fixed grid.
    windows
        One window per source, fixed first; None where the modality's default is meant.
    method, params
        Name of a fusion method and its parameters.
    axis
        Array axis that slices are cut along; None takes the coarsest.
    nan
        Whether voxels that are not finite refuse the job or count as background.
    different_patients
        Allow volumes whose DICOM PatientID differs.
    metrics
        Names of the measures of fusion quality to report.

    Examples
    --------
    >>> Recipe.model_validate_json(Recipe(method="maximum").model_dump_json()).method
    'maximum'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    align: AlignOptions | None = AlignOptions()
    accept: Verdict = "CHECK"
    spacing: tuple[float, float, float] | None = None
    windows: tuple[Window | None, ...] | None = None
    method: str = "laplacian"
    params: dict[str, JsonValue] = {}
    axis: int | None = None
    nan: Literal["refuse", "background"] = "refuse"
    different_patients: bool = False
    metrics: tuple[str, ...] = ("q_abf", "mutual_information", "ssim")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a recipe: every volume lies on one grid.

    Parameters
    ----------
    recipe
        The recipe with every default filled in, so that it replays exactly.
    inputs
        The volumes as given, fixed first.
    fixed, moving_on_fixed, fused
        The sources on the common grid, and the fused volume in [0, 1].
    shares
        What part of each fused voxel each source gave, fixed first; they sum to 1.
    alignments
        One per moving volume.
    metrics
        Quality of the fusion by name.
    warnings
        Plain sentences the reader of the picture has to know.
    seconds
        Wall time of each step.
    """

    recipe: Recipe
    inputs: tuple[Volume, ...]
    fixed: Volume
    moving_on_fixed: tuple[Volume, ...]
    fused: Volume
    shares: tuple[Volume, ...]
    alignments: tuple[Alignment, ...]
    metrics: dict[str, float]
    warnings: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[Volume, ...]:
        """The volumes that were fused, on the common grid, fixed first."""
        return (self.fixed, *self.moving_on_fixed)

    @property
    def state(self) -> str:
        """Say in words how far the fusion can be trusted to be aligned."""
        fixed = self.fixed.modality
        return "; ".join(
            f"{moving.modality} on {fixed}: {in_words(alignment.quality)}"
            for moving, alignment in zip(self.moving_on_fixed, self.alignments, strict=True)
        )


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

    Raises
    ------
    ParameterError
        The inputs do not belong together, hold no usable values, or the recipe names something
        that is not there.
    AlignError
        A registration failed, or its verdict is worse than ``recipe.accept``.

    Examples
    --------
    >>> from napari_fusion import phantom
    >>> ct, mr, _ = phantom.misaligned_pair(size="small")
    >>> run(Recipe(method="average"), ct, mr).fused.modality
    'FUSED'
    """
    fusion.lookup(recipe.method).resolve(recipe.params)
    inputs, warnings = _checked(recipe, (fixed, *moving))
    clock = _Clock()
    with clock("align"):
        maps = _aligned(recipe, inputs, alignments, between(progress, 0, 0.6))
    for alignment in maps:
        _refuse_apart(alignment)
    grid = fixed.grid.with_spacing(recipe.spacing) if recipe.spacing else fixed.grid
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
    fused = fused.with_step(Step("align", {"quality": [in_words(m.quality) for m in maps]}))
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


def in_words(quality: Quality) -> str:
    """Say verdict and reason."""
    return f"{quality.verdict}. {quality.sentence}"


class _Clock:
    """Wall seconds by step, in the order they ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 3)


def _checked(recipe: Recipe, inputs: tuple[Volume, ...]) -> tuple[tuple[Volume, ...], list[str]]:
    """Refuse volumes that cannot be fused honestly; say what was repaired."""
    if len(inputs) < 2:
        raise ParameterError("fusion needs a fixed and at least one moving volume; one was given")
    if recipe.windows is not None and len(recipe.windows) != len(inputs):
        raise ParameterError(
            f"the recipe holds {len(recipe.windows)} windows for {len(inputs)} volumes: "
            "give one per volume, fixed first, or none"
        )
    patients = {v.patient for v in inputs if v.patient is not None}
    if len(patients) > 1 and not recipe.different_patients:
        raise ParameterError(
            "the volumes belong to different patients (DICOM PatientID differs): choose volumes of "
            "one patient, or allow it with --different-patients (different_patients=True)"
        )
    warnings = [w for v in inputs for w in v.warnings]
    if len(patients) > 1:
        warnings.append("DIFFERENT PATIENTS: the volumes' DICOM PatientID differs")
    roles = ["fixed", "moving"] + [f"moving {i}" for i in range(2, len(inputs))]
    cleaned = tuple(
        _usable(v, role, recipe, warnings) for v, role in zip(inputs, roles, strict=True)
    )
    return cleaned, warnings


def _usable(volume: Volume, role: str, recipe: Recipe, warnings: list[str]) -> Volume:
    """Check one volume's values; NaN and infinity become background only when asked."""
    finite = np.isfinite(volume.array)
    lost = int(finite.size - np.count_nonzero(finite))
    if lost == finite.size:
        raise ParameterError(f"the {role} volume holds no finite value: there is nothing to fuse")
    if lost and recipe.nan == "refuse":
        raise ParameterError(
            f"the {role} volume has {lost} voxels that are NaN or infinite: "
            "repair them, or count them as background with --nan background (nan='background')"
        )
    if lost:
        warnings.append(f"{lost} voxels of the {role} volume were not finite: set to background")
        step = Step("mask", {"voxels": lost})
        volume = volume.with_array(np.where(finite, volume.array, volume.background), step)
    low, high = float(volume.array.min()), float(volume.array.max())
    if low == high:
        raise ParameterError(
            f"the {role} volume is constant (every voxel is {low:g}): there is nothing to fuse"
        )
    if recipe.align is not None and min(volume.grid.shape) < 2:
        raise AlignError(
            f"the {role} volume has one slice only, which cannot be registered in 3-D: "
            "give a volume of several slices, or fuse as they lie with --register none"
        )
    return volume


def _aligned(
    recipe: Recipe,
    inputs: tuple[Volume, ...],
    given: Sequence[Alignment] | None,
    progress: Progress,
) -> tuple[Alignment, ...]:
    """Find (or take) the alignment of each moving volume and hold it to the gate."""
    fixed, *moving = inputs
    if given is not None and len(given) != len(moving):
        raise ParameterError(f"{len(given)} alignments were given for {len(moving)} moving volumes")
    if given is not None:
        return tuple(given)
    if recipe.align is None:
        return tuple(_as_they_lie(fixed, volume) for volume in moving)
    found = []
    for i, volume in enumerate(moving):
        part = between(progress, i / len(moving), (i + 1) / len(moving))
        alignment = registration.align(fixed, volume, recipe.align, progress=part)
        if alignment.quality.rank > get_args(Verdict).index(recipe.accept):
            raise AlignError(
                f"the registration did not pass its check, so nothing was fused: "
                f"{in_words(alignment.quality)} Give a better start, or fuse all the same with "
                f"--accept {alignment.quality.verdict}"
            )
        found.append(alignment)
    return tuple(found)


def _as_they_lie(fixed: Volume, moving: Volume) -> Alignment:
    """Take the files' own coordinates, and say what that is worth."""
    same = fixed.frame_uid is not None and fixed.frame_uid == moving.frame_uid
    sentence = (
        "Aligned by the scanner (same frame of reference), not verified."
        if same
        else "NOT REGISTERED: the files' own coordinates were taken as they are."
    )
    quality = Quality(verdict="CHECK", sentence=sentence)
    return Alignment.identity(fixed.grid, moving.grid, quality)


def _refuse_apart(alignment: Alignment, a_side: int = 24) -> None:
    """Refuse volumes of which no part lies in the other, judged by `a_side`³ points of each."""
    pairs = [(alignment, alignment.moving)]
    if alignment.invertible:
        pairs.append((alignment.inverse(), alignment.fixed))
    for there, target in pairs:
        axes = [np.linspace(0, n - 1, a_side) for n in there.fixed.shape]
        index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        where = target.lps_to_index(there.map_points(there.fixed.index_to_lps(index)))
        inside = (where >= -0.5) & (where <= np.array(target.shape) - 0.5)
        if inside.all(axis=1).any():
            return
    raise AlignError(
        "the volumes do not overlap as they lie: register them (--register rigid), "
        "or check that both show the same part of the body"
    )


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
    return tuple(
        w or default_window(v.array, v.modality, v.unit) for w, v in zip(asked, inputs, strict=True)
    )


def _resolved(recipe: Recipe, windows: tuple[Window, ...], grid: Grid) -> Recipe:
    """Fill in what the recipe leaves to defaults: windows, parameters and the slice axis."""
    return recipe.model_copy(
        update={
            "windows": windows,
            "params": fusion.lookup(recipe.method).resolve(recipe.params),
            "axis": grid.slice_axis if recipe.axis is None else recipe.axis,
        }
    )


def _slices(
    recipe: Recipe, windows: tuple[Window, ...], sources: tuple[Volume, ...], fused: Volume
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Give fused and sources as slabs in [0, 1], cut along the axis they were fused along."""
    axis = recipe.axis or 0
    shown = [w(v.array) for w, v in zip(windows, sources, strict=True)]
    return np.moveaxis(fused.array, axis, 0), [np.moveaxis(s, axis, 0) for s in shown]
