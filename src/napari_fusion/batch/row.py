"""What became of a case, and the table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from napari_fusion.io.atomic import write_table
from napari_fusion.registration.quality import RANK

Status = Literal["done", "kept", "failed"]
FAILED: Status = "failed"


@dataclass(frozen=True)
class Row:
    """One line of the result.

    Parameters
    ----------
    case
        Its name.
    status
        "done" now, "kept" from an earlier run of the same request, or "failed".
    verdict, uncertainty_mm
        The worst of its registrations; None when it failed.
    sentence
        The state of its registrations, or why it failed.
    warnings
        What a reader of its pictures has to know.
    seconds
        Seconds it took; None when it failed.
    metrics
        Measures of fusion quality by name; None for one that could not be computed.
    """

    case: str
    status: Status
    sentence: str
    verdict: str | None = None
    uncertainty_mm: float | None = None
    warnings: tuple[str, ...] = ()
    seconds: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, case: str, told: Mapping[str, Any]) -> Row:
        """Read what ``napari-fusion run --json`` says of a case."""
        doubts = [mm for mm in told["uncertainty_mm"] if mm is not None]
        return cls(
            case,
            "done",
            told["state"],
            verdict=max(told["verdicts"], key=RANK.__getitem__),
            uncertainty_mm=max(doubts, default=None),
            warnings=tuple(told["warnings"]),
            seconds=round(sum(told["seconds"].values()), 3),
            metrics=told["metrics"],
        )

    def to_json(self) -> dict[str, Any]:
        """Give the line as JSON values, metrics as columns of their own."""
        return {
            "case": self.case,
            "status": self.status,
            "verdict": self.verdict,
            "uncertainty_mm": self.uncertainty_mm,
            "seconds": self.seconds,
            "sentence": self.sentence,
            "warnings": "; ".join(self.warnings),
            **self.metrics,
        }


def write_rows(rows: Sequence[Row], path: Path, metrics: Sequence[str]) -> None:
    """Write the lines as CSV, the file whole or as it was.

    Raises
    ------
    WriteError
        It could not be written.
    """
    columns = [*Row("", "done", "").to_json(), *metrics]
    write_table(path, columns, [row.to_json() for row in rows])
