"""The digital head: one analytic anatomy, seen by CT, MR, PET and SPECT, with the truth known.

Beside it, `trunk` is a row of vertebrae that look alike.

Tissue is a function of LPS millimetre points, so any grid, any known pose and two dates can be
rendered without a data file. Points are (x, y, z): left, posterior, superior; the origin lies
between the anterior and the posterior commissure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.phantom.render import Pose, intensities, labels
from napari_fusion.phantom.scanner import degrade
from napari_fusion.phantom.tissue import MEANING, MODALITIES, READINGS, Tissue, reading
from napari_fusion.phantom.trunk import trunk
from napari_fusion.phantom.truth import (
    LANDMARKS,
    apply,
    foreground_points,
    rigid,
    target_error,
    warp,
)
from napari_fusion.volume import JSON, PetInfo, Step, Volume

__all__ = [
    "LANDMARKS",
    "MODALITIES",
    "READINGS",
    "Pose",
    "Tissue",
    "apply",
    "default_grid",
    "foreground_points",
    "head",
    "misaligned_pair",
    "reading",
    "rigid",
    "target_error",
    "tissues",
    "trunk",
    "warp",
]

# shape, spacing (mm, array order), centre (LPS mm)
_GRIDS: dict[str, tuple[tuple[int, int, int], tuple[float, ...], tuple[float, ...]]] = {
    "CT": ((90, 240, 192), (2.0, 1.0, 1.0), (0.0, -8.0, 1.0)),
    "T1": ((160, 204, 168), (1.2, 1.2, 1.2), (2.0, -6.0, -5.0)),
    "T2": ((58, 240, 200), (3.0, 0.9, 0.9), (-1.0, 2.0, 4.0)),
    "PET": ((56, 80, 80), (3.27, 3.0, 3.0), (1.0, 1.0, 0.0)),
    "SPECT": ((48, 64, 64), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)),
}


def default_grid(kind: str, spacing_mm: float | None = None) -> Grid:
    """Give the grid a scanner of this kind would use; `spacing_mm` makes it coarser or finer."""
    shape, spacing, centre = _GRIDS[_known(kind)]
    grid = Grid.regular(shape, spacing, centre=centre)
    return grid if spacing_mm is None else grid.with_spacing([spacing_mm] * 3)


def head(
    kind: str,
    grid: Grid | None = None,
    *,
    pose: Pose | None = None,
    date: int = 0,
    scanner: bool = True,
    seed: int = 0,
) -> Volume:
    """Render the head as one scanner would show it.

    Parameters
    ----------
    kind
        One of `MODALITIES`: "CT" (HU), "T1", "T2" (MR), "PET" (FDG, Bq/mL) or "SPECT".
    grid
        Where to render; by default `default_grid(kind)`.
    pose
        Known map from this scanner's LPS points to anatomy LPS points, mm: (4, 4), or a callable
        on (n, 3). Two volumes of different pose are misaligned by a known transform.
    date
        0, or 1 for the follow-up at which the tumour has grown.
    scanner
        Whether to add the scanner's noise, blur and bias field.
    seed
        Chooses noise and bias field.

    Returns
    -------
    Volume
        float32 voxels.

    Raises
    ------
    ParameterError
        The kind or the date is not one of those known.
    """
    grid = grid or default_grid(_known(kind))
    array = intensities(grid, _known(kind), pose, _dated(date))
    if scanner:
        array = degrade(array, grid, kind, seed)
    modality, unit = MEANING[kind]
    step = Step(
        "phantom",
        {"kind": kind, "date": date, "scanner": scanner, "seed": seed, "pose": _told(pose)},
    )
    pet = _injection(date) if kind == "PET" else None
    return Volume(array, grid, modality, unit, pet=pet, history=(step,), name=f"head {kind}")


def tissues(grid: Grid, *, pose: Pose | None = None, date: int = 0) -> Volume:
    """Render which `Tissue` lies at each voxel's centre, as a label volume (uint8)."""
    array = labels(grid, pose, _dated(date))
    step = Step("phantom", {"kind": "tissues", "date": date, "pose": _told(pose)})
    return Volume(array, grid, "LABEL", "label", history=(step,), name="head tissues")


def misaligned_pair(
    fixed: str = "CT",
    moving: str = "T1",
    *,
    seed: int = 0,
    size: Literal["demo", "small"] = "demo",
) -> tuple[Volume, Volume, NDArray[np.float64]]:
    """Render two scans of one head of which the second was turned and shifted by a known amount.

    The fixed scan lies in the anatomy's own frame. The moving one is turned by up to 15° in all
    about a point near the middle of the head and shifted by up to 20 mm, chosen by `seed`.

    Parameters
    ----------
    fixed, moving
        Kinds from `MODALITIES`.
    seed
        Chooses the pose and the noise.
    size
        "demo" renders the default grids, "small" renders 4 mm voxels for quick tests.

    Returns
    -------
    fixed, moving
        The two volumes.
    truth
        (4, 4) map from the fixed to the moving scanner's LPS points, mm.
    """
    if size not in ("demo", "small"):
        raise ParameterError(f"the size of a pair is 'demo' or 'small', not {size!r}")
    rng = np.random.default_rng(seed)
    axis, way = rng.standard_normal((2, 3))
    angles = axis / np.linalg.norm(axis) * rng.uniform(5, 14)
    shift = way / np.linalg.norm(way) * rng.uniform(6, 19)
    truth = rigid(angles, shift, (0, 10, 0))
    spacing = None if size == "demo" else 4.0
    pose = np.asarray(np.linalg.inv(truth), np.float64)
    return (
        head(fixed, default_grid(fixed, spacing), seed=seed),
        head(moving, default_grid(moving, spacing), pose=pose, seed=seed + 1),
        truth,
    )


def _known(kind: str) -> str:
    if kind not in MODALITIES:
        raise ParameterError(f"the head is rendered as {', '.join(MODALITIES)}, not as {kind!r}")
    return kind


def _dated(date: int) -> int:
    if date not in (0, 1):
        raise ParameterError(f"the head was scanned at date 0 and date 1, not at {date!r}")
    return date


def _told(pose: Pose | None) -> JSON:
    """Say a pose in JSON: a matrix as it is, a deformation only that there was one."""
    if pose is None:
        return None
    return "deformed" if callable(pose) else np.asarray(pose, float).tolist()


def _injection(date: int) -> PetInfo:
    """Give dose and timing that make grey matter about SUV 10."""
    year = 2024 + date
    return PetInfo(
        units="BQML",
        dose_bq=3.0e8,
        half_life_s=6586.2,
        injected=datetime(year, 3, 1, 9, 0, 0),
        scanned=datetime(year, 3, 1, 10, 0, 0),
        weight_kg=72.0,
        height_m=1.74,
        sex="O",
        decay_correction="START",
        attenuation_corrected=True,
    )
