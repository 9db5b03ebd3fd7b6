"""How far an alignment may be trusted, in one word, one sentence and a few numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["PASS", "CHECK", "FAIL"]

RANK: Mapping[str, int] = {"PASS": 0, "CHECK": 1, "FAIL": 2}
"""From trusted to wrong: what may be accepted is compared by it."""


class Quality(BaseModel):
    """What the gate says about an alignment.

    Parameters
    ----------
    verdict
        "PASS": the volumes agree here and nowhere near. "CHECK": look before use. "FAIL": wrong
        or not measurable; do not fuse.
    sentence
        The same in plain words.
    uncertainty_mm
        How far repeated registrations spread inside the anatomy, in mm; None when not measured.
    numbers
        What the verdict rests on, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    sentence: str
    uncertainty_mm: float | None = None
    numbers: Mapping[str, float] = Field(default_factory=dict)

    @property
    def rank(self) -> int:
        """0, 1 or 2 for PASS, CHECK and FAIL."""
        return RANK[self.verdict]


UNMEASURED = Quality(
    verdict="CHECK", sentence="Not measured: this alignment was given, not found. Check it by eye."
)
"""The quality of an alignment that nobody compared with the volumes."""


def chained(first: Quality, second: Quality) -> Quality:
    """Judge two alignments in a row: the worse verdict, and both uncertainties."""
    worst = max(first, second, key=lambda quality: quality.rank)
    spreads = [q.uncertainty_mm for q in (first, second)]
    known = [s for s in spreads if s is not None]
    total = math.hypot(*known) if len(known) == 2 else None
    return Quality(verdict=worst.verdict, sentence=worst.sentence, uncertainty_mm=total)
