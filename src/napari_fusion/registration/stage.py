"""Two volumes on one lattice, ready to be bent onto each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError
from napari_fusion.grid import Grid
from napari_fusion.registration.cells import read
from napari_fusion.registration.constancy import alike, trust
from napari_fusion.registration.filters import Floats, halved
from napari_fusion.registration.flow import Flow
from napari_fusion.registration.forces import forces
from napari_fusion.registration.layers import Layer, Matrix, smoothed
from napari_fusion.registration.membrane import laplacian, solved
from napari_fusion.registration.mind import floor_of, mind

MARGIN_MM = 12.0
"""The lattice reaches this far beyond the body."""

NEAR_MM = 6.0
"""Air this near to the body is compared too: the skin says most about its place."""

STEP_MM = 3.0
"""No update moves a node by more than this."""

TENSION = 4.0
"""Stiffness of the membrane at `TENSION_MM`, in units of the descriptors' mean steepness."""

TENSION_MM = 8.0

MEMBRANE, PLATE = 0.02, 0.15
"""How much of the tension pulls on the whole velocity, and not only on each update: as a membrane,
which resists any slope, and as a thin plate between nodes, which resists noise and lets a smooth
warp be. A plate of more than 1/6 would make the steps swing."""


@dataclass(frozen=True, eq=False)
class Stage:
    """The pair at one level of resolution.

    Parameters
    ----------
    grid
        The lattice, cubic voxels along the fixed volume's axes, LPS mm.
    still
        (12, …) descriptors of the fixed volume.
    weight
        How much each voxel counts, 0 to 1.
    mobile
        (2, …) the moving volume on the lattice, before bending: its values, and 1 where it has one
        that counts, else 0.
    floor
        The moving descriptors' floor.
    stiffness
        Multiplies the membrane's tension.
    values
        The fixed volume's values where both volumes show one contrast; then what changed
        between them steers nothing. None where the contrasts differ.
    beat
        Called often.
    """

    grid: Grid
    still: Floats
    weight: Floats
    mobile: Floats
    floor: float
    stiffness: float
    values: Floats | None
    beat: Callable[[], None]

    @property
    def nodes(self) -> Grid:
        """Every second voxel of the lattice: where the flow is kept."""
        affine = np.array(self.grid.affine)
        affine[:3, :3] *= 2
        a, b, c = ((n + 1) // 2 for n in self.grid.shape)
        return Grid((a, b, c), affine)

    def improved(self, flow: Flow) -> Flow:
        """Take one Gauss–Newton step of the squared difference of descriptors and the tension."""
        mm = float(self.grid.spacing[0])
        pull, tensor = self._forces(flow)
        body = halved(self.weight) > 0.5
        steep = float((tensor[0] + tensor[3] + tensor[5])[body].mean()) / 3 if body.any() else 0.0
        if not steep > 0:
            return flow  # nothing here has structure
        tension = TENSION * self.stiffness * steep * (TENSION_MM / (2 * mm)) ** 2
        slack = laplacian(flow.velocity)
        pull -= np.float32(MEMBRANE * tension) * slack
        pull -= np.float32(PLATE * tension) * laplacian(slack)
        update = solved(tensor, pull, tension, self.beat)
        length = np.sqrt((update * update).sum(axis=0))
        update *= np.minimum(1, np.float32(STEP_MM) / np.maximum(length, np.float32(1e-6)))
        return Flow(flow.grid, flow.velocity + update)

    def _forces(self, flow: Flow) -> tuple[Floats, Floats]:
        """Give the pull (3, …) per mm and the tensor (6, …) per mm² at the nodes."""
        mm = float(self.grid.spacing[0])
        mobile, weight = self._bent(flow)
        pull, tensor = forces(self.still, mobile, weight, self.beat)
        return (
            np.stack([halved(channel) for channel in pull]) / np.float32(mm),
            np.stack([halved(channel) for channel in tensor]) / np.float32(mm * mm),
        )

    def _bent(self, flow: Flow) -> tuple[Floats, Floats]:
        """Bend the moving volume: its descriptors, and how much each voxel counts."""
        self.beat()
        moved = flow.displacement(self.grid, self.beat)
        moved /= np.float32(self.grid.spacing[0])
        self.beat()
        places = moved + np.indices(self.grid.shape, dtype=np.float32)
        bent, seen = read(self.mobile, places, self.beat)
        seen = (seen > np.float32(0.99)) * self.weight
        if self.values is not None:
            self.beat()
            seen = seen * trust(self.values, bent, seen, float(self.grid.spacing[0]))
        self.beat()
        return mind(bent, self.floor, self.beat), seen


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two volumes, before it is drawn on a lattice.

    Parameters
    ----------
    layer
        Its values, NaN where it has none.
    body
        Where it is not air, on the layer's voxels.
    counted
        Where it may be compared: its mask, or everything.
    """

    layer: Layer
    body: NDArray[np.bool_]
    counted: NDArray[np.bool_]

    @cached_property
    def reach(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The first and the last index of the body along each axis."""
        others = (1, 2), (0, 2), (0, 1)
        spots = [np.flatnonzero(self.body.any(axis=axes)) for axes in others]
        return np.array([s[0] for s in spots]), np.array([s[-1] for s in spots])

    def drawn(
        self, grid: Grid, matrix: Matrix, mm: float, beat: Callable[[], None]
    ) -> tuple[Floats, Floats]:
        """Draw values (0 where there are none) and what counts on a lattice of `mm` voxels."""
        soft = smoothed(self.layer, mm)
        beat()
        places = _places(soft, grid, matrix)
        known = np.isfinite(soft.values)
        filled = np.where(known, soft.values, np.float32(0))
        values, counted = read(np.stack([filled, known & self.counted]), places, beat)
        inside = _inside(places, soft.values.shape)
        return values * inside, ((counted > 0.5) & inside).astype(np.float32)

    def marked(self, grid: Grid, matrix: Matrix, beat: Callable[[], None]) -> NDArray[np.bool_]:
        """Draw the body on a lattice."""
        places = _places(self.layer, grid, matrix)
        body: NDArray[np.bool_] = read(self.body[None].astype(np.float32), places, beat)[0] > 0.5
        return body & _inside(places, self.body.shape)


def stage(
    sides: tuple[Side, Side],
    grid: Grid,
    matrix: Matrix,
    stiffness: float,
    beat: Callable[[], None],
) -> Stage:
    """Draw fixed and moving side on a lattice and describe the fixed one.

    Raises
    ------
    AlignError
        Nothing of the fixed body counts here.
    """
    still, mobile = sides
    mm = float(grid.spacing[0])
    values, known = still.drawn(grid, np.eye(4), mm, beat)
    beat()
    moved, seen = mobile.drawn(grid, matrix, mm, beat)
    beat()
    body = still.marked(grid, np.eye(4), beat)
    beat()
    common = body & (known > 0) & (seen > 0)
    if not common.any():
        raise AlignError("the volumes, or what the masks leave of them, have no anatomy in common")
    near = _near(body, mm, beat)
    return Stage(
        grid=grid,
        still=mind(values, floor_of(values, body, beat), beat),
        weight=(near * known).astype(np.float32),
        mobile=np.stack([moved, seen]),
        floor=floor_of(moved, body, beat),
        stiffness=stiffness,
        values=values if alike(values, moved, common) else None,
        beat=beat,
    )


def _near(body: NDArray[np.bool_], mm: float, beat: Callable[[], None]) -> NDArray[np.bool_]:
    """Mark the voxels within `NEAR_MM` of a body, a few planes at a `beat`."""
    from scipy.ndimage import distance_transform_edt

    near, reach = np.zeros_like(body), int(np.ceil(NEAR_MM / mm))
    run = max(24, 2 * reach)
    for start in range(0, len(body), run):
        beat()
        low = max(0, start - reach)
        few = body[low : start + run + reach]
        if few.any():
            within = distance_transform_edt(~few) * mm <= NEAR_MM
            near[start : start + run] = within[start - low :][:run]
    return near


def lattice(side: Side, mm: float) -> Grid:
    """Make a grid of cubic voxels around a volume's body, along the volume's axes."""
    layer = side.layer
    low, high = side.reach
    lengths = (high - low + 1) * layer.spacing + 2 * MARGIN_MM
    shape = 2 * (np.ceil(lengths / mm).astype(int) // 2) + 1  # the nodes end where it ends
    directions = layer.affine[:3, :3] / layer.spacing
    centre = layer.points((low + high) / 2)
    return Grid.regular(shape.tolist(), [mm] * 3, centre=centre, direction=directions)


def _places(layer: Layer, grid: Grid, matrix: Matrix) -> Floats:
    """Give the (3, …) layer indices of a lattice's voxels, sent through a map."""
    whole = (np.linalg.inv(layer.affine) @ matrix @ grid.affine).astype(np.float32)
    a, b, c = np.indices(grid.shape, dtype=np.float32, sparse=True)
    return np.stack([row[0] * a + row[1] * b + row[2] * c + row[3] for row in whole[:3]])


def _inside(places: Floats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mark the places within half a voxel of a layer's voxels."""
    inside = np.ones(places.shape[1:], bool)
    for place, n in zip(places, shape, strict=True):
        inside &= (place >= -0.5) & (place <= n - 0.5)
    return inside
