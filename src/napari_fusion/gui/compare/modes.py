"""The ways to compare two layers, and what can be asked of each."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field

from napari_fusion.checked import Settings
from napari_fusion.errors import ParameterError
from napari_fusion.review.compose import Direction


class Mode(Enum):
    """What is shown of two layers A and B; `FUSED` is the view as it is without comparing."""

    FUSED = "fused"
    A = "A"
    B = "B"
    SWIPE = "swipe"
    CHECKERBOARD = "checkerboard"
    EDGES = "edges"
    BLEND = "blend"
    COLOURS = "two colours"
    DIFFERENCE = "difference"
    FLICKER = "flicker"
    ROCK = "rock"
    SIDES = "side by side"

    @property
    def after(self) -> Mode:
        """The next one for the Space key; those that are not in its round lead to the first."""
        place = CYCLE.index(self) + 1 if self in CYCLE else 0
        return CYCLE[place % len(CYCLE)]

    @property
    def moves(self) -> bool:
        """Whether the picture changes by itself."""
        return self in {Mode.FLICKER, Mode.ROCK}


CYCLE = (Mode.FUSED, Mode.A, Mode.B, Mode.SWIPE, Mode.CHECKERBOARD, Mode.EDGES)
"""The round of the Space key."""

Share = Annotated[float, Field(ge=0, le=1)]
Millimetres = Annotated[float, Field(gt=0, le=500)]


class CompareOptions(Settings):
    """How two layers are compared, as plain JSON values; each mode takes the ones it needs.

    Parameters
    ----------
    share
        Of "blend": 0 is A, 1 is B.
    position, direction
        Of "swipe": part of the picture that is A, and where A lies, "left-right" or "top-bottom".
    size_mm
        Of "checkerboard": side of a square.
    width_mm
        Of "edges": width of a line.
    rate_hz
        Of "flicker" and "rock": how often A comes back in a second.
    """

    share: Share = 0.5
    position: Share = 0.5
    direction: Direction = "left-right"
    size_mm: Millimetres = 20.0
    width_mm: Millimetres = 1.0
    rate_hz: Annotated[float, Field(gt=0, le=5)] = 1.0


OPTIONS: dict[Mode, tuple[str, ...]] = {
    Mode.BLEND: ("share",),
    Mode.SWIPE: ("position", "direction"),
    Mode.CHECKERBOARD: ("size_mm",),
    Mode.EDGES: ("width_mm",),
    Mode.FLICKER: ("rate_hz",),
    Mode.ROCK: ("rate_hz",),
}
"""The options each mode looks at."""


def mode_of(name: str | Mode) -> Mode:
    """Find a mode by its name.

    Raises
    ------
    ParameterError
        There is no such mode.
    """
    try:
        return Mode(name)
    except ValueError as error:
        names = ", ".join(repr(mode.value) for mode in Mode)
        raise ParameterError(f"there is no mode {name!r}; there are: {names}") from error
