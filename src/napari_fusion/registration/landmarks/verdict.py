"""What landmarks say about the alignment they make, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.registration.landmarks.errors import (
    error_form,
    lattice,
    leave_one_out,
    left_over,
    nine_of_ten,
    residuals,
    rms,
    target_error,
)
from napari_fusion.registration.landmarks.fitting import FEWEST, mirror_rms
from napari_fusion.registration.landmarks.pairs import Landmarks
from napari_fusion.registration.options import Model
from napari_fusion.registration.quality import Quality, Verdict, as_form
from napari_fusion.registration.stretch import FAIL_SCALES, doubts

PASS_MM, FAIL_MM = 2.0, 8.0
"""Limits of the expected error over the volume, for a head or anything larger."""

HEAD_EDGE_MM = 80.0
"""Edge of a cube from which on a volume counts as a head: limits shrink with smaller ones."""

STRAY = 3.0
"""A pair this many times further off than is usual among the others was perhaps marked wrongly."""

BEYOND = 0.5
"""A landmark that lies further outside the volume, as a share of its length, is in another frame.

Markers on a frame, and the corners of another volume, lie a little outside what was imaged."""

CROWDED = 0.1
"""Landmarks that span less of the volume along every axis may be in cm or m."""

MIRRORED = 0.5
"""A mirror image that fits with less than this share of the error is what was marked."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """What was measured.

    Parameters
    ----------
    apart
        (n,) distance of each pair after mapping, mm.
    without
        (n,) the same when the pair is left out; NaN where undecided.
    tre_mm, centre_mm
        Expected error over the fixed volume's box (RMS) and at the landmarks' centre; None when
        the pairs leave nothing over to estimate it from.
    bound_mm
        What nine errors of ten stay below over that box; None with `tre_mm`.
    mirror_mm
        RMS distance that the best mirror image would leave.
    scales
        Smallest and largest stretch of the map.
    unit
        The volume's size, as 1 for a head.
    outside
        Fixed and moving landmarks that lie well outside their volume's box.
    span
        How much of its volume the smaller of both lists spans, at most along an axis.
    """

    apart: NDArray[np.float64]
    without: NDArray[np.float64]
    tre_mm: float | None
    centre_mm: float | None
    bound_mm: float | None
    mirror_mm: float
    scales: tuple[float, float]
    unit: float
    outside: tuple[int, int]
    span: float

    @property
    def stray(self) -> int | None:
        """The pair that lies far off what the others say, if one does."""
        known = np.isfinite(self.without)
        if known.sum() < 4:
            return None
        worst = int(np.nanargmax(self.without))
        usual = float(np.nanmedian(np.delete(self.without, worst)))
        far = self.without[worst] > max(STRAY * usual, PASS_MM * self.unit)
        return worst if far else None

    def numbers(self) -> dict[str, float]:
        """Name the figures that are known."""
        known = self.without[np.isfinite(self.without)]
        figures = {
            "pairs": float(len(self.apart)),
            "fre_mm": rms(self.apart),
            "worst_mm": float(self.apart.max()),
            "leave_one_out_mm": rms(known) if known.size else None,
            "tre_mm": self.tre_mm,
            "tre_centre_mm": self.centre_mm,
            "scale_min": self.scales[0],
            "scale_max": self.scales[1],
        }
        return {name: value for name, value in figures.items() if value is not None}


def judged(
    pairs: Landmarks, matrix: NDArray[np.float64], model: Model, grids: tuple[Grid, Grid]
) -> Quality:
    """Judge a fitted map by how well the pairs agree about it; voxels are not looked at."""
    fixed, moving = grids
    box = target_error(pairs, lattice(fixed), model)
    middle = target_error(pairs, pairs.fixed.mean(axis=0)[None], model)
    wider = nine_of_ten(left_over(pairs, model)) if box is not None else np.nan
    stretch = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    found = Agreement(
        apart=residuals(pairs, matrix),
        without=leave_one_out(pairs, model),
        tre_mm=None if box is None else rms(box),
        centre_mm=None if middle is None else float(middle[0]),
        bound_mm=None if box is None else rms(box) * wider**0.5,
        mirror_mm=mirror_rms(pairs),
        scales=(float(stretch.min()), float(stretch.max())),
        unit=unit_of(fixed),
        outside=(_outside(pairs.fixed, fixed), _outside(pairs.moving, moving)),
        span=min(_span(pairs.fixed, fixed), _span(pairs.moving, moving)),
    )
    verdict, sentence = _said(found, pairs, model)
    form = error_form(pairs, model)
    if form is None or found.bound_mm is None:
        return Quality(verdict=verdict, sentence=sentence, numbers=found.numbers())
    return Quality(
        verdict=verdict,
        sentence=sentence,
        uncertainty_mm=found.bound_mm,
        numbers=found.numbers(),
        uncertainty_form=as_form(form * wider),
    )


def unit_of(grid: Grid) -> float:
    """Give a volume's size, as 1 for a head or anything larger: limits in mm shrink with it."""
    edge = float(grid.extent_mm.prod()) ** (1 / 3)
    return float(min(1.0, edge / HEAD_EDGE_MM))


