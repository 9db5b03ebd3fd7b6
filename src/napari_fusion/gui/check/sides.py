"""Files that do not say which side of the patient is left: no letters, and no silent fusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_fusion.errors import ParameterError

if TYPE_CHECKING:
    from napari_fusion.gui.check.gate import Source

SIDES_UNKNOWN = (
    "The file does not say which side is the patient's left: left and right may be swapped."
)


def check_sides(sources: Sequence[Source], *, unknown_sides: bool) -> None:
    """Refuse volumes whose sides are unknown unless the user allowed it.

    Raises
    ------
    ParameterError
        The file of a source does not say which side is left.
    """
    names = [source.name for source in sources if source.volume.sides_unknown]
    if names and not unknown_sides:
        raise ParameterError(
            f"which side of {' and '.join(map(repr, names))} is left is not known: compare it with "
            "the patient or another volume, then allow it (unknown_sides=True)"
        )
