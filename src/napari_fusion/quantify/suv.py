"""Standardised uptake values of PET, or in one sentence why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from napari_fusion.errors import ParameterError, QuantityError, expect
from napari_fusion.io.pet import EARLY, missing_for_suv
from napari_fusion.volume import PetInfo, Step, Unit, Volume

SuvKind = Literal["bw", "lbm", "bsa"]
"""What uptake is related to: body weight, lean body mass, or body surface."""

UNITS: Mapping[SuvKind, Unit] = {"bw": "g/mL", "lbm": "g/mL", "bsa": "cm2/mL"}

STORED: Mapping[SuvKind, tuple[str, str]] = {
    "bw": ("GML", "BW"),
    "lbm": ("GML", "LBMJANMA"),
    "bsa": ("CM2ML", "BSA"),
}
"""DICOM Units (0054,1001) and SUVType (0054,1006) of each kind."""

HALF_LIVES_S: Mapping[str, float] = {
    "F-18": 6586.2,
    "C-11": 1223.4,
    "N-13": 597.9,
    "O-15": 122.24,
    "Ga-68": 4057.7,
    "Rb-82": 76.4,
    "Cu-64": 45721.0,
    "Zr-89": 282_276.0,
    "I-124": 360_806.0,
}
"""Physical half-lives of nuclides that PET is made with (ENSDF)."""

NEAR = 0.01
"""A half-life this near to one of those, as a share of it, is that one."""

LONGEST = 10.0
"""After more half-lives than this nothing was left to be measured: a time is wrong."""


def to_suv(pet: Volume, kind: SuvKind = "bw") -> Volume:
    r"""Give a PET volume as standardised uptake values.

    :math:`SUV = A\,W / D`, the activity concentration times the patient's weight (or lean body
    mass, or body surface) over the dose that was left at the time the scanner corrected decay to:
    :math:`D = D_0\,2^{-(t - t_0) / T}`, or :math:`D_0` where it corrected to the injection.

    Parameters
    ----------
    pet
        A volume that `load` read from DICOM: its `pet` has dose, times and weight. In Bq/mL, in
        counts with Philips' factors, or in g/mL already.
    kind
        "bw" by body weight; "lbm" by lean body mass (Janmahasatian et al. 2005); "bsa" by body
        surface (Du Bois and Du Bois 1916).

    Returns
    -------
    Volume
        Float32 in g/mL, of "bsa" cm²/mL; the history has the factor and how it came about. A
        volume that is what was asked for already is given back as it is.

    Raises
    ------
    QuantityError
        Not PET, not corrected for attenuation or decay, or something it takes is missing or cannot
        be; the message names it.
    ParameterError
        There is no such kind.

    Examples
    --------
    >>> from napari_fusion import phantom
    >>> pet = phantom.head("PET", phantom.default_grid("PET", 8.0))
    >>> suv = to_suv(pet)
    >>> suv.unit, bool(suv.array.max() < 30)
    ('g/mL', True)
    """
    expect(Volume, pet=pet)
    if kind not in get_args(SuvKind):
        raise ParameterError(f"SUV is by {', '.join(get_args(SuvKind))}, not {kind!r}")
    if pet.modality != "PT":
        raise QuantityError(f"SUV is of PET, and this volume is {pet.spoken or 'of no modality'}")
    if pet.pet is None:
        raise QuantityError(
            "the file holds SUV and does not say of which kind"
            if pet.unit == "g/mL"
            else "the file says nothing of dose, times and weight: there is no SUV"
        )
    info = pet.pet
    if info.attenuation_corrected is False:
        raise QuantityError("there is no SUV without attenuation correction")
    if pet.unit == UNITS[kind] and _stored(info) == kind:
        return pet
    if info.units == "BQML" and pet.unit != "Bq/mL":
        raise QuantityError("its values have no unit of activity: there is no SUV")
    factor = _by_weight(info) * _related(info, kind)
    told = {"kind": kind, "factor": factor, "by": _words(info, kind)}
    array = np.multiply(pet.array, np.float32(factor), dtype=np.float32)
    meaning = replace(info, units=STORED[kind][0], suv_type=STORED[kind][1])
    step = Step("suv", told, _doubts(info, kind))
    return pet.with_array(array, step, unit=UNITS[kind], pet=meaning)


def _by_weight(info: PetInfo) -> float:
    """Give SUV by body weight, g/mL, of one unit as stored."""
    if _stored(info) != "bw":
        raise QuantityError(
            f"the file holds SUV by {info.suv_type or info.units}, which is not turned into another"
        )
    missing = missing_for_suv(info)
    if missing:
        raise QuantityError(f"there is no SUV without {' and '.join(missing)}")
    if info.units == "GML":
        return 1.0
    if info.units == "CNTS" and info.philips_suv_factor:
        return info.philips_suv_factor
    activity = info.philips_activity_factor if info.units == "CNTS" else 1.0
    return (activity or 1.0) * _weight_g(info) / _dose_left(info)


def _dose_left(info: PetInfo) -> float:
    """Give the dose, Bq, at the time that activities are decay-corrected to."""
    dose, half_life = info.dose_bq or np.nan, info.half_life_s or np.nan
    if info.decay_correction == "ADMIN":
        return dose
    assert info.scanned is not None
    assert info.injected is not None
    delay = (info.scanned - info.injected).total_seconds()
    if delay < -EARLY.total_seconds():
        raise QuantityError("the dose was injected after the scan: a time is wrong, so no SUV")
    if delay > LONGEST * half_life:
        raise QuantityError(
            f"the scan began {delay / half_life:.0f} half-lives after the injection: a time is "
            "wrong, so no SUV"
        )
    return float(dose * 2 ** (-delay / half_life))


def _related(info: PetInfo, kind: SuvKind) -> float:
    """Give what takes SUV by weight to another kind."""
    if kind == "bw":
        return 1.0
    size = _lean_mass_g(info) if kind == "lbm" else _surface_cm2(info)
    return size / _weight_g(info)


def _weight_g(info: PetInfo) -> float:
    if info.weight_kg is None:
        raise QuantityError("there is no such SUV without patient weight")
    return 1000 * info.weight_kg


def _lean_mass_g(info: PetInfo) -> float:
    weight = _weight_g(info) / 1000
    index = weight / _height_m(info) ** 2
    lean = {"M": 9270 * weight / (6680 + 216 * index), "F": 9270 * weight / (8780 + 244 * index)}
    if info.sex not in {*lean, "O"}:
        raise QuantityError("there is no SUV by lean body mass without the patient's sex")
    return 1000 * lean.get(info.sex or "", sum(lean.values()) / 2)


def _surface_cm2(info: PetInfo) -> float:
    return float(71.84 * (_weight_g(info) / 1000) ** 0.425 * (100 * _height_m(info)) ** 0.725)


def _height_m(info: PetInfo) -> float:
    if info.height_m is None:
        raise QuantityError("there is no such SUV without patient height")
    return info.height_m


def _stored(info: PetInfo) -> str:
    """Give the kind of the file's own SUV; body weight where it names none."""
    names = {stored: kind for kind, stored in STORED.items()}
    units = info.units if info.units == "CM2ML" else "GML"
    default = "BSA" if units == "CM2ML" else "BW"
    return names.get((units, info.suv_type or default), "other")