def _outside(points: NDArray[np.float64], grid: Grid) -> int:
    """Count points beyond a grid's box by more than half its length along some axis."""
    share = _from_middle(points, grid)
    return int((share > 0.5 + BEYOND).any(axis=1).sum())


def _span(points: NDArray[np.float64], grid: Grid) -> float:
    """Give the longest side of the points' box, as a share of the grid's length there."""
    return float((np.ptp(grid.lps_to_index(points), axis=0) / grid.shape).max())


def _from_middle(points: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Say how far points lie from a grid's middle along its axes, as shares of its lengths."""
    shape = np.asarray(grid.shape)
    shares: NDArray[np.float64] = np.abs(grid.lps_to_index(points) - (shape - 1) / 2) / shape
    return shares


def _said(a: Agreement, pairs: Landmarks, model: Model) -> tuple[Verdict, str]:
    """Say the worst thing first."""
    fre, tre = rms(a.apart), a.tre_mm
    smallest, largest = a.scales
    if fre > PASS_MM * a.unit and a.mirror_mm < MIRRORED * fre:
        return "FAIL", (
            f"The landmarks fit a mirror image ({a.mirror_mm:.1f} mm) better than this "
            f"({fre:.1f} mm): left and right were marked differently."
        )
    if not FAIL_SCALES[0] <= smallest <= largest <= FAIL_SCALES[1]:
        return "FAIL", (
            f"The landmarks stretch the anatomy by {smallest:.2f} to {largest:.2f}: do not use it."
        )
    is_off = tre is not None and tre > FAIL_MM * a.unit
    lost = _misplaced(a, len(pairs))
    if lost:
        return "FAIL" if is_off else "CHECK", lost
    if is_off:
        return "FAIL", (
            f"The landmarks disagree: errors over the volume reach {a.bound_mm:.1f} mm. Do not use "
            "it."
        )
    if tre is None or len(pairs) <= FEWEST[model]:
        return "CHECK", (
            f"{len(pairs)} pairs leave the {model} model nothing to be checked by: mark more."
        )
    if a.stray is not None:
        return "CHECK", (
            f"Pair {a.stray + 1} lies {a.without[a.stray]:.1f} mm from where the others put it: "
            "look at it again."
        )
    if tre > PASS_MM * a.unit:
        return "CHECK", (
            f"{len(pairs)} landmark pairs agree within {fre:.1f} mm, but errors over the volume "
            f"reach {a.bound_mm:.1f} mm: mark more places, further apart."
        )
    for doubtful, words in doubts(a.scales):
        if doubtful:
            return "CHECK", words
    return "PASS", (
        f"{len(pairs)} landmark pairs agree within {max(fre, 0.1):.1f} mm: nine errors of ten "
        f"over the volume are below {max(a.bound_mm or 0, 0.1):.1f} mm. The voxels were not "
        "compared."
    )


def _misplaced(a: Agreement, count: int) -> str:
    """Ask whether points are in mm of their volumes, where they seem not to be."""
    if any(a.outside):
        return (
            f"{a.outside[0]} fixed and {a.outside[1]} moving landmarks of {count} lie outside "
            "their volume: are they in LPS mm, and of these volumes?"
        )
    if a.span < CROWDED:
        return (
            f"The landmarks span {100 * a.span:.1g} % of the volume only: are they in mm? If so, "
            "mark places further apart."
        )
    return ""
