"""Windows on the command line: a preset's name, LOW:HIGH, or auto, one per volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_fusion.checked import checked
from napari_fusion.errors import ParameterError
from napari_fusion.slab import PRESETS, Window, meant_for, spoken
from napari_fusion.volume import Volume

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
    words = words_of(asked)
    if len(words) != count:
        raise ParameterError(
            f"there are {count} volumes and {len(words)} windows: give one for each, "
            "or auto where the modality's own is meant"
        )
    return [_window(word) for word in words]


def check_words(asked: Sequence[str] | None) -> None:
    """Refuse what is no window, before it is known how many volumes there are.

    Raises
    ------
    ParameterError
        An unknown name, or a window without width.
    """
    for word in words_of(asked):
        _window(word)


def words_of(asked: Sequence[str] | None) -> list[str]:
    """Give the windows asked for, separated by commas or given one by one, as words."""
    return [word.strip() for text in asked or () for word in text.split(",")]


def _window(word: str) -> Window | None:
    return None if word.lower() == "auto" else checked(Window, word, f"the window {word!r}")


def check_volumes(paths: Sequence[Path]) -> None:
    """Refuse windows where volumes belong, which ``--window`` in place of ``--windows`` makes them.

    Raises
    ------
    ParameterError
        A path is none, and a window.
    """
    for path in paths:
        low, _, high = str(path).partition(":")
        if (spoken(str(path)) in PRESETS or (_number(low) and _number(high))) and not path.exists():
            raise ParameterError(
                f"{path} is no volume: windows come after --windows, one per volume (--window, "
                "which takes no value, is for a picture of napari)"
            )


def _number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def check_presets(asked: Sequence[str] | None, volumes: Sequence[Volume]) -> None:
    """Hold named windows against what the volumes are.

    Raises
    ------
    ParameterError
        A window in HU is asked of what is no CT, or one in SUV of what is not in g/mL.
    """
    for number, (word, volume) in enumerate(zip(words_of(asked), volumes, strict=False), start=1):
        wanted = meant_for(word, volume.modality, volume.unit)
        if wanted:
            hint = ", or make SUV of it first" if volume.modality == "PT" else ""
            raise ParameterError(
                f"the window {word!r} is for {wanted}, and volume {number} is {volume.modality} in "
                f"{volume.unit}: give low:high, or auto{hint}"
            )