def _words(info: PetInfo, kind: SuvKind) -> str:
    """Say how SUV came about."""
    size = {"bw": "", "lbm": ", Janmahasatian 2005", "bsa": ", Du Bois 1916"}[kind]
    if info.units == "GML":
        return f"SUV by body weight as stored{size}"
    if info.units == "CNTS" and info.philips_suv_factor:
        return f"Philips' SUV factor (7053,1000){size}"
    corrected = "injection" if info.decay_correction == "ADMIN" else "the scan's start"
    counts = "counts by Philips' factor (7053,1009)" if info.units == "CNTS" else "Bq/mL"
    return f"{counts}, weight, and the dose decayed to {corrected}{size}"


def _doubts(info: PetInfo, kind: SuvKind) -> tuple[str, ...]:
    """Say what an SUV rests on that is not usual, or not known."""
    doubts, found = [], info.half_life_s
    if found is not None and all(abs(found / s - 1) > NEAR for s in HALF_LIVES_S.values()):
        doubts.append(f"SUV rests on a half-life of {found:g} s, that of no usual nuclide")
    if info.injected and info.scanned and info.injected > info.scanned:
        doubts.append("the scan began before the injection, as dynamic ones do")
    if info.attenuation_corrected is None:
        doubts.append("SUV of a file that does not say whether attenuation was corrected")
    if kind == "lbm" and info.sex == "O":
        doubts.append("lean body mass is the mean of what both sexes' formulas give")
    return tuple(doubts)
