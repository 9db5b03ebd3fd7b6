"""How displacement fields chain, turn round, and pass through linear maps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

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

ROUND_OFF = 1e-6
"""Share of a voxel by which a node that nothing moves may seem to have moved."""

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
) -> tuple[DisplacementField, float]:
    """Bend by `first`, go through a linear map, bend by `second`: as one field before the map.

    Returns
    -------
    whole
        The field.
    residual_mm
        The largest deviation from both in a row, at random points inside its grid.
    """
    late = pulled(second, matrix)
    grid = first.grid if first.grid.matches(late.grid) else _both(first.grid, late.grid)

    def whole(points: Points) -> Points:
        early = first.at(points)
        return early + late.at(points + early)

    field = sampled(whole, grid)
    spots = _spots(grid)
    return field, float(np.linalg.norm(field.at(spots) - whole(spots), axis=1).max())


def undone(field: DisplacementField) -> tuple[DisplacementField, float]:
    """Turn a field round (damped fixed-point iteration, after Chen et al. 2008), and check it.

    Where the field is not nothing at its border, as those of other programs, its inverse reaches
    as far as it carries points out of its grid.

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
    reach = _reach(field)
    inverse = DisplacementField(reach, np.zeros((*reach.shape, 3), np.float32))
    for finer in (1, 2, 4):
        grid = _spaced(reach, reach.spacing / finer)
        inverse = sampled(_back(field, near=inverse), grid)
        residual = _residual(field, inverse)
        if residual <= CLOSE_MM:
            break
    if not residual <= INVERSE_MM:
        raise AlignError(
            f"the inverse of this alignment is {residual:.2f} mm off where it should be within "
            f"{INVERSE_MM} mm: use the alignment in its own direction"
        )
    return inverse, residual


def _back(field: DisplacementField, near: DisplacementField) -> Callable[[Points], Points]:
    """Give the way back of a field, for points (n, 3); `near` is a coarser answer."""
    return lambda ends: _sources(field, ends, ends + near.continued(ends)) - ends


def origins(field: DisplacementField, ends: Points) -> Points:
    """Find the points (n, 3) that a field moves to `ends`, or the nearest it came to them."""
    points = _sources(field, ends, ends)
    beyond = ~field.grid.holds(points) & ~field.grid.holds(ends)
    points[beyond] = ends[beyond]  # where the field is nothing
    return points


def _reach(field: DisplacementField) -> Grid:
    """Extend a field's grid by the nodes it takes to hold where the field carries its border."""
    grid = field.grid
    last = np.array(grid.shape) - 1
    low, high = np.zeros(3, int), last
    for axis, side in product(range(3), (0, 1)):
        sizes = [1 if k == axis else n for k, n in enumerate(grid.shape)]
        face = np.indices(sizes).reshape(3, -1).T
        face[:, axis] = side * last[axis]
        places = grid.index_to_lps(face)
        ends = grid.lps_to_index(places + field.vectors[tuple(face.T)])
        low = np.minimum(low, np.floor(ends.min(axis=0) + ROUND_OFF).astype(int))
        high = np.maximum(high, np.ceil(ends.max(axis=0) - ROUND_OFF).astype(int))
    affine = grid.affine.copy()
    affine[:3, 3] = grid.index_to_lps(low)
    return Grid(tuple(high - low + 1), affine)


def _sources(field: DisplacementField, ends: Points, start: Points) -> Points:
    """Find the points that a field, continued beyond its grid, moves to `ends`, or nearly.

    Steps that lead away are not taken, as whole ones do where the field stretches space to more
    than twice its length. Steps that went too far become shorter, others longer up to whole ones.
    """
    points, gap = start.copy(), ends - start - field.continued(start)
    stride = np.ones((len(ends), 1))
    active = np.arange(len(ends))
    for _ in range(ROUNDS):
        tried = points[active] + stride[active] * gap[active]
        left = ends[active] - tried - field.continued(tried)
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
    """Go there and back from random points inside: the largest distance from where they were."""
    spots = _spots(field.grid)
    ends = spots + field.at(spots)
    return float(np.linalg.norm(ends + inverse.at(ends) - spots, axis=1).max())


def _spots(grid: Grid) -> Points:
    """Pick random points (n, 3) between a grid's nodes, LPS mm."""
    last = np.array(grid.shape) - 1
    return grid.index_to_lps(np.random.default_rng(0).uniform(0, last, (20_000, 3)))


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
    cells = np.round(lengths / (spacing * max(1.0, float(growth)))).astype(int)
    shape = np.maximum(cells, 1) + 1
    spacing = lengths / (shape - 1)
    return Grid.regular(shape.tolist(), spacing, centre=grid.centre, direction=grid.direction)
