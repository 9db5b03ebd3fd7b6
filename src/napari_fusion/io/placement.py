"""Where the slices of a stack lie: evenly and squarely, tilted, uneven, or not at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.grid import Grid
from napari_fusion.io.frames import Frame
from napari_fusion.rotation import nearest_orthogonal

EVEN = 0.02
"""Slices off their even place by less than this part of a step are evenly spaced."""

DRIFT_MM = 0.1
"""A stack whose slices drift sideways by less, end to end, is square."""

NOTED = 5e-5
"""Direction cosines off by more are repaired and said to be."""

REFUSED = 1.5e-3
"""Direction cosines off by more are no rotation."""

MISSING = 1.5
"""A step this many times its neighbours, standing alone, is a missing slice."""


@dataclass(frozen=True)
class Placement:
    """How a stack lies in the patient.

    Parameters
    ----------
    shape
        (slices, rows, columns) as stored.
    affine
        (4, 4) array index to LPS mm with the stack's mean step; sheared if the stack is.
    along, sideways
        Millimetres of each slice along the normal from the first, and (n, 2) along rows and
        columns from the straight stack.
    tilt_deg, drift_mm
        How far the stack leans from its normal, in degrees and in mm end to end.
    uneven, missing
        What is wrong with the steps, in words; "" when nothing is.
    notes
        Repairs, in words.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    along: NDArray[np.float64]
    sideways: NDArray[np.float64]
    tilt_deg: float
    drift_mm: float
    uneven: str
    missing: str
    notes: tuple[str, ...]

    @property
    def tilted(self) -> bool:
        """Whether the stack leans so far that it must be resampled."""
        return self.drift_mm > DRIFT_MM

    @property
    def square(self) -> bool:
        """Whether the stack is a rectangular grid as it stands."""
        return not (self.tilted or self.uneven or self.missing)

    @property
    def grid(self) -> Grid:
        """The grid in the order of the file; only of a square stack."""
        affine = self.affine.copy()
        normal = np.cross(affine[:3, 2], affine[:3, 1])
        normal /= np.linalg.norm(normal)
        affine[:3, 0] = normal * (affine[:3, 0] @ normal)
        return Grid(self.shape, affine)


def normal_of(frame: Frame) -> NDArray[np.float64]:
    """Give the unit vector across a frame: rows × columns."""
    directions = np.array(frame.orientation, dtype=np.float64)
    normal = np.cross(directions[:3], directions[3:])
    length = float(np.linalg.norm(normal))
    unit: NDArray[np.float64] = normal / length if length else np.full(3, math.nan)
    return unit


def positions_along(frames: Sequence[Frame], first: Frame | None = None) -> NDArray[np.float64]:
    """Give each frame's place along the normal of the first, in mm."""
    normal = normal_of(first or frames[0])
    along: NDArray[np.float64] = np.array([f.position for f in frames], np.float64) @ normal
    return along


def is_even(frames: Sequence[Frame]) -> bool:
    """Whether frames in any order lie at even steps."""
    along = np.sort(positions_along(frames))
    return not _uneven(along - along[0])


def place(frames: Sequence[Frame], rows: int, columns: int) -> Placement | str:
    """Measure how sorted frames lie; or say why they cannot be placed.

    Parameters
    ----------
    frames
        In the order of position.
    rows, columns
        The matrix of each.
    """
    first = frames[0]
    fault = _fault(frames)
    if fault or first.orientation is None or first.spacing is None:
        return fault
    directions = np.array(first.orientation, np.float64).reshape(2, 3)
    squared, off = _squared(directions)
    if off > REFUSED:
        return f"its direction cosines are off by {off:.2g}: they describe no right angle"
    positions = np.array([f.position for f in frames], np.float64)
    normal = np.cross(squared[0], squared[1])
    offsets = positions - positions[0]
    along = offsets @ normal
    if len(frames) < 2 or along[-1] < 1e-3:
        return "all its slices lie at one place"
    sideways = offsets @ squared.T
    lean = (sideways[-1] @ squared) / along[-1]
    uneven = _uneven(along)
    affine = np.eye(4)
    affine[:3, 0] = (normal + lean) * along[-1] / (len(frames) - 1)
    affine[:3, 1] = squared[1] * first.spacing[0]
    affine[:3, 2] = squared[0] * first.spacing[1]
    affine[:3, 3] = positions[0]
    notes = (f"direction cosines were off by {off:.1g} and set right",) if off > NOTED else ()
    return Placement(
        (len(frames), rows, columns),
        affine,
        along,
        sideways,
        math.degrees(math.atan(float(np.linalg.norm(lean)))),
        float(np.linalg.norm(sideways, axis=1).max()),
        uneven,
        _missing(along) if uneven else "",
        notes,
    )


def _fault(frames: Sequence[Frame]) -> str:
    """Say what a frame lacks to be placed."""
    if any(f.position is None for f in frames):
        return "it does not say where its slices lie (no usable ImagePositionPatient)"
    if any(f.orientation is None for f in frames):
        return "it does not say how its slices are turned (no usable ImageOrientationPatient)"
    if any(f.spacing is None for f in frames):
        return "it does not say how large its pixels are (no usable PixelSpacing)"
    spacing = np.array([f.spacing for f in frames])
    if spacing.min() <= 0:
        return f"its PixelSpacing is {' × '.join(f'{s:g}' for s in spacing[0])}, not a length"
    return ""


def _squared(directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Give the nearest pair of perpendicular unit vectors, and how far off the given ones are."""
    nearest = nearest_orthogonal(directions)
    return nearest, float(np.abs(nearest - directions).max())


def _uneven(along: NDArray[np.float64]) -> str:
    """Say how uneven the steps are, or nothing."""
    steps = np.diff(along)
    if steps.size < 2:
        return ""
    even = np.linspace(0, along[-1], along.size)
    step = along[-1] / steps.size
    if np.abs(along - even).max() <= EVEN * step + 0.005:
        return ""
    sizes = sorted({round(float(s), 2) for s in steps})
    shown = sizes if len(sizes) <= 4 else [sizes[0], "…", sizes[-1]]
    return f"slices are {', '.join(str(s) for s in shown)} mm apart"


def _missing(along: NDArray[np.float64]) -> str:
    """Find a step that stands out from both its neighbours."""
    steps = np.diff(along)
    usual = float(np.median(steps))
    for i, step in enumerate(steps):
        beside = max(steps[j] for j in (i - 1, i + 1) if 0 <= j < steps.size)
        if step > MISSING * beside:
            return (
                f"gap of {step:.1f} mm after slice {i + 1}, expected {min(usual, beside):.1f} mm: "
                "a slice is missing"
            )
    return ""
