"""Where the sources of a session lie by now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_fusion.errors import FusionError, Progress, ReadError
from napari_fusion.gui.session.document import FromFile, Session
from napari_fusion.volume import Volume


def places_of(session: Session, folder: Path) -> dict[int, list[Path]]:
    """Find where every file may lie, by the place of its layer, the likeliest first.

    Parameters
    ----------
    session
        What the file says.
    folder
        Where it lies.

    Raises
    ------
    ReadError
        Files are at none of these places; all of them are named.
    """
    found, missing = {}, []
    for place, kept in enumerate(session.layers):
        if isinstance(kept.source, FromFile):
            found[place] = [one for one in _candidates(kept.source, folder) if one.exists()]
            if not found[place]:
                missing.append(f"{kept.look['name']} ({Path(kept.source.path).name})")
    if missing:
        raise ReadError(
            f"the files of {' and '.join(missing)} are not where they were: put them back, or "
            "beside the session file, and open it again"
        )
    return found


def _candidates(source: FromFile, folder: Path) -> list[Path]:
    """Give the old place, and those beside the session: with the most folders in common first.

    Of two that were copied with their folders, "one/CT" and "two/CT", each finds its own.
    """
    path = Path(source.path)
    parts = path.parts[1:] if path.is_absolute() else path.parts
    beside = [folder / source.beside] if source.beside else []
    tails = [folder.joinpath(*parts[n:]) for n in range(len(parts))]
    return list(dict.fromkeys([path, *beside, *tails]))


def loaded(source: FromFile, places: Sequence[Path], progress: Progress) -> tuple[Volume, Path]:
    """Load a source from the first place that holds what it held, and give that place.

    Where none does, what the first place holds is given; its hash tells.

    Raises
    ------
    FusionError
        No place holds anything that can be read.
    """
    other: tuple[Volume, Path] | None = None
    refused: FusionError | None = None
    for path in places:
        try:
            volume = _load(source, path, progress)
        except FusionError as error:  # a namesake, perhaps
            refused = refused or error
            continue
        if is_as_it_was(volume, source):
            return volume, path
        other = other or (volume, path)
    if other is None:
        raise refused or ReadError(f"{source.path} is not where it was: put it back")
    return other


def is_as_it_was(volume: Volume, source: FromFile) -> bool:
    """Whether a volume was read from the very files that a session was saved with."""
    return volume.history[0].parameters.get("sha256") == source.sha256


def _load(source: FromFile, path: Path, progress: Progress) -> Volume:
    from napari_fusion.io.isolated import load

    return load(
        path,
        series=source.series,
        frame=source.time_point,
        progress=lambda fraction, words: progress(0.0, words),
    )
