"""How far an alignment may be trusted, in one word, one sentence and a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict, Field, FiniteFloat

from napari_fusion.checked import Settings

Verdict = Literal["PASS", "CHECK", "FAIL"]

Row = Annotated[tuple[FiniteFloat, ...], Field(min_length=4, max_length=4)]
Form = Annotated[tuple[Row, ...], Field(min_length=4, max_length=4)]

AS_SCANNED = "Aligned by the scanner (same frame of reference), not verified."
"""What is known of two volumes of one frame of reference that nobody has compared."""

RANK: Mapping[str, int] = {"PASS": 0, "CHECK": 1, "FAIL": 2}
"""From trusted to wrong: what may be accepted is compared by it."""


class Quality(Settings):
    """What the gate says about an alignment.

    Parameters
    ----------
    verdict
        "PASS": the volumes agree here and nowhere near. "CHECK": look before use. "FAIL": wrong
        or not measurable; do not fuse.
    sentence
        The same in plain words.
    uncertainty_mm
        How far off a point of the anatomy may be, in mm: the root mean square of the map below
        over the anatomy, or of what was measured there; None when not measured.
    numbers
        What the verdict rests on, by name.
    uncertainty_form
        (4, 4) symmetric U: at the fixed LPS point p, mm, the uncertainty is
        ``sqrt([p 1] U [p 1]ᵀ)``. None when not measured.
    """

    model_config = ConfigDict(allow_inf_nan=True)

    verdict: Verdict
    sentence: str
    uncertainty_mm: float | None = None
    numbers: Mapping[str, float] = Field(default_factory=dict)
    uncertainty_form: Form | None = None

    @property
    def rank(self) -> int:
        """0, 1 or 2 for PASS, CHECK and FAIL."""
        return RANK[self.verdict]

    def uncertainty_at(self, points: ArrayLike) -> NDArray[np.float64]:
        """Say how far off the alignment may be at fixed points (..., 3), LPS mm.

        Returns
        -------
        (...) mm: the error is smaller at nine points of ten. NaN when it was not measured.
        """
        points = np.asarray(points, float)
        if self.uncertainty_form is None:
            return np.full(points.shape[:-1], np.nan)
        p = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)
        square = np.einsum("...i,ij,...j->...", p, np.array(self.uncertainty_form), p)
        mm: NDArray[np.float64] = np.sqrt(np.maximum(square, 0))
        return mm

    def seen_through(self, matrix: NDArray[np.float64]) -> Quality:
        """Give the uncertainty by points that a (4, 4) map sends to this quality's points."""
        if self.uncertainty_form is None:
            return self
        return self.model_copy(
            update={"uncertainty_form": as_form(matrix.T @ self.uncertainty_form @ matrix)}
        )


def as_form(matrix: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Give a (4, 4) matrix, made symmetric, as a quality keeps it."""
    return tuple(tuple(row) for row in ((matrix + matrix.T) / 2).tolist())


UNMEASURED = Quality(
    verdict="CHECK", sentence="Not measured: this alignment was given, not found. Check it by eye."
)
"""The quality of an alignment that nobody compared with the volumes."""
