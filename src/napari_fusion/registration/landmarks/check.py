"""Hold an alignment that was found otherwise against marked points."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from napari_fusion.errors import AlignError, ParameterError, expect
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.landmarks.errors import residuals, rms
from napari_fusion.registration.landmarks.fitting import fit
from napari_fusion.registration.landmarks.pairs import Landmarks
from napari_fusion.registration.landmarks.verdict import FAIL_MM, unit_of
from napari_fusion.registration.quality import RANK

NEAR_MM = 4.0
"""Landmarks of a head this near to each other, root mean square, never contradict."""

WORSE = 3.0
"""Nor do those that fit no rigid map of their own much better."""


def check_landmarks(alignment: Alignment, landmarks: Landmarks) -> Alignment:
    """Hold an alignment against landmarks: what contradicts them is no PASS.

    Marks are evidence that the voxels did not give. Where the alignment leaves them further apart
    than 4 mm (less for volumes smaller than a head) and than three times what they disagree by
    among themselves, either is wrong, and someone has to look.

    Parameters
    ----------
    alignment
        Found by voxels, loaded or made by hand.
    landmarks
        One pair or more.

    Returns
    -------
    Alignment
        The same map; ``landmarks_mm`` (root mean square) among its numbers, and "CHECK" instead of
        "PASS" where it contradicts the landmarks.

    Raises
    ------
    ParameterError
        There is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fusion import Grid, Quality
    >>> grid = Grid.regular((200, 200, 200))
    >>> there = Alignment.identity(grid, grid, Quality(verdict="PASS", sentence="They match."))
    >>> marked = Landmarks(np.array([[0.0, 0, 0]]), np.array([[25.0, 0, 0]]))
    >>> check_landmarks(there, marked).quality.sentence
    'This alignment leaves the landmarks 25.0 mm apart: either is wrong, look at both.'
    """
    expect(Alignment, alignment=alignment)
    expect(Landmarks, landmarks=landmarks)
    if not len(landmarks):
        raise ParameterError("no landmark was given to hold the alignment against")
    apart = rms(landmarks.errors(alignment))
    quality = alignment.quality
    changes: dict[str, Any] = {"numbers": {**quality.numbers, "landmarks_mm": apart}}
    own, unit = _own(landmarks), unit_of(alignment.fixed)
    limit = max(NEAR_MM * unit, WORSE * own)
    if min(own / FAIL_MM, apart / NEAR_MM) > unit and quality.rank < RANK["FAIL"]:
        changes |= {
            "verdict": "CHECK",
            "sentence": (
                f"The landmarks fit no rigid map better than by {own:.1f} mm, so they say nothing "
                "of this alignment: look at them, and at it."
            ),
        }
    if apart > limit and quality.rank < RANK["FAIL"]:
        changes |= {
            "verdict": "CHECK",
            "sentence": (
                f"This alignment leaves the landmarks {apart:.1f} mm apart: either is wrong, look "
                "at both."
            ),
        }
    return replace(alignment, quality=quality.model_copy(update=changes))


def _own(landmarks: Landmarks) -> float:
    """Say how far the landmarks are from the rigid map that suits them best, RMS mm."""
    try:
        return rms(residuals(landmarks, fit(landmarks, "rigid")))
    except AlignError:  # too few to have a map of their own
        return 0.0
