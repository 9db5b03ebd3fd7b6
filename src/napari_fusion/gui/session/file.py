"""Session files: save what is open, and open it again."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from napari_fusion.errors import ParameterError, Progress, ReadError, WriteError
from napari_fusion.gui.session.document import VERSION, FromArray, FromLayers, Session
from napari_fusion.gui.session.keep import Contents, described
from napari_fusion.gui.session.looks import look_at, missing_of
from napari_fusion.gui.session.restore import Remade, remade
from napari_fusion.registration import Alignment
from napari_fusion.registration.files import load
from napari_fusion.volume import JSON

SUFFIX = ".fusion"
LARGEST = 4 * 2**30
"""Bytes that a session file may unpack to."""


def save_session(
    viewer: Any, path: str | PathLike[str], *, workspace: Mapping[str, JSON] | None = None
) -> Path:
    """Keep what is open: where it came from, how it was made, how it is looked at.

    Volumes that were read are kept as paths and hashes, alignments as numbers, fusions as what was
    asked; only values that nothing can make again (painted, edited, another plugin's) are stored.
    The file holds paths of this computer, and no patient's name.

    Parameters
    ----------
    viewer
        The napari viewer.
    path
        Ends in ``.fusion``; an older file is replaced when the new one is whole.
    workspace
        What the workspace is set to.

    Raises
    ------
    ParameterError
        Another ending, or nothing is open.
    WriteError
        The file could not be written or did not read back the same.
    """
    from napari.utils.notifications import show_warning

    from napari_fusion.io.atomic import write_verified

    target = Path(path)
    if target.suffix != SUFFIX:
        raise ParameterError(f"a session is saved as {SUFFIX}, not {target.suffix!r}")
    if not len(viewer.layers):
        raise ParameterError("nothing is open: there is no session to save")
    contents = described(viewer, target.parent, dict(workspace or {}))

    def verify(place: Path) -> None:
        if _read(place).session != contents.session:
            raise WriteError(f"{target.name} did not read back as it was written")

    written = write_verified(target, lambda place: _write(contents, place), verify)
    if contents.left_out:
        show_warning(
            f"The session was saved without {', '.join(contents.left_out)}: how these were made "
            "is not known, or what they were made of is closed."
        )
    return written


def open_session(
    viewer: Any, path: str | PathLike[str], *, replace: bool = False
) -> dict[str, JSON]:
    """Open a session: read, align and fuse as it says, and look at it as it was.

    Nothing on screen changes before everything was made again.

    Parameters
    ----------
    viewer
        The napari viewer.
    path
        A file that `save_session` wrote.
    replace
        Close what is open.

    Returns
    -------
    dict
        What the workspace was set to.

    Raises
    ------
    ParameterError
        Layers are open, and `replace` is not set.
    ReadError
        Not a session, a damaged one, or its sources are missing or changed; they are named.
    """
    from napari_fusion.gui.open.opening import patiently

    if len(viewer.layers) and not replace:
        raise ParameterError("layers are open: close them first, or pass replace=True")
    ready = patiently(lambda tell: read_session(path, tell), "Opening the session …")
    return show_session(viewer, ready)


@dataclass(frozen=True)
class Ready:
    """A session whose layers were made again, in no viewer yet.

    Parameters
    ----------
    session
        What the file says.
    made
        Its layers, and what is not as it was.
    """

    session: Session
    made: Remade


def read_session(path: str | PathLike[str], progress: Progress) -> Ready:
    """Read a session and make its layers again; needs no viewer and touches none.

    Raises
    ------
    ReadError
        Not a session, a damaged one, or its sources are missing or changed; they are named.
    """
    source = Path(path)
    contents = _read(source)
    return Ready(contents.session, remade(contents, source.parent, progress))


def show_session(viewer: Any, ready: Ready) -> dict[str, JSON]:
    """Close what is open, show a session, and give what the workspace was set to."""
    from napari.utils.notifications import show_warning

    from napari_fusion.gui.views.letters import show_letters

    viewer.layers.clear()
    show_letters(viewer)
    for layer in ready.made.layers:
        viewer.add_layer(layer)
    look_at(viewer, ready.session.view)
    for warning in ready.made.warnings:
        show_warning(f"{warning}.")
    return dict(ready.session.workspace)


def _write(contents: Contents, place: Path) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("session.json", contents.session.model_dump_json(indent=1))
        for name, alignment in contents.alignments.items():
            with tempfile.TemporaryDirectory() as folder:
                alignment.save(Path(folder) / "one.tfm")
                file.write(Path(folder) / "one.tfm", name)
        for name, array in contents.arrays.items():
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=False)
            file.writestr(name, stream.getvalue())


def _read(path: Path) -> Contents:
    """Read a session file; nothing in it is ever run."""
    try:
        with zipfile.ZipFile(path) as file:
            if sum(entry.file_size for entry in file.infolist()) > LARGEST:
                raise ReadError(f"{path.name} unpacks to more than {LARGEST >> 30} GiB: refused")
            written = file.read("session.json")
            _check_version(path.name, written)
            session = Session.model_validate_json(written)
            names = file.namelist()
            alignments = {
                n: _alignment(n, file.read(n)) for n in names if n.startswith("alignments/")
            }
            arrays = {
                n: np.load(io.BytesIO(file.read(n)), allow_pickle=False)
                for n in names
                if n.startswith("arrays/")
            }
    except OSError as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"{path.name} cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, KeyError, ValueError, ValidationError) as error:
        raise ReadError(f"{path.name} is not a session, or it is damaged") from error
    contents = Contents(session, alignments, arrays)
    _check_complete(path.name, contents)
    return contents


def _check_complete(name: str, contents: Contents) -> None:
    """Refuse a session that lacks a member it names, or how a layer looked."""
    sources = [kept.source for kept in contents.session.layers]
    arrays = {one.array for one in sources if isinstance(one, FromArray)}
    drawn = [one for one in sources if isinstance(one, FromLayers) and one.verb == "align"]
    missing = arrays - contents.arrays.keys()
    missing |= {one.alignment for one in drawn} - contents.alignments.keys()
    if missing:
        raise ReadError(f"{name} is damaged: it lacks {', '.join(map(repr, sorted(missing)))}")
    for number, kept in enumerate(contents.session.layers, 1):
        lost = missing_of(kept.look)
        if lost:
            told = ", ".join(map(repr, lost))
            raise ReadError(f"{name} is damaged: the look of its layer {number} lacks {told}")


def _check_version(name: str, written: bytes) -> None:
    """Refuse a session of another version by its number, before its contents are judged."""
    told = json.loads(written)
    version = told.get("version", VERSION) if isinstance(told, dict) else VERSION
    if version != VERSION:
        raise ReadError(
            f"{name} is a session of version {version!r}, this napari-fusion reads version "
            f"{VERSION}: open it with the napari-fusion that wrote it"
        )


def _alignment(name: str, written: bytes) -> Alignment:
    """Read an alignment in a process of its own, as every file is that somebody may have sent."""
    from napari_fusion.io.isolated import call

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / Path(name).name
        place.write_bytes(written)
        return call(load, place, spoils=True)
