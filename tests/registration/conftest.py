from functools import cache

import numpy as np
import pytest

from napari_fusion import phantom
from napari_fusion.grid import Grid
from napari_fusion.volume import Volume


@cache
def _head(kind: str) -> Volume:
    return phantom.head(kind, phantom.default_grid(kind, 4.0), seed=1)


@pytest.fixture(scope="session")
def head():
    """Give one head, about 4 mm voxels, as "CT", "T1", "T2" or "PET"; rendered once."""
    return _head


@pytest.fixture(scope="session")
def brain() -> np.ndarray:
    """Points (LPS mm, anatomy frame) at which errors are measured."""
    return np.random.default_rng(0).uniform((-55, -70, -30), (55, 60, 65), (500, 3))


@pytest.fixture
def error(brain):
    """Say the mean distance in mm between where two maps send the brain."""

    def measure(matrix: np.ndarray, truth: np.ndarray) -> float:
        gap = brain @ (matrix - truth)[:3, :3].T + (matrix - truth)[:3, 3]
        return float(np.linalg.norm(gap, axis=1).mean())

    return measure


@pytest.fixture(scope="session")
def moved():
    """Move a volume in space by changing its grid: old points p are found at ``matrix @ p``."""

    def move(volume: Volume, matrix: np.ndarray) -> Volume:
        grid = Grid(volume.grid.shape, matrix @ volume.grid.affine)
        return Volume(volume.array, grid, volume.modality, volume.unit)

    return move
