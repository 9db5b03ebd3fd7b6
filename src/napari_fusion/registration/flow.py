"""Stationary velocities on a lattice, and the maps they flow to: smooth, and never folded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_fusion.grid import Grid
from napari_fusion.registration.cells import read
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.filters import Floats

HALVINGS = 7
"""The flow is followed for 1/128 of the time, and that map doubled seven times."""

FADE_MM = 32.0
"""The flow fades to nothing over this distance outside the lattice."""


@dataclass(frozen=True, eq=False)
class Flow:
    """A velocity at each node, constant over time 0 to 1.

    The map it flows to has an inverse, the flow backwards (Arsigny et al., MICCAI 2006).

    Parameters
    ----------
    grid
        The nodes, LPS mm, the same spacing along each axis.
    velocity
        (3, …grid.shape) float32, mm along the grid's axes.
    """

    grid: Grid
    velocity: Floats

    @classmethod
    def none(cls, grid: Grid) -> Flow:
        """Stand still."""
        return cls(grid, np.zeros((3, *grid.shape), np.float32))

    def redrawn(self, grid: Grid, beat: Callable[[], None]) -> Flow:
        """Give the same flow on other nodes along the same axes."""
        return Flow(grid, _redrawn(self.velocity, self.grid, grid, beat))

    def displacement(self, grid: Grid, beat: Callable[[], None]) -> Floats:
        """Give where each node of a grid along the same axes goes: (3, …) mm along the axes."""
        moved = _flowed(self.velocity, float(self.grid.spacing[0]), beat)
        return _redrawn(moved, self.grid, grid, beat)

    def field(self, beat: Callable[[], None]) -> DisplacementField:
        """Follow the flow to its end, faded to nothing outside the lattice; `beat` is called."""
        step = float(self.grid.spacing[0])
        pad = int(np.ceil(FADE_MM / step))
        velocity = np.pad(self.velocity, ((0, 0), *[(pad, pad)] * 3), mode="edge")
        ramp = np.sin(np.pi / 2 * np.arange(pad) / pad).astype(np.float32) ** 2
        for axis, n in enumerate(self.grid.shape, start=1):
            fade = np.concatenate([ramp, np.ones(n, np.float32), ramp[::-1]])
            velocity *= fade.reshape([-1 if a == axis else 1 for a in range(4)])
        affine = np.array(self.grid.affine)
        affine[:3, 3] = self.grid.index_to_lps([-pad] * 3)
        grid = Grid(velocity.shape[1:], affine)
        moved = np.moveaxis(_flowed(velocity, step, beat), 0, -1)
        return DisplacementField(grid, moved @ self.grid.direction.T.astype(np.float32))


def _flowed(velocity: Floats, step: float, beat: Callable[[], None]) -> Floats:
    """Scale and square: (3, …) displacements in the velocity's unit; `step` is the spacing."""
    moved = velocity * np.float32(1 / (step * 2**HALVINGS))
    here = np.indices(velocity.shape[1:], dtype=np.float32)
    for _ in range(HALVINGS):
        moved = moved + read(moved, here + moved, beat)
    return moved * np.float32(step)


def _redrawn(vectors: Floats, grid: Grid, other: Grid, beat: Callable[[], None]) -> Floats:
    """Read (3, …) vectors at the nodes of another grid along the same axes."""
    first = grid.lps_to_index(other.origin)
    steps = other.spacing / grid.spacing
    for axis, (start, step, n) in enumerate(zip(first, steps, other.shape, strict=True)):
        beat()
        last = grid.shape[axis] - 1
        places = np.clip(start + step * np.arange(n), 0, last)
        low = places.astype(int)
        share = np.expand_dims(np.float32(places - low), tuple(range(1, 3 - axis)))
        near = np.take(vectors, low, axis + 1)
        vectors = near + share * (np.take(vectors, np.minimum(low + 1, last), axis + 1) - near)
    return vectors
