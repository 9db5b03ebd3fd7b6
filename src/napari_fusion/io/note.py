"""What a file of ours notes of its values: modality, unit, and of SUV the kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from napari_fusion.volume import Modality, PetInfo, Unit, Volume

_UNITS: dict[Unit, tuple[str, str]] = {"g/mL": ("GML", "BW"), "cm2/mL": ("CM2ML", "BSA")}
"""DICOM Units (0054,1001) of SUV, and the SUVType (0054,1006) of those that name none."""

_KINDS = frozenset({"BW", "BSA", "LBM", "LBMJAMES128", "LBMJANMA", "IBW"})

Meaning = tuple[Modality, Unit, PetInfo | None]


def noted(volume: Volume) -> list[str]:
    """Give the words: CT HU; of SUV the DICOM SUVType too, as in PT g/mL BW."""
    words = [str(volume.modality), str(volume.unit)]
    if volume.modality == "PT" and volume.unit in _UNITS and volume.pet is not None:
        words.append(volume.pet.suv_type or _UNITS[volume.unit][1])
    return words


def meaning(words: Sequence[str]) -> Meaning:
    """Read the words back; any that `noted` does not write mean nothing is known."""
    modality = next((m for m in get_args(Modality) if m in words[:1]), None)
    unit = next((u for u in get_args(Unit) if u in words[1:2]), None)
    kind = words[2:]
    if modality and unit and not kind:
        return modality, unit, None
    if modality == "PT" and unit in _UNITS and len(kind) == 1 and kind[0] in _KINDS:
        return "PT", unit, PetInfo(units=_UNITS[unit][0], suv_type=kind[0])
    return "OTHER", "1", None
