"""What stored DICOM values mean: modality, unit, and the rescale of each slice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_fusion.errors import ReadError
from napari_fusion.io import header as dicom
from napari_fusion.io.frames import Frame
from napari_fusion.io.header import Header
from napari_fusion.volume import Modality, Unit

_MODALITIES: dict[str, Modality] = {"CT": "CT", "MR": "MR", "PT": "PT", "NM": "NM"}
_PET_UNITS: dict[str, Unit] = {"BQML": "Bq/mL", "GML": "g/mL", "CM2ML": "cm2/mL"}
AIR_HU = -1024.0
TINY = 1e-9
"""A rescale slope smaller than this is a fault of the header, not a scale."""


@dataclass(frozen=True)
class Meaning:
    """What stored values become.

    Parameters
    ----------
    unit, background
        Of the volume.
    rescale
        Slope and intercept for each frame.
    notes
        What a reader has to know.
    """

    unit: Unit
    background: float
    rescale: tuple[tuple[float, float], ...]
    notes: tuple[str, ...] = ()


def meaning_of(frames: Sequence[Frame]) -> Meaning:
    """Decide unit and rescale; a slope that cannot be meant shows stored values and says so.

    Raises
    ------
    ReadError
        Slices that cannot be compared: some have no usable slope, or their units differ.
    """
    head = frames[0].header
    modality = modality_of(head)
    pairs = [(f.slope, f.intercept) for f in frames]
    needed = modality in {"CT", "PT"}
    bad = [s for s, i in pairs if _unusable(s, i, needed=needed)]
    if bad and len(bad) < len(frames):
        raise ReadError(
            f"{len(bad)} of {len(frames)} slices have no usable rescale slope: their values "
            "cannot be compared with the others"
        )
    if bad:
        shown = "none" if bad[0] is None else f"{bad[0]:g}"
        note = f"the rescale slope is unusable ({shown}): stored values are shown, without a unit"
        return Meaning("1", 0.0, ((1.0, 0.0),) * len(frames), (note,))
    rescale = tuple((1.0 if s is None else s, 0.0 if i is None else i) for s, i in pairs)
    unit = _unit(frames, modality)
    notes: tuple[str, ...] = ()
    if any(dicom.VALUE_TABLE in frame.header.values for frame in frames):
        unit, notes = "1", ("its table of values was not applied: values are without a unit",)
    if modality == "PT" and any(intercept for _, intercept in rescale):
        unit, notes = "1", ("a PET rescale intercept must be 0: values have no unit",)
    return Meaning(unit, AIR_HU if unit == "HU" else 0.0, rescale, notes)


def _unit(frames: Sequence[Frame], modality: Modality) -> Unit:
    """Give the unit of all slices; PET and CT tell theirs."""
    if modality not in {"CT", "PT"}:
        return "1"
    tag = dicom.RESCALE_TYPE if modality == "CT" else dicom.UNITS
    told = {frame.header.text(tag).upper() for frame in frames}
    if modality == "CT":
        told = {word or "HU" for word in told}
    if len(told) > 1:
        raise ReadError(
            f"its slices tell different units ({', '.join(sorted(told))}): their values cannot be "
            "compared"
        )
    (word,) = told
    return "HU" if (modality, word) == ("CT", "HU") else _PET_UNITS.get(word, "1")


def _unusable(slope: float | None, intercept: float | None, *, needed: bool) -> bool:
    if not math.isfinite(intercept or 0.0):
        return True
    if slope is None:
        return needed
    return not math.isfinite(slope) or abs(slope) < TINY


def modality_of(header: Header) -> Modality:
    """Give the modality, "OTHER" for those this package does not tell apart."""
    return _MODALITIES.get(header.text(dicom.MODALITY).upper(), "OTHER")
