"""Dose, timing and patient size from a PET header, as SUV needs them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from napari_fusion.io import header
from napari_fusion.io.frames import Frame, full_header
from napari_fusion.io.plain import plainly
from napari_fusion.io.source import Source
from napari_fusion.volume import PetInfo

if TYPE_CHECKING:
    import pydicom

LEAST_DOSE_BQ = 1e4
"""A dose below this was written in MBq: two clusters, about 400 and 4e8, are all that occurs."""

EARLY = timedelta(minutes=30)
"""A dynamic scan may begin this long before the injection."""

MOST_WEIGHT_KG = 1000
MOST_HEIGHT_M = 3


def info_of(frames: Sequence[Frame], source: Source) -> tuple[PetInfo, tuple[str, ...]]:
    """Read what SUV needs from the slice acquired first: decay correction refers to it.

    Where slices tell different weights, none is taken.

    Raises
    ------
    ReadError
        Its header cannot be read.
    """
    first = min(
        frames,
        key=lambda f: (
            f.header.text(header.ACQUISITION_DATE),
            f.header.text(header.ACQUISITION_TIME),
        ),
    )
    from pydicom.config import disable_value_validation

    with plainly(first.header.path.name, "PET"), disable_value_validation():
        info, notes = pet_info(full_header(first.header, source))
    if len({f.header.text(header.WEIGHT) for f in frames}) > 1:
        return replace(info, weight_kg=None), (*notes, "its slices tell different patient weights")
    return info, notes


def pet_info(full: pydicom.Dataset) -> tuple[PetInfo, tuple[str, ...]]:
    """Read what SUV needs, and say what was repaired.

    Times follow the QIBA and OncoRay rules: decay correction START refers to the series time
    unless the acquisition began earlier, to GE's private scan time where there is one, and is
    otherwise counted back from the acquisition by the frame reference time.
    """
    injections = _injections(full)
    drug = next(iter(injections), None)
    half_life = _positive(drug, "RadionuclideHalfLife")
    acquired = _moment(full, "AcquisitionDate", "AcquisitionTime")
    decay = str(full.get("DecayCorrection") or "").strip().upper()
    scanned = _scanned(full, decay, acquired, half_life)
    injected, guessed = _injected(full, drug, scanned or acquired)
    dose, weight, height, mended = _amounts(full, drug)
    corrected = full.get("CorrectedImage")
    words = [corrected] if isinstance(corrected, str) else list(corrected or [])
    info = PetInfo(
        units=str(full.get("Units") or "").strip().upper(),
        dose_bq=dose,
        half_life_s=half_life,
        injected=injected,
        injections=len(injections),
        scanned=scanned,
        weight_kg=weight,
        height_m=height,
        sex=str(full.get("PatientSex") or "").strip().upper()[:1] or None,
        decay_correction=decay,
        suv_type=str(full.get("SUVType") or "").strip().upper(),
        attenuation_corrected=None if corrected is None else "ATTN" in words,
        philips_suv_factor=_private(full, 0x7053, "Philips PET Private Group", 0x00),
        philips_activity_factor=_private(full, 0x7053, "Philips PET Private Group", 0x09),
    )
    return info, (*guessed, *mended)


def missing_for_suv(info: PetInfo) -> tuple[str, ...]:
    """Name what SUV by body weight lacks, () when nothing."""
    if info.attenuation_corrected is False:
        return ("attenuation correction",)
    if info.units == "GML" or (info.units == "CNTS" and info.philips_suv_factor):
        return ()
    if info.units != "BQML" and not (info.units == "CNTS" and info.philips_activity_factor):
        return (f"a unit of activity (found {info.units or 'none'})",)
    if info.decay_correction not in {"START", "ADMIN"}:
        return ("correction for decay to one time",)
    if info.injections > 1:  # and no slice says which one it shows
        return (f"a single injection (found {info.injections})",)
    needed: dict[str, Any] = {
        "injected dose": info.dose_bq,
        "half-life": info.half_life_s,
        "patient weight": info.weight_kg,
    }
    if info.decay_correction == "START":
        needed["injection time"] = info.injected
        needed["scan time"] = info.scanned
    return tuple(name for name, value in needed.items() if value is None)


def _injections(full: pydicom.Dataset) -> list[Any]:
    """Give what was injected, once where the header repeats it."""
    told: list[Any] = []
    for item in full.get("RadiopharmaceuticalInformationSequence") or ():
        told += [item] * (item not in told)
    return told


def _amounts(
    full: pydicom.Dataset, drug: Any
) -> tuple[float | None, float | None, float | None, tuple[str, ...]]:
    """Give dose, weight and height in Bq, kg and m, mending units that cannot be meant."""
    notes = []
    dose = _positive(drug, "RadionuclideTotalDose")
    if dose is not None and dose < LEAST_DOSE_BQ:
        notes.append(f"the injected dose of {dose:g} was taken as MBq")
        dose *= 1e6
    weight = _positive(full, "PatientWeight")
    if weight is not None and weight > MOST_WEIGHT_KG:
        notes.append("the patient weight was taken as grams")
        weight /= 1000
    height = _positive(full, "PatientSize")
    if height is not None and height > MOST_HEIGHT_M:
        notes.append("the patient height was taken as centimetres")
        height /= 100
    return dose, weight, height, tuple(notes)


def _scanned(
    full: pydicom.Dataset, decay: str, acquired: datetime | None, half_life: float | None
) -> datetime | None:
    """Give the time that activities are decay-corrected to."""
    duration = (_positive(full, "ActualFrameDuration") or 0) / 1000
    average = timedelta(seconds=_average_time(duration, half_life))
    if decay == "NONE":
        return None if acquired is None else acquired + average
    series = _moment(full, "SeriesDate", "SeriesTime")
    if series is not None and (acquired is None or series <= acquired):
        return series
    stamp = _private(full, 0x0009, "GEMS_PETD_01", 0x0D)
    if stamp is not None and (moment := _parsed(str(stamp))) is not None:
        return moment
    reference = full.get("FrameReferenceTime")
    if acquired is not None and reference is not None:
        return acquired + average - timedelta(milliseconds=float(reference))
    return acquired


def _average_time(duration: float, half_life: float | None) -> float:
    """Give the time within a frame at which activity equals its mean."""
    if not duration or half_life is None:
        return 0.0
    decay = math.log(2) / half_life * duration
    return math.log(decay / -math.expm1(-decay)) * half_life / math.log(2)


def _injected(
    full: pydicom.Dataset, drug: Any, scanned: datetime | None
) -> tuple[datetime | None, tuple[str, ...]]:
    """Give the injection: its date-time, or its time on the day of the scan or the day before.

    That it was the day before is said: the file does not, and a wrong clock looks the same.

    A date-time in another zone than the images' (PS3.5 6.2, PS3.3 C.12.1.1) is brought to theirs.
    """
    told = _text(drug, "RadiopharmaceuticalStartDateTime")
    moment, zone, ours = _parsed(told), _zone(told), _zone(_text(full, "TimezoneOffsetFromUTC"))
    if moment is not None and zone is not None and ours is not None:
        moment += ours - zone
    if moment is not None or scanned is None:
        return moment, ()
    time = _text(drug, "RadiopharmaceuticalStartTime")
    moment = _parsed(f"{scanned:%Y%m%d}{time}") if time else None
    if moment is None or moment <= scanned + EARLY:
        return moment, ()
    words = f"the injection at {moment:%H:%M} lies after the scan at {scanned:%H:%M}"
    return moment - timedelta(days=1), (f"{words}: it was taken to be of the day before",)


def _moment(full: Any, date: str, time: str) -> datetime | None:
    day, clock = _text(full, date), _text(full, time)
    return _parsed(day + clock) if day and clock else None


def _parsed(text: str) -> datetime | None:
    """Read YYYYMMDDHHMMSS.FFFFFF by the clock of its own time zone."""
    text = text.replace(":", "").split("+")[0].split("-")[0].strip()
    whole, _, part = text.partition(".")
    if len(whole) < 12:
        return None
    try:
        moment = datetime.strptime(whole.ljust(14, "0")[:14], "%Y%m%d%H%M%S")
        return moment + timedelta(seconds=float(f"0.{part or 0}"))
    except ValueError:
        return None


def _zone(text: str) -> timedelta | None:
    """Read how far a trailing +HHMM or -HHMM is from UTC, None when there is none."""
    found = re.search(r"([+-])(\d\d)(\d\d)$", text.strip())
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    return int(f"{sign}1") * timedelta(hours=int(hours), minutes=int(minutes))


def _private(full: Any, group: int, creator: str, element: int) -> Any:
    """Give a private value from its creator's block; numbers only when positive.

    De-identification often drops every creator of a group; the usual block is then read.
    """
    try:
        value = full.private_block(group, creator)[element].value
    except KeyError:
        if any((group, block) in full for block in range(0x10, 0x100)):
            return None
        found = full.get((group, 0x1000 + element))
        value = None if found is None else found.value
    if value is None:
        return None
    if group == 0x0009:
        return value.decode("latin-1") if isinstance(value, bytes) else value
    return _usable(value.decode("latin-1") if isinstance(value, bytes) else value)


def _positive(item: Any, name: str) -> float | None:
    return _usable(item.get(name)) if item is not None else None


def _usable(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _text(item: Any, name: str) -> str:
    value = item.get(name) if item is not None else None
    return "" if value is None else str(value).strip()
