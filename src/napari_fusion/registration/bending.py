"""How displacement fields chain, turn round, and pass through linear maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import AlignError, GeometryError
from napari_fusion.grid import Grid
from napari_fusion.registration.field import DisplacementField
from napari_fusion.rotation import inverted

MOST_NODES = 6_000_000
"""A field that is sampled anew has at most about this many nodes: 72 MB."""

INVERSE_MM = 0.1
"""An inverse that is further off than this anywhere inside is refused."""

CLOSE_MM = 0.05
"""An inverse that is further off than this is sampled on a finer grid, where memory allows."""

ROUNDS = 100
"""Steps of the fixed-point iteration of an inverse, at most."""

Points = NDArray[np.float64]
Matrix = NDArray[np.float64]


def pulled(field: DisplacementField, matrix: Matrix) -> DisplacementField:
    """Bend before a linear map A as `field` bends after it.

    Gives v with A (p + v(p)) = A p + u(A p). The nodes move with A⁻¹, without interpolation, when
    A keeps right angles; otherwise v is sampled anew.
    """
    back = inverted(matrix)
    turn = back[:3, :3].T
    try:
        grid = Grid(field.grid.shape, back @ field.grid.affine)
    except GeometryError:  # sheared: no rectangular grid moves along
        corners = field.grid.corners @ turn + back[:3, 3]
        grid = _box(corners, np.eye(3)[:, ::-1], field.grid.spacing.min())
        return sampled(lambda p: field.at(p @ matrix[:3, :3].T + matrix[:3, 3]) @ turn, grid)
    return DisplacementField(grid, (field.vectors @ turn).astype(np.float32))


def joined(
    first: DisplacementField, matrix: Matrix, second: DisplacementField
) -> DisplacementField:
    """Bend by `first`, go through a linear map, bend by `second`: as one field before the map."""
    late = pulled(second, matrix)
    grid = first.grid if first.grid.matches(late.grid) else _both(first.grid, late.grid)

    def whole(points: Points) -> Points:
        early = first.at(points)
        return early + late.at(points + early)

    return sampled(whole, grid)


def undone(field: DisplacementField) -> tuple[DisplacementField, float]:
    """Turn a field round (damped fixed-point iteration, after Chen et al. 2008), and check it.

    Returns
    -------
    inverse
        v with p + u(p) + v(p + u(p)) = p.
    residual_mm
        The largest deviation from that at random points inside the grid.

    Raises
    ------
    AlignError
        The field folds, or no inverse within a tenth of a millimetre was found.
    """
    if not field.jacobian.smallest > 0:
        raise AlignError(
            f"{100 * field.jacobian.folded:.2g} % of this alignment's field folds: "
            "it cannot be inverted"
        )
    for finer in (1, 2, 4):
        grid = _spaced(field.grid, field.grid.spacing / finer)
        inverse = sampled(lambda points: origins(field, points) - points, grid)
        residual = _residual(field, inverse)
        if residual <= CLOSE_MM:
            break
    if not residual <= INVERSE_MM:
        raise AlignError(
            f"the inverse of this alignment is {residual:.2f} mm off where it should be within "
            f"{INVERSE_MM} mm: use the alignment in its own direction"
        )
    return inverse, residual


def origins(field: DisplacementField, ends: Points) -> Points:
    """Find the points (n, 3) that a field moves to `ends`, or the nearest it came to them.

    Steps that lead away are not taken, as whole ones do where the field stretches space to more
    than twice its length. Steps that went too far become shorter, others longer up to whole ones.
    """
    points, gap = ends.copy(), -field.at(ends)
    stride = np.ones((len(ends), 1))
    active = np.arange(len(ends))
    for _ in range(ROUNDS):
        tried = points[active] + stride[active] * gap[active]
        left = ends[active] - tried - field.at(tried)
        nearer = np.linalg.norm(left, axis=1) < np.linalg.norm(gap[active], axis=1)
        short = nearer & ((left * gap[active]).sum(axis=1) > 0)
        stride[active] *= np.where(short, 1.5, 0.5)[:, None]
        points[active[nearer]], gap[active[nearer]] = tried[nearer], left[nearer]
        np.minimum(stride, 1, out=stride)
        active = active[np.abs(gap[active]).max(axis=1) > 1e-4]
        if not active.size:
            break
    return points


def sampled(displacement: Callable[[Points], Points], grid: Grid) -> DisplacementField:
    """Read a displacement, a function of (n, 3) LPS points, at every node of a grid."""
    vectors = np.empty((*grid.shape, 3), np.float32)
    plane = np.indices((1, *grid.shape[1:])).reshape(3, -1).T
    for k in range(grid.shape[0]):
        points = grid.index_to_lps(plane + np.array([k, 0, 0]))
        vectors[k] = displacement(points).reshape(vectors[k].shape)
    return DisplacementField(grid, vectors)


def _residual(field: DisplacementField, inverse: DisplacementField) -> float:
    """Go there and back from random points: the largest distance from where they were, mm.

    Points that the field carries out of its own grid have no counterpart and are left out.
    """
    last = np.array(field.grid.shape) - 1
    spots = field.grid.index_to_lps(np.random.default_rng(0).uniform(0, last, (20_000, 3)))
    ends = spots + field.at(spots)
    index = field.grid.lps_to_index(ends)
    inside = ((index >= 1) & (index <= last - 1)).all(axis=1)
    gap = ends + inverse.at(ends) - spots
    return float(np.linalg.norm(gap[inside], axis=1).max(initial=0.0))


def _both(a: Grid, b: Grid) -> Grid:
    """Cover two grids along the axes of the first, as finely as the finer one."""
    spacing = min(a.spacing.min(), b.spacing.min())
    return _box(np.concatenate([a.corners, b.corners]), a.direction, spacing)


def _box(points: Points, direction: Matrix, spacing: float) -> Grid:
    """Make a grid along given axes that holds all points."""
    along = points @ direction
    low, high = along.min(axis=0), along.max(axis=0)
    spacing = max(float(spacing), float((np.prod(high - low) / MOST_NODES) ** (1 / 3)))
    shape = np.maximum(np.ceil((high - low) / spacing).astype(int) + 1, 2)
    centre = direction @ ((low + high) / 2)
    return Grid.regular(shape.tolist(), [spacing] * 3, centre=centre, direction=direction)


def _spaced(grid: Grid, spacing: NDArray[np.float64]) -> Grid:
    """Give a grid other spacings over the same nodes' box, as fine as memory allows."""
    lengths = (np.array(grid.shape) - 1) * grid.spacing
    growth = (np.prod(lengths / spacing + 1) / MOST_NODES) ** (1 / 3)
    shape = np.round(lengths / (spacing * max(1.0, float(growth)))).astype(int) + 1
    spacing = lengths / (shape - 1)
    return Grid.regular(shape.tolist(), spacing, centre=grid.centre, direction=grid.direction)
