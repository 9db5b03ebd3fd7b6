"""Known maps and known points: what an alignment of two renderings has to find."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.phantom.anatomy import unbend
from napari_fusion.phantom.render import Pose, labels
from napari_fusion.phantom.tissue import Tissue
from napari_fusion.rotation import rotation

Point = tuple[float, float, float]


def _landmarks(**points: Point) -> dict[str, Point]:
    placed = unbend(np.array(list(points.values()), float))
    return {
        name: (float(x), float(y), float(z)) for name, (x, y, z) in zip(points, placed, strict=True)
    }


LANDMARKS: MappingProxyType[str, Point] = MappingProxyType(
    _landmarks(
        left_lens=(32.0, -84.5, -28.0),
        right_lens=(-32.0, -84.5, -28.0),
        left_frontal_horn=(6.5, -28.0, 14.0),
        right_frontal_horn=(-6.5, -28.0, 14.0),
        left_putamen=(26.0, -12.0, 6.0),
        right_putamen=(-26.0, -12.0, 6.0),
        left_thalamus=(11.0, 8.0, 8.0),
        right_thalamus=(-11.0, 8.0, 8.0),
        pineal=(0.0, 21.5, 3.0),
        pons=(0.0, 10.0, -29.0),
        left_occipital_pole=(14.0, 84.0, 6.0),
        right_frontal_pole=(-16.0, -76.0, 14.0),
        vertex=(12.0, 6.0, 68.0),
    )
)
"""Points anyone can find again, anatomy LPS mm."""


def rigid(
    rotation_deg: ArrayLike = (0, 0, 0),
    translation_mm: ArrayLike = (0, 0, 0),
    centre: ArrayLike = (0, 0, 0),
) -> NDArray[np.float64]:
    """Make a (4, 4) map: turn about x, then y, then z through `centre`, then shift.

    Parameters
    ----------
    rotation_deg
        Angles about the L, P and S axes in degrees, right-handed.
    translation_mm
        Shift in LPS mm, applied after the rotation.
    centre
        LPS point that the rotation leaves where it is, mm.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(np.radians(rotation_deg))
    pivot = np.asarray(centre, float)
    matrix[:3, 3] = pivot - matrix[:3, :3] @ pivot + np.asarray(translation_mm, float)
    return matrix


def warp(
    amplitude_mm: float = 4.0, scale_mm: float = 60.0, seed: int = 0
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Make a smooth deformation of space that never folds.

    Each coordinate moves by a mean of four sine waves of random direction and phase, so no point
    moves by more than ``sqrt(3) * amplitude_mm`` and every entry of the displacement's Jacobian
    stays below ``2 pi amplitude_mm / scale_mm``. Where that bound keeps the norm below 1 the map
    has a positive Jacobian everywhere and an inverse; anything stronger is refused.

    Parameters
    ----------
    amplitude_mm
        Largest shift along one axis, mm.
    scale_mm
        Shortest wavelength, mm.
    seed
        Chooses directions and phases.

    Raises
    ------
    ParameterError
        The deformation could fold: ``2 pi sqrt(3) amplitude_mm >= scale_mm``.
    """
    most = scale_mm / (2 * np.pi * np.sqrt(3))
    if not abs(amplitude_mm) < most:
        raise ParameterError(
            f"a warp of {amplitude_mm:g} mm over {scale_mm:g} mm could fold: "
            f"keep the amplitude below {most:.3g} mm"
        )
    rng = np.random.default_rng(seed)
    waves = rng.standard_normal((3, 4, 3))
    waves *= 2 * np.pi / scale_mm / np.linalg.norm(waves, axis=2, keepdims=True)
    waves *= rng.uniform(0.5, 1, (3, 4, 1))
    phases = rng.uniform(0, 2 * np.pi, (3, 4))

    def displace(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map (n, 3) LPS points in mm to where they go."""
        moved = np.array(points, float)
        for axis in range(3):
            angles = np.asarray(points, float) @ waves[axis].T + phases[axis]
            moved[:, axis] += amplitude_mm * np.sin(angles).mean(axis=1)
        return moved

    return displace


def apply(pose: Pose | None, points: ArrayLike) -> NDArray[np.float64]:
    """Map (n, 3) LPS points in mm by a pose; None leaves them where they are."""
    placed = np.asarray(points, float)
    if pose is None:
        return placed
    if callable(pose):
        return np.asarray(pose(placed), float)
    matrix = np.asarray(pose, float)
    mapped: NDArray[np.float64] = placed @ matrix[:3, :3].T + matrix[:3, 3]
    return mapped


def foreground_points(n: int = 1000, seed: int = 0) -> NDArray[np.float64]:
    """Pick n anatomy points inside the brain, (n, 3) LPS mm, the same ones for the same seed."""
    lattice = Grid.regular((34, 44, 36), (4.0, 4.0, 4.0), centre=(0, 4, 5))
    inside = (labels(lattice, None, 0) >= Tissue.GREY) & (
        labels(lattice, None, 0) <= Tissue.BRAINSTEM
    )
    voxels = np.argwhere(inside)
    rng = np.random.default_rng(seed)
    chosen = voxels[rng.choice(len(voxels), n, replace=n > len(voxels))]
    return lattice.index_to_lps(chosen + rng.uniform(-0.5, 0.5, (n, 3)))


def target_error(
    true_pose_fixed: Pose | None, true_pose_moving: Pose | None, transform_fixed_to_moving: Pose
) -> float:
    """Measure how far a found alignment takes the landmarks from where they belong, in mm.

    Every landmark is looked up in the fixed scanner's frame, sent to the moving scanner by the
    found transform and back to anatomy by the moving pose; the answer is the mean distance to
    where it started. Rigid poses make this the target registration error in the moving frame
    (Fitzpatrick & West 2001); with deformed poses it is the same distance in anatomy mm.

    Parameters
    ----------
    true_pose_fixed, true_pose_moving
        The poses the two volumes were rendered with, scanner LPS → anatomy LPS, mm.
    transform_fixed_to_moving
        What a registration found: a (4, 4) matrix or a callable on (n, 3) LPS points.
    """
    anatomy = np.array([*LANDMARKS.values()])
    fixed = _undo(true_pose_fixed, anatomy)
    back = apply(true_pose_moving, apply(transform_fixed_to_moving, fixed))
    return float(np.linalg.norm(back - anatomy, axis=1).mean())


def _undo(pose: Pose | None, anatomy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the scanner points a pose sends to `anatomy`."""
    if pose is None:
        return anatomy
    if not callable(pose):
        return apply(np.linalg.inv(np.asarray(pose, float)), anatomy)
    points = anatomy.copy()
    for _ in range(100):  # contracts for every warp this module makes
        step = anatomy - apply(pose, points)
        points += step
        if np.abs(step).max() < 1e-9:
            break
    return points
