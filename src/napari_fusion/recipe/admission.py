"""Which volumes may be fused: one patient, usable values, a common place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError, ParameterError, expect
from napari_fusion.grid import Grid
from napari_fusion.quantify import to_suv
from napari_fusion.recipe.request import Recipe
from napari_fusion.registration import Alignment
from napari_fusion.registration.pair import ROLES, unlike
from napari_fusion.review.montage import SOURCE_COLOURS
from napari_fusion.volume import Step, Volume, patients_of, roles


def admitted(recipe: Recipe, inputs: tuple[Volume, ...]) -> tuple[tuple[Volume, ...], list[str]]:
    """Refuse volumes that cannot be fused honestly; say what was repaired."""
    for number, volume in enumerate(inputs, start=1):
        expect(Volume, **{f"volume {number}": volume})
    if len(inputs) < 2:
        raise ParameterError("fusion needs a fixed and at least one moving volume; one was given")
    if len(inputs) > len(SOURCE_COLOURS):
        raise ParameterError(
            f"at most {len(SOURCE_COLOURS)} volumes can be told apart in the picture of what each "
            f"one gave; {len(inputs)} were given"
        )
    if recipe.windows is not None and len(recipe.windows) != len(inputs):
        raise ParameterError(
            f"the recipe holds {len(recipe.windows)} windows for {len(inputs)} volumes: "
            "give one per volume, fixed first, or none"
        )
    strangers = one_patient(inputs, allowed=recipe.different_patients)
    inputs = tuple(in_suv(recipe, inputs))
    _check_sides(recipe, inputs)
    warnings = [w for v in inputs for w in v.warnings]
    warnings += strangers
    named = zip(inputs, roles(len(inputs)), strict=True)
    cleaned = tuple(_usable(v, role, recipe, warnings) for v, role in named)
    return cleaned, warnings


def one_patient(inputs: Sequence[Volume], *, allowed: bool) -> list[str]:
    """Refuse volumes of different patients unless that is allowed; then give the warning.

    Raises
    ------
    ParameterError
        They differ and that was not allowed.
    """
    if len(patients_of(inputs)) < 2:
        return []
    if not allowed:
        raise ParameterError(
            "the volumes belong to different patients (DICOM PatientID differs): choose volumes of "
            "one patient, or allow it with --different-patients (different_patients=True)"
        )
    return ["DIFFERENT PATIENTS: the volumes' DICOM PatientID differs"]


def check_made_for(
    alignment: Alignment, what: str, fixed: tuple[str, Volume], moving: tuple[str, Volume]
) -> None:
    """Refuse an alignment of other volumes than these, each given by what it is called.

    Raises
    ------
    ParameterError
        Its grids are others, or it was judged on other voxels.
    """
    expect(Alignment, **{what: alignment})
    (still, stays), (mobile, moves) = fixed, moving
    if not (alignment.fixed.agrees(stays.grid) and alignment.moving.agrees(moves.grid)):
        raise ParameterError(
            f"{what} was made for other volumes: its grids are not those of the {still} and the "
            f"{mobile}"
        )
    names = dict(zip(ROLES, (still, mobile), strict=True))
    for role in unlike(alignment.judged_on, (stays.fingerprints, moves.fingerprints)):
        raise ParameterError(
            f"{what} was judged on other voxels than the {names[role]}'s: judge it on these with "
            "assess(fixed, moving, alignment)"
        )


def in_suv(recipe: Recipe, inputs: Sequence[Volume]) -> list[Volume]:
    """Turn PET into standardised uptake values, if the recipe asks for them.

    Raises
    ------
    ParameterError
        No volume is PET.
    QuantityError
        One is, and what it takes is missing.
    """
    if recipe.suv is None:
        return [*inputs]
    if "PT" not in {volume.modality for volume in inputs}:
        raise ParameterError(f"SUV (suv={recipe.suv!r}) is of PET, and no volume is: leave it out")
    return [to_suv(v, recipe.suv) if v.modality == "PT" else v for v in inputs]


def _check_sides(recipe: Recipe, inputs: tuple[Volume, ...]) -> None:
    """Refuse volumes whose left may be right, unless the recipe allows it."""
    unknown = [f"volume {i}" for i, v in enumerate(inputs, start=1) if v.sides_unknown]
    if unknown and not recipe.unknown_sides:
        raise ParameterError(
            f"nothing says which side of {' and '.join(unknown)} is the patient's left: give a "
            "file that does, or compare it with the patient and allow it with --unknown-sides "
            "(unknown_sides=True)"
        )


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
        value = volume.background
        step = Step("fill", {"voxels": lost, "value": value})
        volume = volume.with_array(np.where(finite, volume.array, value), step)
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


def overlap(alignment: Alignment, a_side: int = 24) -> float:
    """Say which share of the volume that lies deeper in the other one lies in it.

    Judged by `a_side`³ points of each volume.

    Raises
    ------
    AlignError
        No part of either lies in the other.
    """
    fixed, moving = alignment.fixed, alignment.moving
    share = moving.holds(alignment.map_points(_lattice(fixed, a_side))).mean()
    if alignment.invertible:
        share = max(share, fixed.holds(alignment.unmap_points(_lattice(moving, a_side))).mean())
    if share == 0:
        raise AlignError(
            "the volumes do not overlap as they lie: register them (--register rigid), "
            "or check that both show the same part of the body"
        )
    return float(share)


def _lattice(grid: Grid, a_side: int) -> NDArray[np.float64]:
    """Give points spread evenly over a grid's box: (a_side³, 3) LPS mm."""
    axes = [np.linspace(0, n - 1, a_side) for n in grid.shape]
    return grid.index_to_lps(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
