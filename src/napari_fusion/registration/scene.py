"""Two volumes set up for comparison at several levels of resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.cells import Cells, interpolate
from napari_fusion.registration.layers import Layer, Matrix, body, reduced, solid, windowed
from napari_fusion.registration.nmi import Similarity
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.volume import Volume

COARSER = (4.0, 2.0, 1.0)
"""Voxel size of the levels, coarse to fine, as multiples of the finest."""

FEWER = (0.08, 0.27, 1.0)
"""Samples of the levels, as shares of the finest level's."""

BINS = (0.5, 0.75, 1.0)
"""Grey levels of the levels, as shares of the finest level's."""

MARGIN_MM = 12.0
"""How much air around the body is compared too: its edge says most about where it is."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The pair at every level, from coarse to fine.

    Samples are drawn in the volume that shows less of the body, because most of them then have a
    counterpart in the other; `swapped` says that this is the moving one.

    Parameters
    ----------
    still, mobile
        Layers of the sampled and of the other volume, coarse to fine.
    mask
        Voxels of the coarsest still layer that samples are drawn from.
    options
        What was asked.
    swapped
        Whether `still` is the moving volume.
    """

    still: tuple[Layer, ...]
    mobile: tuple[Layer, ...]
    mask: NDArray[np.bool_]
    options: AlignOptions
    swapped: bool

    def similarity(self, level: int, seed: int = 0) -> Similarity:
        """Draw this level's samples; another `seed` draws others."""
        n = max(2000, int(self.options.samples * FEWER[level]))
        bins = max(8, round(self.options.bins * BINS[level]))
        rng = np.random.default_rng([self.options.seed, level, seed])
        points, values = self._samples(level, n, rng)
        centre = points.mean(axis=0)
        rows = np.minimum((values * np.float32(bins)).astype(np.intp), bins - 1)
        local = np.ascontiguousarray((points - centre).T, np.float32)
        return Similarity(local, rows, centre, Cells.of(self.mobile[level]), bins)

    def _samples(
        self, level: int, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Draw points (n, 3) anywhere within the mask's voxels, and read the values there."""
        voxels = np.argwhere(self.mask)
        chosen = voxels[rng.integers(0, len(voxels), n)] + rng.uniform(-0.5, 0.5, (n, 3))
        points = self.still[0].points(chosen)
        cells = Cells.of(self.still[level])
        index = cells.to_index[:3, :3] @ points.T + cells.to_index[:3, 3:]
        inside, corners, place = cells.locate(*index.astype(np.float32))
        values = interpolate(corners, place)
        known = np.isfinite(values)
        return points[inside][known], values[known]

    def oriented(self, matrix: Matrix) -> Matrix:
        """Turn a still → mobile map into fixed → moving, or back."""
        if not self.swapped:
            return matrix
        inverse = np.linalg.inv(matrix).astype(np.float64)
        inverse[3] = 0, 0, 0, 1
        return inverse


def prepare(fixed: Volume, moving: Volume, options: AlignOptions, pulse: Pulse) -> Scene:
    """Window and reduce both volumes, and decide which one to sample.

    Raises
    ------
    AlignError
        A volume has no finite value, or only one value.
    """
    pairs = []
    for volume, role in ((fixed, "fixed"), (moving, "moving")):
        pulse.beat()
        pairs.append(_levels(windowed(volume, role), options.finest_mm, pulse))
    swapped = _extent(pairs[1][0]) < _extent(pairs[0][0])
    still, mobile = reversed(pairs) if swapped else pairs
    return Scene(still, mobile, body(still[0], MARGIN_MM), options, swapped)


def _levels(layer: Layer, finest_mm: float, pulse: Pulse) -> tuple[Layer, ...]:
    """Reduce a layer to every level, fine ones first, each from the one before."""
    levels = []
    for factor in reversed(COARSER):
        layer = reduced(layer, factor * finest_mm)
        pulse.beat()
        levels.append(layer)
    return tuple(reversed(levels))


def _extent(layer: Layer) -> float:
    """Give the volume of what is not air, in mm³."""
    return float(solid(layer).sum() * layer.spacing.prod())
