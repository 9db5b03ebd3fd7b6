"""The point map from the fixed to the moving volume, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import AlignError, ParameterError, expect
from napari_fusion.grid import Grid
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.pair import Pair
from napari_fusion.registration.quality import UNMEASURED, Quality
from napari_fusion.rotation import angles_of, inverted, rotation, turned_degrees

if TYPE_CHECKING:
    from os import PathLike

    import SimpleITK as sitk

    from napari_fusion.registration.files.images import Source

SMALLEST_SCALE = 1e-3
"""A linear map that shrinks some direction by more than this cannot be undone."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where each point of the fixed volume lies in the moving volume.

    The map runs fixed → moving, the direction in which ITK resamples: to draw the moving volume on
    the fixed grid, each fixed voxel asks where it comes from.

    Parameters
    ----------
    fixed, moving
        The grids of the two volumes.
    matrix
        (4, 4) float64, fixed LPS mm → moving LPS mm.
    quality
        What the gate says; "CHECK" when nobody measured.
    field
        What bends space *before* the matrix: a fixed point p goes to ``matrix (p + field(p))``.
        None when the matrix is the whole map.
    judged_on
        The `Volume.fingerprints` of the fixed and the moving volume that `quality` was measured
        on; None when nobody knows.

    Raises
    ------
    ParameterError
        The matrix is not a finite 4 × 4 matrix that ends in 0 0 0 1, or a grid is none.

    Examples
    --------
    >>> grid = Grid.regular((10, 10, 10))
    >>> shift = Alignment.identity(grid, grid).moved(translation=(5.0, 0.0, 0.0))
    >>> shift.map_points([[0.0, 0.0, 0.0]])
    array([[5., 0., 0.]])
    """

    fixed: Grid
    moving: Grid
    matrix: NDArray[np.float64]
    quality: Quality = UNMEASURED
    field: DisplacementField | None = None
    judged_on: Pair | None = None

    def __post_init__(self) -> None:
        """Check the grids and the matrix, and freeze it."""
        expect(Grid, fixed=self.fixed, moving=self.moving)
        expect(Quality, quality=self.quality)
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise ParameterError("an alignment needs a finite 4 × 4 matrix")
        if not np.array_equal(matrix[3], [0, 0, 0, 1]):
            raise ParameterError(f"the last row of an alignment must be 0 0 0 1, not {matrix[3]}")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls, fixed: Grid, moving: Grid, quality: Quality = UNMEASURED) -> Alignment:
        """Leave every point where its file says it is."""
        return cls(fixed, moving, np.eye(4), quality)

    def map_points(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map fixed points (..., 3) in LPS mm to the moving points (..., 3) they correspond to."""
        points = np.asarray(points, float)
        if self.field is not None:
            points = points + self.field.at(points)
        mapped: NDArray[np.float64] = points @ self.matrix[:3, :3].T
        mapped += self.matrix[:3, 3]
        return mapped

    def unmap_points(self, points: ArrayLike) -> NDArray[np.float64]:
        """Find the fixed points (..., 3) in LPS mm that map to moving points (..., 3).

        Where a field bends too hard for that, the nearest that was found; see `invertible`.
        """
        matrix = inverted(self.matrix)
        found: NDArray[np.float64] = np.asarray(points, float) @ matrix[:3, :3].T + matrix[:3, 3]
        if self.field is None:
            return found
        from napari_fusion.registration.bending import origins

        return origins(self.field, found.reshape(-1, 3)).reshape(found.shape)

    def uncertainty_at(self, points: ArrayLike) -> NDArray[np.float64]:
        """Say how far off the map may be at fixed points (..., 3), LPS mm.

        Returns
        -------
        (...) mm, NaN when nobody measured: see `Quality.uncertainty_at`.
        """
        return self.quality.uncertainty_at(points)

    @property
    def linear(self) -> bool:
        """Whether the matrix alone is the whole map."""
        return self.field is None

    @property
    def invertible(self) -> bool:
        """Whether the map flattens nothing and folds nowhere, so that each point has one origin.

        `inverse` may refuse it all the same: where no field undoes this one nearly enough.
        """
        scales = np.linalg.svd(self.matrix[:3, :3], compute_uv=False)
        folds = self.field is not None and not self.field.jacobian.smallest > 0
        return bool(scales.min() > SMALLEST_SCALE) and not folds

    def rests(self, grid: Grid) -> bool:
        """Whether no point of a grid moves by more than a thousandth of a millimetre."""
        if self.field is not None and self.field.largest_mm >= 1e-3:
            return False
        corners = grid.corners
        return bool(np.abs(self.map_points(corners) - corners).max() < 1e-3)

    def inverse(self) -> Alignment:
        """Map moving points to fixed points.

        A field is inverted numerically and checked; ``inverse_residual_mm`` among the quality's
        numbers says how far there and back is from nothing, at worst.

        Raises
        ------
        AlignError
            The map flattens or folds space, or no inverse within 0.1 mm was found.
        """
        scales = np.linalg.svd(self.matrix[:3, :3], compute_uv=False)
        if not scales.min() > SMALLEST_SCALE:
            raise AlignError("this alignment flattens space and cannot be inverted")
        matrix = inverted(self.matrix)
        quality = self.quality.seen_through(matrix)
        pair = None if self.judged_on is None else self.judged_on[::-1]
        if self.field is None:
            return Alignment(self.moving, self.fixed, matrix, quality, judged_on=pair)
        from napari_fusion.registration.bending import pulled, undone

        back, residual = undone(self.field)
        numbers = {**quality.numbers, "inverse_residual_mm": residual}
        quality = quality.model_copy(update={"numbers": numbers})
        return Alignment(self.moving, self.fixed, matrix, quality, pulled(back, matrix), pair)

    def then(self, other: Alignment) -> Alignment:
        """Chain with an alignment that starts where this one ends: a → b, then b → c, is a → c.

        Two fields become one, sampled as finely as the finer of them; ``chain_residual_mm`` among
        the quality's numbers says how far it is from both in a row, at worst. The verdict is the
        worse of both, and CHECK where the whole is stretched, unsure or off beyond what the gate
        lets pass, or the two were judged on different volumes in the middle.

        Raises
        ------
        ParameterError
            The other one does not start on the grid that this one leads to.
        """
        expect(Alignment, other=other)
        if not self.moving.agrees(other.fixed):
            raise ParameterError(
                "the first alignment ends in another volume than the second one begins in: chain "
                "fixed → middle with middle → moving"
            )
        from napari_fusion.registration.chain import chained

        field, matrix, pair, off = self.field, other.matrix @ self.matrix, None, 0.0
        if other.field is not None:
            from napari_fusion.registration.bending import joined, pulled

            if field is None:
                field = pulled(other.field, self.matrix)
            else:
                field, off = joined(field, self.matrix, other.field)
        if self.judged_on is not None and other.judged_on is not None:
            pair = self.judged_on[0], other.judged_on[1]
        quality = chained(self, other, matrix, off)
        return Alignment(self.fixed, other.moving, matrix, quality, field, pair)

    def moved(
        self, translation: ArrayLike = (0.0, 0.0, 0.0), degrees: ArrayLike = (0.0, 0.0, 0.0)
    ) -> Alignment:
        """Push the map by hand.

        Each fixed point is first turned about the centre of the fixed grid, by `degrees` about the
        L, then P, then S axis, then shifted by `translation` (LPS mm), then mapped as before.
        """
        push = pose_matrix(np.radians(degrees), translation, self.fixed.centre)
        here = Alignment(self.fixed, self.fixed, push)
        return replace(here.then(self), quality=UNMEASURED)

    def pose(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the six numbers that `moved` takes: shift (LPS mm) and degrees about L, P and S.

        ``Alignment.identity(fixed, moving).moved(*pose)`` is this map where it is rigid; of any
        other map it is the turn nearest to its matrix, and the shift of the fixed centre.
        """
        u, _, vt = np.linalg.svd(self.matrix[:3, :3])
        turn = (u * [1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt  # of a mirror, too
        centre = self.fixed.centre
        return self.map_points(centre) - centre, np.degrees(angles_of(turn))

    def to_sitk(self) -> sitk.Transform:
        """Give the map as an ITK transform, fixed → moving, LPS mm.

        An affine transform, or a composite of it and a displacement field that is applied first.
        """
        from napari_fusion.registration.transforms import to_sitk

        return to_sitk(self.matrix, self.field)

    @classmethod
    def from_sitk(cls, transform: sitk.Transform, fixed: Grid, moving: Grid) -> Alignment:
        """Take an ITK transform, fixed → moving, LPS mm.

        Composites are flattened to one matrix and, when a part bends space, one field before it;
        a B-spline becomes a field with nodes four times as dense.

        Raises
        ------
        ReadError
            The transform is not 3-D, not finite, flattens space, or is of an unknown kind.
        """
        from napari_fusion.registration.transforms import from_sitk

        return from_sitk(transform, fixed, moving)

    def save(
        self,
        path: str | PathLike[str],
        *,
        fixed: Source | None = None,
        moving: Source | None = None,
    ) -> None:
        """Write the map in the direction, frame and unit that the file's own program expects.

        ``.tfm`` and ``.txt`` (ITK, 3D Slicer, ANTs, elastix) also carry grids and quality, as does
        ``.json``, and by the fingerprints of `judged_on` (else of the volumes given) the voxels
        that the quality is of; ``.h5`` is ITK's binary file, ``.mat`` FSL's FLIRT matrix, ``.dcm``
        a DICOM Spatial Registration. The file appears under its name only after it has been read
        back and found the same.

        Parameters
        ----------
        path
            The file to make or replace; its ending chooses the format.
        fixed, moving
            The images, and needed by some formats: NIfTI files for ``.mat``; volumes or paths of
            DICOM images for ``.dcm``.

        Raises
        ------
        ParameterError
            Another ending, images missing that the format needs, or a map that bends space in a
            format that cannot hold one (all but ``.tfm``, ``.txt`` and ``.h5``).
        WriteError
            The file could not be written or did not read back the same.
        """
        from napari_fusion.registration.files import save

        save(self, path, fixed, moving)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        fixed: Source | None = None,
        moving: Source | None = None,
    ) -> Alignment:
        """Read a transform file of ITK, 3D Slicer, ANTs, FSL, DICOM or this package.

        What the file holds decides, not its name. Files that name their volumes bring grids and
        quality. When `fixed` or `moving` is given and is not the grid, or does not hold the voxels,
        that the file was written for, or the map was changed since, the quality says "CHECK" and
        why. A grid neither given nor in the file is one voxel at the
        origin.

        Parameters
        ----------
        path
            The file.
        fixed, moving
            The two images: grids, volumes or paths. A FLIRT matrix needs the paths of both NIfTI
            files, because it counts from the corner of the stored images.

        Raises
        ------
        ReadError
            No transform can be read: missing, damaged, 2-D, not finite, singular, silent about its
            direction, or a DICOM object for other frames of reference.
        ParameterError
            A FLIRT matrix without its images.
        """
        from napari_fusion.registration.files import load

        return load(path, fixed, moving)

    def __repr__(self) -> str:
        turn, shift = self.motion()
        bend = "" if self.field is None else f", bent by up to {self.field.largest_mm:.2f} mm"
        verdict = self.quality.verdict
        return f"<Alignment {verdict}: {shift:.2f} mm and {turn:.2f}° at the centre{bend}>"

    def motion(self) -> tuple[float, float]:
        """Say by how many degrees the map turns, and by how many mm it moves the fixed centre."""
        centre = self.fixed.centre
        shift = float(np.linalg.norm(self.map_points(centre) - centre))
        return turned_degrees(self.matrix[:3, :3]), shift


def pose_matrix(
    angles: ArrayLike, translation: ArrayLike, centre: ArrayLike
) -> NDArray[np.float64]:
    """Turn about `centre` by `angles` (rad, about L, then P, then S), then shift (LPS mm).

    Returns
    -------
    (4, 4) float64.
    """
    centre = np.asarray(centre, float)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(angles)
    matrix[:3, 3] = centre + np.asarray(translation, float) - matrix[:3, :3] @ centre
    return matrix
