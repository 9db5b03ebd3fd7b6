"""Two volumes set up for comparison at several levels of resolution."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError
from napari_fusion.registration.cells import Cells, interpolate
from napari_fusion.registration.layers import Layer, Matrix, body, opened, reduced, solid, window_of
from napari_fusion.registration.nmi import Similarity
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.rotation import inverted
from napari_fusion.volume import Volume

COARSEST_MM = 8.0
"""Voxel size of the coarsest level for a head or anything larger."""

PER_BODY = 10.0
"""The coarsest level has at least this many voxels along the edge of a cube of the body's size."""

FEWER = (0.08, 0.27, 1.0, 1.0)
"""Samples of the levels, as shares of the finest level's."""

BINS = (0.5, 0.75, 1.0, 1.0)
"""Grey levels of the levels, as shares of the finest level's."""

MARGIN = 1.5
"""Air around the body is compared too, in coarsest voxels: its edge says most about its place."""

MOST_VOXELS = 20e6
"""The finest level is coarser where a volume would have more voxels than this."""


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
    unit
        The body's size, as 1 for a head: lengths of the search are multiples of it.
    """

    still: tuple[Layer, ...]
    mobile: tuple[Layer, ...]
    mask: NDArray[np.bool_]
    options: AlignOptions
    swapped: bool
    unit: float

    @property
    def voxel_mm(self) -> float:
        """The coarser volume's voxel at the finest level: the cube root of its volume."""
        layers = self.still[-1], self.mobile[-1]
        return max(float(np.cbrt(layer.spacing.prod())) for layer in layers)

    def similarity(self, level: int, seed: int = 0) -> Similarity:
        """Draw this level's samples; another `seed` draws others."""
        n = max(2000, int(self.options.samples * FEWER[level]))
        bins = max(8, round(self.options.bins * BINS[level]))
        rng = np.random.default_rng([self.options.seed, level, seed])
        points, values = self._samples(level, n, rng)
        if not len(points):
            role = "moving" if self.swapped else "fixed"
            raise AlignError(
                f"too little of the {role} volume counts to be aligned: give a larger mask, or none"
            )
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

    def turned_round(self) -> Scene:
        """Sample the other volume instead."""
        mask = body(self.mobile[0], MARGIN * COARSEST_MM * self.unit)
        return replace(
            self, still=self.mobile, mobile=self.still, mask=mask, swapped=not self.swapped
        )

    def oriented(self, matrix: Matrix) -> Matrix:
        """Turn a still → mobile map into fixed → moving, or back."""
        return inverted(matrix) if self.swapped else matrix


def prepare(fixed: Volume, moving: Volume, options: AlignOptions, pulse: Pulse) -> Scene:
    """Window and reduce both volumes, and decide which one to sample.

    Raises
    ------
    AlignError
        A volume has no finite value, or only one value.
    """
    volumes = (fixed, moving)
    windows = [
        window_of(volume, role) for volume, role in zip(volumes, ("fixed", "moving"), strict=True)
    ]
    finest = []
    for volume, window in zip(volumes, windows, strict=True):
        least = (float(volume.grid.extent_mm.prod()) / MOST_VOXELS) ** (1 / 3)
        finest.append(opened(volume, window, max(least, _wanted(volume, options)), pulse.beat))
        pulse.beat()
    extents = []
    for layer in finest:
        extents.append(_extent(layer))
        pulse.beat()
    swapped = extents[1] < extents[0]
    coarsest = min(COARSEST_MM, min(extents) ** (1 / 3) / PER_BODY)
    sizes = _sizes(coarsest, options.finest_mm)
    pairs = [_levels(layer, sizes, pulse) for layer in finest]
    still, mobile = reversed(pairs) if swapped else pairs
    unit = coarsest / COARSEST_MM
    return Scene(still, mobile, body(still[0], MARGIN * coarsest), options, swapped, unit)


def _wanted(volume: Volume, options: AlignOptions) -> float:
    """Give the voxel size to open a volume at: what is asked, finer for a small body."""
    edge = float(volume.grid.extent_mm.prod()) ** (1 / 3)
    return float(min(options.finest_mm, edge / PER_BODY / 8))


def _sizes(coarsest: float, finest: float) -> list[float]:
    """List voxel sizes, coarse to fine, each half the one before, down to the finest asked."""
    least = min(finest, coarsest / 4)
    sizes = [coarsest]
    while sizes[-1] > 1.01 * least and len(sizes) < len(FEWER):
        sizes.append(max(least, sizes[-1] / 2))
    return sizes


def _levels(layer: Layer, sizes: list[float], pulse: Pulse) -> tuple[Layer, ...]:
    """Reduce a layer to every level, fine ones first, each from the one before."""
    levels = [layer]
    for mm in reversed(sizes[:-1]):
        pulse.beat()
        levels.append(reduced(levels[-1], mm))
    return tuple(reversed(levels))


def _extent(layer: Layer) -> float:
    """Give the volume of what is not air, in mm³."""
    box = float(layer.spacing.prod() * layer.values.size)
    coarse = reduced(layer, min(COARSEST_MM, box ** (1 / 3) / PER_BODY))
    return float(solid(coarse).sum() * coarse.spacing.prod())
