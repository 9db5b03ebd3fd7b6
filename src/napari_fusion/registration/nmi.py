"""Normalised mutual information of sampled points, with its slope."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fusion.registration.cells import Cells, Floats, interpolate, interpolate_slopes
from napari_fusion.registration.layers import Matrix

FEWEST = 64
"""With fewer samples inside the moving volume a score means nothing: it is 0."""


@dataclass(frozen=True, eq=False)
class Score:
    """How well a map explains the samples.

    Parameters
    ----------
    total
        What is climbed: `nmi`, less when too few samples lie inside the moving volume.
    nmi
        Normalised mutual information − 1; 0 is none.
    overlap
        Share of samples inside the moving volume.
    """

    total: float
    nmi: float
    overlap: float


@dataclass(frozen=True, eq=False)
class _Binned:
    """Moving values spread over the joint histogram."""

    joint: NDArray[np.float64]
    cell: NDArray[np.intp]
    off: Floats
    known: NDArray[np.bool_] | None
    count: int


@dataclass(frozen=True, eq=False)
class Similarity:
    """How well a moving layer explains the fixed samples under any linear map.

    Normalised mutual information (Studholme et al. 1999), (H(f) + H(m)) / H(f, m) − 1, from a
    joint histogram with a quadratic B-spline window on the moving side.

    Parameters
    ----------
    points
        (3, n) float32 sample points, LPS mm from `centre`.
    levels
        (n,) histogram row of each sample's fixed value.
    centre
        LPS point in the middle of the samples, mm.
    cells
        The moving layer.
    bins
        Grey levels a side.
    floor
        Share of samples that must fall inside the moving volume for the whole score.
    """

    points: Floats
    levels: NDArray[np.intp]
    centre: NDArray[np.float64]
    cells: Cells
    bins: int
    floor: float = 0.4

    def score(self, matrix: Matrix) -> Score:
        """Score a (4, 4) fixed → moving map, LPS mm: larger is better."""
        inside, corners, place = self.cells.locate(*self._index(matrix))
        binned = self._binned(interpolate(corners, place), inside)
        overlap = binned.count / inside.size
        if binned.count < FEWEST:
            return Score(0.0, 0.0, overlap)
        nmi, _ = _nmi(binned.joint)
        return Score(nmi * self._factor(overlap), nmi, overlap)

    def slope(self, matrix: Matrix) -> tuple[float, Matrix]:
        """Score a map and give the score's slope by each of its entries.

        Returns
        -------
        score
            The `Score`'s total.
        slope
            (3, 4): change of the score by the entries of ``[A, t]`` where a sample at `centre` + p
            goes to ``A p + t``.
        """
        inside, corners, place = self.cells.locate(*self._index(matrix))
        values, rises = interpolate_slopes(corners, place)
        binned = self._binned(values, inside)
        if binned.count < FEWEST:
            return 0.0, np.zeros((3, 4))
        nmi, table = _nmi(binned.joint)
        pull = rises * self._push(binned, table.ravel().astype(np.float32))
        if binned.known is not None:
            pull = np.where(binned.known, pull, np.float32(0))
        points = np.compress(inside, self.points, axis=1)
        slope = np.empty((3, 4))
        slope[:, :3] = (pull[:, None] * points).sum(axis=-1)  # no BLAS: its sums vary with threads
        slope[:, 3] = pull.sum(axis=-1)
        factor = self._factor(binned.count / inside.size)
        return nmi * factor, self.cells.to_index[:3, :3].T @ slope * factor

    def among(self, keep: NDArray[np.bool_]) -> Similarity:
        """Keep some of the samples, about a centre of their own."""
        points = self.points[:, keep]
        shift = points.mean(axis=1, dtype=np.float64)
        local = np.ascontiguousarray(points - shift.astype(np.float32)[:, None])
        return replace(self, points=local, levels=self.levels[keep], centre=self.centre + shift)

    def reached(self, matrix: Matrix) -> NDArray[np.bool_]:
        """Mark the samples that a map sends inside the moving volume."""
        return self.cells.locate(*self._index(matrix))[0]

    def probes(self, most: int = 1500) -> NDArray[np.float64]:
        """Give (n, 3) some of the sample points, LPS mm."""
        step = max(1, self.levels.size // most)
        return self.points[:, ::step].T + self.centre

    def _factor(self, overlap: float) -> float:
        return min(overlap / self.floor, 1.0)

    def _index(self, matrix: Matrix) -> Floats:
        """Map the samples to fractional indices of the moving layer."""
        whole = self.cells.to_index @ matrix
        turn = whole[:3, :3].astype(np.float32)
        shift = (whole[:3, :3] @ self.centre + whole[:3, 3]).astype(np.float32)
        x, y, z = self.points
        rows = zip(turn, shift, strict=True)
        return np.stack([row[0] * x + row[1] * y + row[2] * z + s for row, s in rows])

    def _binned(self, values: Floats, inside: NDArray[np.bool_]) -> _Binned:
        """Fill the joint histogram; values that are NaN count for nothing."""
        finite = np.isfinite(values)
        known = None if finite.all() else finite
        if known is not None:
            values = np.where(known, values, np.float32(0))
        place = values * np.float32(self.bins - 3) + np.float32(1)
        nearest = (place + np.float32(0.5)).astype(np.intp)
        off = place - nearest.astype(np.float32)
        cell = np.compress(inside, self.levels) * self.bins + nearest
        joint = np.zeros(self.bins * self.bins)
        sides = (0.5 * (0.5 - off) ** 2, 0.75 - off * off, 0.5 * (0.5 + off) ** 2)
        for k, weight in zip((-1, 0, 1), sides, strict=True):
            part = weight if known is None else weight * known
            joint += np.bincount(cell + k, part, joint.size)
        count = values.size if known is None else int(known.sum())
        return _Binned(joint.reshape(self.bins, self.bins), cell, off, known, count)

    def _push(self, binned: _Binned, table: Floats) -> Floats:
        """Give what each sample's score gains when its moving value rises by one."""
        off, cell, half = binned.off, binned.cell, np.float32(0.5)
        push = (off - half) * np.take(table, cell - 1)
        push -= 2 * off * np.take(table, cell)
        push += (off + half) * np.take(table, cell + 1)
        push *= np.float32(self.bins - 3)
        return push


def _nmi(joint: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Give NMI − 1, and the table of what one more unit of weight in each cell adds to it."""
    total = joint.sum()
    p = joint / total
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    tiny = 1e-12
    log_p, log_columns = np.log(np.maximum(p, tiny)), np.log(np.maximum(columns, tiny))
    of_rows = -(rows * np.log(np.maximum(rows, tiny))).sum()
    of_columns = -(columns * log_columns).sum()
    of_both = max(float(-(p * log_p).sum()), 1e-9)
    ratio = float(of_rows + of_columns) / of_both
    return ratio - 1, (ratio * log_p - log_columns) / (of_both * total)
