"""What the user chose to align and fuse: the one description the steps of the workspace share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """The names of the chosen layers, and whether they may show different patients.

    Parameters
    ----------
    fixed, moving
        Names of layers; empty while nothing is chosen.
    third
        A further source for *Fuse*; empty for none.
    different_patients
        Whether layers of different patients are allowed.
    """

    fixed: str = ""
    moving: str = ""
    third: str = ""
    different_patients: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The sources to fuse, the fixed one first."""
        return (self.fixed, self.moving, *([self.third] if self.third else []))
