"""Windows on the command line: a preset's name, LOW:HIGH, or auto, one per volume."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from napari_fusion.errors import ParameterError
from napari_fusion.slab import Window

HELP = (
    "Values shown from black to white, one per volume: low:high such as -150:1200, a preset such "
    "as bone, brain, lung, suv 10, or auto for what its modality asks for."
)


def windows(asked: Sequence[str] | None, count: int) -> list[Window | None] | None:
    """Read one window per volume, separated by commas or given one by one; None for auto.

    Raises
    ------
    ParameterError
        Not one per volume, an unknown name, or a window without width.
    """
    if not asked:
        return None
    words = [word.strip() for text in asked for word in text.split(",")]
    if len(words) != count:
        raise ParameterError(
            f"there are {count} volumes and {len(words)} windows: give one for each, "
            "or auto where the modality's own is meant"
        )
    return [None if word.lower() == "auto" else _window(word) for word in words]


def _window(word: str) -> Window:
    try:
        return Window.model_validate(word)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ParameterError(f"the window {word!r} is none: {said}") from error
