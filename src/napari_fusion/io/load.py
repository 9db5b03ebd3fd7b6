"""Open whatever the user points at, or say in one sentence why not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_fusion.errors import ReadError, between
from napari_fusion.grid import Grid
from napari_fusion.io import dicom, files, nifti
from napari_fusion.io.plain import place_of, plainly
from napari_fusion.io.scan import holds_volume, scan_source, suffix_of
from napari_fusion.io.series import Found, Series
from napari_fusion.io.source import Source
from napari_fusion.io.voxels import LISTED
from napari_fusion.io.workspace import workspace
from napari_fusion.volume import Volume

KINDS = "a DICOM file, folder or zip, or a .nii, .nii.gz, .hdr, .mha, .mhd, .nrrd or .nhdr file"


def load(
    path: str | os.PathLike[str] | Series, *, series: str | None = None, frame: int | None = None
) -> Volume:
    """Load one volume as float32, axes in the order S, P, L, repaired with a record or refused.

    Parameters
    ----------
    path
        A DICOM folder, zip or multi-frame file; a NIfTI, MetaImage or NRRD file; or a `Series`
        that `scan` found.
    series
        Which volume, by the ``uid`` that `scan` gives, where there are several.
    frame
        Which time point, from 0, of a volume that has several.

    Returns
    -------
    Volume
        Array (S, P, L) with its grid in LPS mm. Its first step of history names the format, the
        SHA-256 of the files and, as warnings, everything that was repaired or is in doubt.

    Raises
    ------
    ParameterError
        `path` is no path.
    ReadError
        Nothing there, not an image, damaged, or a choice has to be made; the message lists it.
    GeometryError
        Sheared axes or missing slices; `rectified` resamples them if you wish.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from napari_fusion import Grid, Volume, save
    >>> volume = Volume(np.ones((2, 3, 4), np.float32), Grid.regular((2, 3, 4)))
    >>> load(save(volume, Path(tempfile.mkdtemp()) / "ones.nii.gz"))
    <Volume OTHER [1] 2 × 3 × 4 voxels of 1 × 1 × 1 mm, axes to SPL>
    """
    meant = pointed_at(path, series)
    with opened(meant) as place:
        if isinstance(place, Path):
            return load_file(place, frame)
        return dicom.read(*place, frame)


def pointed_at(
    path: str | os.PathLike[str] | Series, series: str | None, *, gaps: bool = False
) -> Path | Series:
    """Give the file that holds one volume, or the one series meant, or say which there are.

    Parameters
    ----------
    path, series
        As for `load`.
    gaps
        Whether a series with missing slices may be meant.

    Raises
    ------
    ReadError
        Nothing there, none, several, or not the one asked for.
    """
    if isinstance(path, Series):
        return path
    target = place_of(path).absolute()  # "." has no name to tell it by
    if not target.exists():
        raise ReadError(f"{target.name or target} does not exist")
    if target.is_file() and suffix_of(target):
        if series not in (None, target.name):
            raise ReadError(f"{target.name} holds one volume and no series to choose from")
        return target
    if target.name.upper() == "DICOMDIR" and target.is_file():
        target = target.parent
    with plainly(target.name, KINDS), Source(target) as source:
        found = scan_source(source, between(workspace().tell, 0.0, LISTED))
        return _chosen(found, series, source.path, gaps=gaps)


@contextmanager
def opened(meant: Path | Series) -> Iterator[Path | tuple[Series, Source]]:
    """Give the file of one volume on the disk, or a DICOM series and what its frames lie in."""
    if isinstance(meant, Path):
        yield meant
        return
    with plainly(meant.source.name, KINDS), Source(meant.source) as source:
        if meant.stack is None and holds_volume(meant.files[0], source):
            with source.on_disk(meant.files[0]) as file:
                yield file
        else:
            yield meant, source


def load_file(path: Path, frame: int | None, grid: Grid | None = None) -> Volume:
    """Load a NIfTI, MetaImage or NRRD file; another `grid` replaces the file's own."""
    nibabel_reads = suffix_of(path) in nifti.SUFFIXES
    return nifti.read(path, frame, grid) if nibabel_reads else files.read(path, frame, grid)


def _chosen(found: Found, uid: str | None, target: Path, *, gaps: bool) -> Series:
    """Give the one volume meant, or say which there are."""
    if uid is not None:
        named = [s for s in found if s.uid == uid]
        if not named:
            raise ReadError(f"{target.name} holds no series {uid}{_listing(found)}")
        return named[0]
    if not found:
        kind = "no image" if target.is_dir() or target.suffix.lower() == ".zip" else "not an image"
        if found.damaged:
            raise ReadError(
                f"{target.name} is DICOM with a damaged header, copy or export it again"
            )
        count = f" among its {found.ignored} files" if found.ignored > 1 else ""
        if kind == "not an image":
            raise ReadError(f"{target.name} is not an image: expected {KINDS}")
        raise ReadError(f"{target.name} holds no image{count}: expected {KINDS}")
    usable = [s for s in found if s.light != "red" or (gaps and s.gap)]
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise ReadError(
            f"{target.name} holds {len(usable)} volumes, choose one with series=… "
            f"(--series){_listing(usable)}"
        )
    return found[0]


def _listing(found: list[Series]) -> str:
    """List series in one line."""
    shown = [s.describe() for s in found[:20]]
    more = [f"and {len(found) - 20} more"] if len(found) > 20 else []
    return ": " + "; ".join([*shown, *more]) if shown else ""
