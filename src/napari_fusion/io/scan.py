"""List what a folder, zip or file holds, from headers alone."""

from __future__ import annotations

import os
from pathlib import Path

from napari_fusion.errors import FusionError, Progress, ReadError
from napari_fusion.io import files, judging, nifti
from napari_fusion.io import header as headers
from napari_fusion.io.header import Header
from napari_fusion.io.plain import plainly
from napari_fusion.io.series import Found, Series
from napari_fusion.io.source import Source
from napari_fusion.io.workspace import workspace

SUFFIXES = (*nifti.SUFFIXES, *files.SUFFIXES)
_ORDER = {"green": 0, "amber": 1, "red": 2}


def scan(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Found:
    """List the volumes in a folder, a zip or a file, reading headers only.

    Parameters
    ----------
    path
        A folder (searched to its depths), a zip, a DICOMDIR (its folder is searched) or a file.
    progress
        Told how far it is; raises `Cancelled` to stop.

    Returns
    -------
    Found
        A list of `Series`, those that can be loaded first; its ``ignored`` counts the files that
        are no image: reports, contours, thumbnails and the like.

    Raises
    ------
    ReadError
        Nothing is there, or it may not be read.

    Examples
    --------
    >>> import tempfile
    >>> scan(tempfile.mkdtemp())
    []
    """
    target = Path(path)
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
    for number, path in enumerate(paths):
        if number % 10 == 0:
            progress(number / len(paths), f"{number} of {len(paths)} files")
        suffix = suffix_of(path)
        if suffix and not source.packed and _has_header(path):
            continue
        if suffix and not source.packed:
            found.append(_single(path, source))
            continue
        try:
            with plainly(path.name, "DICOM"):
                header = headers.read(source, path)
        except ReadError:
            damaged += 1
            continue
        if header is not None and judging.is_cut_short(header):
            damaged += 1
        elif header is None or not judging.is_image(header):
            ignored += 1
        else:
            images.append(header)
    found += [judging.beside(damaged, s) for s in judging.series_of(images, source)]
    found.sort(key=lambda s: (_ORDER[s.light], s.attenuation_corrected is False))
    progress(1.0, f"{len(found)} volumes")
    return Found(found, ignored, damaged)


def suffix_of(path: Path) -> str | None:
    """Give the suffix of a volume in one file, None for any other."""
    name = path.name.lower()
    return max((s for s in SUFFIXES if name.endswith(s)), key=len, default=None)


def _has_header(path: Path) -> bool:
    """Whether this is the second file of a pair, listed by its first."""
    if not path.name.lower().endswith((".img", ".img.gz")):
        return False
    stem = nifti.stem(path)
    return any((path.parent / f"{stem}{end}").exists() for end in (".hdr", ".hdr.gz"))


def _single(path: Path, source: Source) -> Series:
    """Describe a NIfTI, MetaImage or NRRD file by its header."""
    uid = path.name if path == source.path else str(path.relative_to(source.path))
    try:
        kind = nifti if suffix_of(path) in nifti.SUFFIXES else files
        about = kind.describe(path)
    except FusionError as fault:
        return Series(
            uid, "OTHER", "", "", 0, (0, 0, 0), None, "red", str(fault), (path,), source=path
        )
    return Series(
        uid,
        about.modality,
        "",
        "",
        about.shape[0],
        about.shape,
        about.spacing,
        "amber" if about.reason else "green",
        about.reason,
        (path,),
        unit=about.unit,
        frames=about.frames,
        source=path,
    )
