"""What a folder, zip or file holds: one `Series` for each volume that may be loaded from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal

from napari_fusion.errors import ParameterError
from napari_fusion.io.budget import GIB
from napari_fusion.io.stacks import Stack
from napari_fusion.volume import Modality, Unit

Light = Literal["green", "amber", "red"]


@dataclass(frozen=True)
class Series:
    """One volume that can be loaded, or why it cannot.

    Parameters
    ----------
    uid
        Chooses this volume in `load`: the series instance UID, with ``#2`` and so on for further
        volumes of one series; the file's name for other formats.
    modality
        "CT", "MR", "PT", "NM" or "OTHER".
    description
        Series description; may be free text, so it is shown and never stored.
    date
        Study date as YYYY-MM-DD, "" when unknown.
    slices, shape, spacing
        Number of slices; (slices, rows, columns) as stored; their distances in mm, None when
        unknown.
    unit
        Of the loaded values: "HU", "Bq/mL", "g/mL", or "1" where the file names none.
    frames
        Time points, chosen in `load` with ``frame=``.
    frame_uid
        Frame of reference: series that share one are aligned by the scanner.
    study_uid
        Study the series belongs to.
    patient
        Opaque token, equal for series of one patient in this process.
    attenuation_corrected
        Of PET: whether it is; None when the file does not say.
    suv_missing
        Of PET: what SUV by body weight lacks, () when nothing; None for other modalities.
    light
        "green": loads as it stands. "amber": loads after a repair, or with a doubt. "red": is
        refused.
    reason
        Why, in mm where it is about geometry; "" for green.
    files
        The files it is read from.
    part
        What tells it from other volumes of its series.
    gap
        Whether it is refused only because slices are missing, so that `rectified` can load it.
    damaged
        Number of DICOM files beside it that cannot be read; one may be a slice of it.
    """

    uid: str = field(repr=False)
    modality: Modality
    description: str = field(repr=False)
    date: str = field(repr=False)
    slices: int
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float] | None
    light: Light
    reason: str
    files: tuple[Path, ...] = field(repr=False)
    unit: Unit = "1"
    frames: int = 1
    frame_uid: str | None = field(default=None, repr=False)
    study_uid: str | None = field(default=None, repr=False)
    patient: str | None = field(default=None, repr=False)
    attenuation_corrected: bool | None = None
    suv_missing: tuple[str, ...] | None = None
    part: str = ""
    gap: bool = False
    damaged: int = 0
    source: Path = field(default=Path(), repr=False)
    stack: Stack | None = field(default=None, repr=False, compare=False)

    @property
    def nbytes(self) -> int:
        """Memory that one time point takes when it is loaded, in bytes, before any repair."""
        return 4 * prod(self.shape)

    def describe(self) -> str:
        """Say in a few words what this is, as messages list it."""
        words = [self.uid, self.modality]
        words += [w for w in (self.description, self.part) if w]
        if self.attenuation_corrected is False:
            words.append("not attenuation-corrected")
        words.append(f"{self.slices} slices" + (f" × {self.frames}" if self.frames > 1 else ""))
        if self.nbytes >= GIB:
            words.append(f"{self.nbytes / GIB:.1f} GiB in memory")
        return ", ".join(words)


@dataclass(frozen=True)
class About:
    """What the header of a file that holds one volume says.

    Parameters
    ----------
    shape, spacing
        (slices, rows, columns) as stored, and their distances in mm.
    frames
        Time points.
    modality, unit
        As this package noted them, else "OTHER" and "1".
    reason
        What is doubtful, "" when nothing.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    frames: int
    modality: Modality
    unit: Unit
    reason: str


def time_doubt(frames: int) -> list[str]:
    """Say that one of several time points has to be chosen."""
    if frames == 1:
        return []
    return [f"{frames} time points: choose one, frame=0 to frame={frames - 1} (--frame)"]


class Found(list[Series]):
    """The series found, and how many files beside them are no image that can be loaded.

    Parameters
    ----------
    series
        The series, loadable ones first.
    ignored
        Number of files that were passed over: reports, contours, thumbnails and the like.
    damaged
        Number of DICOM files that cannot be read.
    """

    def __init__(self, series: list[Series], ignored: int = 0, damaged: int = 0) -> None:
        super().__init__(series)
        self.ignored = ignored
        self.damaged = damaged

    @property
    def beside(self) -> str:
        """What else is there, in a sentence; "" when nothing is."""
        counts = [(self.ignored, "no image that can be read"), (self.damaged, "damaged DICOM")]
        told = [f"{n} {'file is' if n == 1 else 'files are'} {what}" for n, what in counts if n]
        return f"Beside these, {' and '.join(told)}." if told else ""


def shared_out(found: Sequence[Sequence[Series]], uids: Sequence[str]) -> list[list[Series]]:
    """Say which series to take of each path: every UID once, in order.

    Of several paths that hold it, the first of those that gave the fewest so far gives it; the
    same folder, named twice, so gives two series, one a time.

    Parameters
    ----------
    found
        What each path holds, as `scan` lists it.
    uids
        The series to take.

    Raises
    ------
    ParameterError
        No path holds a series of that UID.
    """
    taken: list[list[Series]] = [[] for _ in found]
    for uid in uids:
        holders = [i for i, held in enumerate(found) if any(one.uid == uid for one in held)]
        if not holders:
            raise ParameterError(f"{uid}: none of the volumes is this series")
        giver = min(holders, key=lambda i: len(taken[i]))
        taken[giver] += [one for one in found[giver] if one.uid == uid]
    return taken
