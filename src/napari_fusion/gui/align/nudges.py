"""The keys that move a picture by hand, and how far each does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

COARSE, FINE = 1.0, 0.1
"""A nudge, in mm and in degrees, alone and with Shift."""

ARROWS = {"Left": (-1, 0, "←"), "Right": (1, 0, "→"), "Up": (0, -1, "↑"), "Down": (0, 1, "↓")}
"""Right and down on the screen, and how the key is written."""


@dataclass(frozen=True)
class Nudge:
    """What one key does to the picture in hand.

    Parameters
    ----------
    key
        As napari names it: "Alt-Shift-Left".
    held, sign
        As on the key card: what is held, and the arrow.
    right_mm, down_mm, degrees
        How far it moves on the screen, and turns clockwise.
    """

    key: str
    held: str
    sign: str
    right_mm: float = 0.0
    down_mm: float = 0.0
    degrees: float = 0.0

    @property
    def words(self) -> str:
        """Say what it does."""
        if self.degrees:
            return f"moving by hand: turn by {abs(self.degrees):g}°"
        return f"moving by hand: {abs(self.right_mm + self.down_mm):g} mm"


def _nudges() -> Iterator[Nudge]:
    for size, held in ((COARSE, ""), (FINE, "Shift")):
        keys = {arrow: f"{held}-{arrow}".lstrip("-") for arrow in ARROWS}
        for arrow, (right, down, sign) in ARROWS.items():
            yield Nudge(keys[arrow], held, sign, right * size, down * size)
        for arrow, (right, _, sign) in ARROWS.items():
            if right:
                both = f"Alt+{held}".rstrip("+")
                yield Nudge(f"Alt-{keys[arrow]}", both, sign, degrees=right * size)


NUDGES = tuple(_nudges())
"""Every key, in the order of the card."""


def nudge_rows() -> list[tuple[str, str]]:
    """Give the rows of the key card: keys that do the same in one."""
    rows: dict[tuple[str, str], list[str]] = {}
    for one in NUDGES:
        rows.setdefault((one.held, one.words), []).append(one.sign)
    return [
        (f"{held}+{' '.join(signs)}".lstrip("+"), words) for (held, words), signs in rows.items()
    ]
