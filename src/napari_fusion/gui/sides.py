"""Files that do not say which side of the patient is left: no letters, and no silent fusion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ParameterError
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from napari_fusion.gui.gate import Source

SIDES_UNKNOWN = (
    "The file does not say which side is the patient's left: left and right may be swapped."
)


def sides_unknown(volume: Volume) -> bool:
    """Whether a volume, or a source of a fused one, came from a file without orientation."""
    return _unknown(step.to_json() for step in volume.history)


def check_sides(sources: Sequence[Source], *, unknown_sides: bool) -> None:
    """Refuse volumes whose sides are unknown unless the user allowed it.

    Raises
    ------
    ParameterError
        The file of a source does not say which side is left.
    """
    names = [source.name for source in sources if sides_unknown(source.volume)]
    if names and not unknown_sides:
        raise ParameterError(
            f"which side of {' and '.join(map(repr, names))} is left is not known: compare it with "
            "the patient or another volume, then allow it (unknown_sides=True)"
        )


def _unknown(steps: Iterable[Any]) -> bool:
    for step in steps:
        parameters = step["parameters"]
        if parameters.get("orientation") == "unknown":
            return True
        inner = parameters.get("history")
        if step["name"] == "source" and isinstance(inner, list) and _unknown(inner):
            return True
    return False
