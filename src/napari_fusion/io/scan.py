"""List what a folder, zip or file holds, from headers alone."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from napari_fusion.errors import Cancelled, FusionError, Progress, ReadError, between
from napari_fusion.io import files, judging, nifti
from napari_fusion.io import header as headers
from napari_fusion.io.budget import memory_doubt
from napari_fusion.io.header import Header
from napari_fusion.io.plain import place_of, plainly
from napari_fusion.io.series import Found, Series, time_doubt
from napari_fusion.io.source import Source
from napari_fusion.io.workspace import workspace

SUFFIXES = (*nifti.SUFFIXES, *files.SUFFIXES)
WHOLE = (".nii", ".nii.gz", ".mha", ".nrrd")
"""Files that hold header and voxels, and so can be read out of a zip."""

READERS = 4
"""Threads that read headers."""

MANY, BATCH = 64, 16
"""Files from which on threads are worth it, and files a thread reads at a time."""

_ORDER = {"green": 0, "amber": 1, "red": 2}


def scan(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Found:
    """List the volumes in a folder, a zip or a file, reading headers only.

    Parameters
    ----------
    path
        A folder (searched to its depths, with the zips in it), a zip, a DICOMDIR (its folder is
        searched) or a file.
    progress
        Told how far it is; raises `Cancelled` to stop.

    Returns
    -------
    Found
        A list of `Series`, those that can be loaded first; its ``ignored`` counts the files that
        are no image: reports, contours, thumbnails and the like.

    Raises
    ------
    ParameterError
        `path` is no path.
    ReadError
        Nothing is there, or it may not be read.

    Examples
    --------
    >>> import tempfile
    >>> scan(tempfile.mkdtemp())
    []
    """
    target = place_of(path).absolute()
    if target.name.upper() == "DICOMDIR" and target.is_file():
        target = target.parent
    with plainly(target.name, "a folder or file"), Source(target) as source:
        return scan_source(source, progress or workspace().tell)


def scan_source(source: Source, progress: Progress) -> Found:
    """List the volumes of an open source."""
    paths = source.files()
    found: list[Series] = []
    images: list[Header] = []
    ignored = damaged = 0
    loose = [path for path in paths if not _is_zip(path, source) and not suffix_of(path)]
    alone = sorted({*paths} - {*loose})
    total = len(paths)
    for number, path in enumerate(alone):
        progress(number / total, f"{number} of {total} files")
        if _is_zip(path, source):
            within = _zipped(path, between(progress, number / total, (number + 1) / total))
            found += within
            ignored, damaged = ignored + within.ignored, damaged + within.damaged
        else:
            found += _single(path, source)
    for number, header in enumerate(_headers(loose, source), start=len(alone)):
        if number % 10 == 0:
            progress(number / total, f"{number} of {total} files")
        if isinstance(header, ReadError):
            damaged += 1
        elif header is None:
            ignored += 1
        else:
            images.append(header)
    found += [judging.beside(damaged, s) for s in judging.series_of(images, source)]
    found = _told_apart(found)
    found.sort(key=lambda s: (_ORDER[s.light], s.attenuation_corrected is False))
    progress(1.0, f"{len(found)} volumes")
    return Found(found, ignored, damaged)


def _is_zip(path: Path, source: Source) -> bool:
    """Whether a file is a zip to look into; one within a zip is not."""
    return path.suffix.lower() == ".zip" and not source.packed


def suffix_of(path: Path) -> str | None:
    """Give the suffix of a volume in one file, None for any other."""
    name = path.name.lower()
    return max((s for s in SUFFIXES if name.endswith(s)), key=len, default=None)


def holds_volume(path: Path, source: Source) -> bool:
    """Whether a file is of a kind that holds a volume of its own; in a zip, header and voxels."""
    return path.name.lower().endswith(WHOLE if source.packed else SUFFIXES)


def _headers(paths: list[Path], source: Source) -> Iterator[Header | ReadError | None]:
    """Read headers in the order of their paths; several files are open at once, members are not.

    A folder on a server answers many requests in the time of one.
    """
    if source.packed or len(paths) < MANY:
        yield from _looked_at(paths, source)
        return
    parts = [paths[i : i + BATCH] for i in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(READERS) as pool:
        waiting: deque[Future[list[Header | ReadError | None]]] = deque()
        try:
            for part in parts:
                waiting.append(pool.submit(copy_context().run, _looked_at, part, source))
                if len(waiting) > 2 * READERS:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _looked_at(paths: list[Path], source: Source) -> list[Header | ReadError | None]:
    """Read some headers; a damaged one is an answer too."""
    found: list[Header | ReadError | None] = []
    for path in paths:
        try:
            found.append(_image(path, source))
        except ReadError as fault:
            found.append(fault)
    return found


def _image(path: Path, source: Source) -> Header | None:
    """Read a DICOM image's header; None for anything else.

    Raises
    ------
    ReadError
        It is DICOM and damaged.
    """
    with plainly(path.name, "DICOM"):
        header = headers.read(source, path)
    if header is not None and judging.is_cut_short(header):
        raise ReadError(f"{path.name} breaks off before its pixels")
    return header if header is not None and judging.is_image(header) else None


def _zipped(path: Path, progress: Progress) -> Found:
    """List the volumes of a zip that lies in a folder."""
    try:
        with plainly(path.name, "a zip"), Source(path) as within:
            return scan_source(within, progress)
    except Cancelled:
        raise
    except FusionError as fault:
        return Found([_refused(path.name, str(fault), path, path)])


def _told_apart(found: list[Series]) -> list[Series]:
    """Give series of one UID, such as those of a folder and of its zip, names of their own."""
    seen: Counter[str] = Counter()
    apart = []
    for series in found:
        seen[series.uid] += 1
        count = seen[series.uid]
        apart.append(series if count == 1 else replace(series, uid=f"{series.uid}#copy{count}"))
    return apart


def _has_header(path: Path) -> bool:
    """Whether this is the second file of a pair, listed by its first."""
    if not path.name.lower().endswith((".img", ".img.gz")):
        return False
    stem = nifti.stem(path)
    return any((path.parent / f"{stem}{end}").exists() for end in (".hdr", ".hdr.gz"))


def _single(path: Path, source: Source) -> list[Series]:
    """Describe a NIfTI, MetaImage or NRRD file by its header; nothing for the rest of a pair."""
    uid = path.name if path == source.path else str(path.relative_to(source.path))
    origin = source.path if source.packed else path
    if not holds_volume(path, source):
        return [
            _refused(uid, "its voxels lie in a second file: unpack the zip first", path, origin)
        ]
    if _has_header(path):
        return []
    try:
        kind = nifti if suffix_of(path) in nifti.SUFFIXES else files
        with source.on_disk(path) as file:
            about = kind.describe(file)
    except FusionError as fault:
        return [_refused(uid, str(fault), path, origin)]
    doubts = [*filter(None, [about.reason]), *memory_doubt(about.shape)]
    doubts += time_doubt(about.frames)
    return [
        Series(
            uid,
            about.modality,
            "",
            "",
            about.shape[0],
            about.shape,
            about.spacing,
            "amber" if doubts else "green",
            "; ".join(doubts),
            (path,),
            unit=about.unit,
            frames=about.frames,
            source=origin,
        )
    ]


def _refused(uid: str, reason: str, path: Path, origin: Path) -> Series:
    return Series(uid, "OTHER", "", "", 0, (0, 0, 0), None, "red", reason, (path,), source=origin)
