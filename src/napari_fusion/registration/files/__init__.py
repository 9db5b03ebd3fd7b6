"""Alignments in and out: every file in its program's own direction, frame and unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from napari_fusion.errors import ParameterError, ReadError, WriteError
from napari_fusion.grid import Grid
from napari_fusion.io.plain import place_of
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files import dicom, fsl, itk_binary, itk_text, plain
from napari_fusion.registration.files.images import Image, Source, image_of
from napari_fusion.registration.files.written import NOWHERE, Written
from napari_fusion.registration.pair import Pair, doubted, other_voxels, unlike
from napari_fusion.registration.quality import UNMEASURED, Quality

__all__ = ["BENT", "NOWHERE", "WRITTEN", "Source", "check_target", "load", "load_for", "save"]

Writer = Callable[[Alignment, Path, Image, Image], None]
Reader = Callable[[Path, Image, Image], Written]

_WRITERS: Mapping[str, tuple[Writer, Callable[[Path, Alignment, Image, Image], bool]]] = {
    ".tfm": (itk_text.write, itk_text.same),
    ".txt": (itk_text.write, itk_text.same),
    ".h5": (itk_binary.write, itk_binary.same),
    ".hdf5": (itk_binary.write, itk_binary.same),
    ".mat": (fsl.write, fsl.same),
    ".json": (plain.write, plain.same),
    ".dcm": (dicom.write, dicom.same),
}

_NEEDS: Mapping[str, Callable[[Image, Image], object]] = {
    ".mat": fsl.needs,
    ".dcm": dicom.needs,
}
"""What has to be known of the images, asked before anything is written."""

WRITTEN = tuple(_WRITERS)
"""Endings an alignment can be saved under."""

BENT = (".tfm", ".txt", ".h5", ".hdf5")
"""Those that hold alignments that bend space."""

HEAD_BYTES = 4096


def save(
    alignment: Alignment, path: str | PathLike[str], fixed: Source | None, moving: Source | None
) -> None:
    """Write an alignment; see `Alignment.save`."""
    from napari_fusion.io.atomic import write_verified

    target = place_of(path)
    images = check_target(target, fixed, moving, bent=not alignment.linear)
    write, same = _WRITERS[target.suffix.lower()]

    def verify(place: Path) -> None:
        if not same(place, alignment, *images):
            raise WriteError(f"{target.name} did not read back as it was written")

    write_verified(target, lambda place: write(alignment, place, *images), verify)


def check_target(
    path: Path,
    fixed: Source | None = None,
    moving: Source | None = None,
    *,
    bent: bool = False,
) -> tuple[Image, Image]:
    """Say before any long work whether an alignment of these images can be saved there.

    Raises
    ------
    ParameterError
        Another ending, images missing that the format needs, or a `bent` map that it cannot hold.
    WriteError
        The folder is not there or cannot be written to.
    """
    from napari_fusion.io.atomic import check_writable

    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        raise ParameterError(
            f"an alignment is saved as {', '.join(WRITTEN)}, not {path.suffix or path.name!r}"
        )
    if bent and suffix not in BENT:
        raise ParameterError(
            f"{path.name} can hold rigid and affine maps only, and this one bends space: "
            f"save it as {', '.join(BENT)}"
        )
    check_writable(path)
    images = image_of(fixed), image_of(moving)
    if suffix in _NEEDS:
        _NEEDS[suffix](*images)
    return images


def load(
    path: str | PathLike[str], fixed: Source | None = None, moving: Source | None = None
) -> Alignment:
    """Read an alignment; see `Alignment.load`.

    HDF5 is read in a process of its own: of too few numbers in it ITK dies, and nothing else here
    can count them.
    """
    from napari_fusion.io.isolated import call

    target, images = place_of(path), (image_of(fixed), image_of(moving))
    if _reader(target) is not itk_binary.read:
        return load_for(target, *images).alignment
    found = call(load_for, target.absolute(), spoils=True, fixed=images[0], moving=images[1])
    return found.alignment


@dataclass(frozen=True)
class Found:
    """An alignment that was read for two volumes.

    Parameters
    ----------
    alignment
        With the quality that it has for them.
    others
        Those ("fixed", "moving") that lie on another grid than the one it was made for; None
        where the file names none.
    unlike
        Those that hold other voxels than it was judged on.
    """

    alignment: Alignment
    others: list[str] | None
    unlike: list[str]


def load_for(path: str | PathLike[str], fixed: Source | None, moving: Source | None) -> Found:
    """Read an alignment, and say whether it was made for these volumes."""
    target = place_of(path)
    images = image_of(fixed), image_of(moving)
    found = _reader(target)(target, *images)
    grids = images[0].grid or found.fixed or NOWHERE, images[1].grid or found.moving or NOWHERE
    alignment = replace(found.alignment, fixed=grids[0], moving=grids[1])
    silent = found.fixed is None and found.moving is None
    others = None if silent else _others(found, *grids)
    prints = images[0].fingerprints, images[1].fingerprints
    strange = unlike(found.judged_on, prints)
    quality = _trusted(found, alignment, prints)
    pair = None if others or strange or not found.intact else found.judged_on
    return Found(replace(alignment, quality=quality, judged_on=pair), others, strange)


def _others(found: Written, fixed: Grid, moving: Grid) -> list[str]:
    pairs = (("fixed", found.fixed, fixed), ("moving", found.moving, moving))
    return [
        role
        for role, noted, given in pairs
        if noted is not None and given != NOWHERE and not given.agrees(noted)
    ]


def _trusted(found: Written, alignment: Alignment, prints: Pair) -> Quality:
    """Say what the file's own verdict is worth for these volumes."""
    if np.linalg.det(alignment.matrix[:3, :3]) < 0:
        return Quality(
            verdict="FAIL", sentence="This alignment is a mirror image: left and right are swapped."
        )
    if alignment.field is not None and alignment.field.jacobian.folded > 0:
        return Quality(
            verdict="FAIL",
            sentence="This alignment folds space onto itself: do not use it.",
            numbers=alignment.field.jacobian.numbers(),
        )
    for role in _others(found, alignment.fixed, alignment.moving):
        return doubted(f"This alignment was made for another {role} volume")
    for role in unlike(found.judged_on, prints):
        return other_voxels(role)
    if found.quality is None:
        return UNMEASURED
    if found.intact is False:
        return doubted("This alignment was changed after it was judged")
    named = found.judged_on is not None or not any(prints)
    if found.quality.verdict == "PASS" and not (found.intact and named):
        words = "The file says PASS, and not of which voxels: check it by eye."
        return found.quality.model_copy(update={"verdict": "CHECK", "sentence": words})
    return found.quality


def _reader(path: Path) -> Reader:
    """Choose a reader by what the file holds, not by what it is called."""
    if not path.is_file():
        raise ReadError(f"{path.name} is not a file")
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read: {error.strerror}") from error
    if head[128:132] == b"DICM":
        return dicom.read
    if head.startswith(b"\x89HDF"):
        return itk_binary.read
    if head.lstrip().startswith((b"{", b"\xef\xbb\xbf{")):
        return plain.read
    if head.startswith(b"#Insight Transform File"):
        return itk_text.read
    if path.suffix.lower() == ".mat":
        return itk_binary.read_matlab if b"\0" in head else fsl.read
    raise ReadError(
        f"{path.name} is not a transform that can be read: expected ITK, 3D Slicer or ANTs (.tfm, "
        ".txt, .h5, .mat), FSL (.mat), JSON or a DICOM Spatial Registration"
    )
