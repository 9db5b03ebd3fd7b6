"""Alignments from pairs of points that someone marked."""

from __future__ import annotations

from napari_fusion.errors import expect
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.landmarks.check import check_landmarks
from napari_fusion.registration.landmarks.fitting import fit
from napari_fusion.registration.landmarks.pairs import Landmarks
from napari_fusion.registration.landmarks.verdict import judged
from napari_fusion.registration.options import Model

__all__ = ["Landmarks", "align_landmarks", "check_landmarks"]


def align_landmarks(
    landmarks: Landmarks, fixed: Grid, moving: Grid, model: Model = "rigid"
) -> Alignment:
    """Make the alignment that brings the fixed landmarks closest to the moving ones.

    Parameters
    ----------
    landmarks
        At least three pairs that do not lie on one line; for "affine" four that do not lie in one
        plane. One more than that, at least, for a PASS.
    fixed, moving
        Grids of the two volumes.
    model
        "rigid", "similarity" or "affine". Landmarks seldom are marked well enough to tell a
        stretch: prefer "rigid".

    Returns
    -------
    Alignment
        Its quality rests on the landmarks alone: ``fre_mm`` (root mean square distance of the
        pairs), ``tre_mm`` (expected error over the fixed volume), ``leave_one_out_mm``. Give it to
        ``align(…, initial=…)`` to go on from there by voxels.

    Raises
    ------
    AlignError
        Too few pairs, or pairs that leave the model undecided or fit a mirror image only.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.regular((10, 10, 10))
    >>> corners = grid.corners
    >>> align_landmarks(Landmarks(corners, corners + [1.0, 2, 3]), grid, grid).matrix[:3, 3]
    array([1., 2., 3.])
    """
    expect(Landmarks, landmarks=landmarks)
    expect(Grid, fixed=fixed, moving=moving)
    expect(str, model=model)
    matrix = fit(landmarks, model)
    quality = judged(landmarks, matrix, model, (fixed, moving))
    sentence = " ".join((quality.sentence, *landmarks.doubts))
    return Alignment(fixed, moving, matrix, quality.model_copy(update={"sentence": sentence}))
