"""Voxels on a grid, what they mean, and how they were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fusion.digest import array_digest
from napari_fusion.errors import GeometryError, ParameterError, expect
from napari_fusion.grid import Grid

if TYPE_CHECKING:
    from napari_fusion.slab import Window

Modality = Literal["CT", "MR", "PT", "NM", "FUSED", "LABEL", "OTHER"]
Unit = Literal["HU", "Bq/mL", "g/mL", "cm2/mL", "1", "label"]
FUNCTIONAL = frozenset({"PT", "NM"})
"""Modalities that show function, not anatomy."""

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]


@dataclass(frozen=True)
class Step:
    """One line of a volume's history: what was done, how, and what to know about it.

    Parameters
    ----------
    name
        The verb, e.g. "load", "resample".
    parameters
        JSON values only; never a patient's identity.
    warnings
        Plain sentences a reader of the result has to know, e.g. "gantry tilt of 18.5° corrected".
    """

    name: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """Give the step as JSON values."""
        return {
            "name": self.name,
            "parameters": dict(self.parameters),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class PetInfo:
    """What a PET series says about its dose, timing and patient size; needed for SUV.

    Parameters
    ----------
    units
        DICOM Units (0054,1001), e.g. "BQML", "GML", "CNTS".
    dose_bq
        Injected activity in Bq at `injected`.
    half_life_s
        Physical half-life of the nuclide in s.
    injected, scanned
        Time of injection and the time activities are decay-corrected to.
    injections
        How many injections the header tells of; the first is told of here.
    weight_kg, height_m, sex
        The patient's weight in kg, height in m and sex ("M", "F" or "O").
    decay_correction
        DICOM DecayCorrection (0054,1102): "START", "ADMIN" or "NONE".
    suv_type
        DICOM SUVType (0054,1006) when the voxels already are SUV.
    attenuation_corrected
        Whether CorrectedImage (0028,0051) holds ATTN.
    philips_suv_factor, philips_activity_factor
        Private tags (7053,1000), g/mL per stored unit, and (7053,1009), Bq/mL per stored unit.
    """

    units: str = ""
    dose_bq: float | None = None
    half_life_s: float | None = None
    injected: datetime | None = field(default=None, repr=False)
    scanned: datetime | None = field(default=None, repr=False)
    injections: int = 1
    weight_kg: float | None = field(default=None, repr=False)
    height_m: float | None = field(default=None, repr=False)
    sex: str | None = field(default=None, repr=False)
    decay_correction: str = ""
    suv_type: str = ""
    attenuation_corrected: bool | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels on a grid, frozen; every change makes a new volume with one more line of history.

    Parameters
    ----------
    array
        Voxel values, shape ``grid.shape``; held as a read-only view. NaN marks a voxel
        without a value. A dask array stays one: `fuse` reads it slab by slab, so that it may be
        larger than memory.
    grid
        Where the voxels are, array index to LPS mm.
    modality, unit
        What the values mean. Loaded PET is "Bq/mL", or "g/mL" when the file already holds SUV.
    frame_uid
        DICOM frame of reference: volumes that share one are already aligned.
    pet
        Dose and timing of a PET volume.
    history
        What was done, oldest first.
    patient
        An opaque token, equal for volumes of one patient read in this process, meaningless outside
        it; None when the file names no patient.
    name
        A label free of identity, e.g. "CT" or the file's stem, used for layer names.

    Raises
    ------
    GeometryError
        The array's shape is not the grid's.
    ParameterError
        The modality or unit is not one of those allowed, or the voxels are no numbers.
    """

    array: NDArray[Any]
    grid: Grid
    modality: Modality = "OTHER"
    unit: Unit = "1"
    frame_uid: str | None = None
    pet: PetInfo | None = None
    history: tuple[Step, ...] = ()
    patient: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Check that array and grid agree, and freeze the array."""
        expect(Grid, grid=self.grid)
        object.__setattr__(self, "array", _numbers(self.array))
        if tuple(self.array.shape) != self.grid.shape:
            raise GeometryError(
                f"the array has shape {tuple(self.array.shape)}, its grid {self.grid.shape}"
            )
        for value, allowed in ((self.modality, Modality), (self.unit, Unit)):
            if value not in get_args(allowed):
                raise ParameterError(f"{value!r} is not one of {', '.join(get_args(allowed))}")
        if isinstance(self.array, np.ndarray):  # a dask array cannot be changed anyway
            frozen = self.array.view()
            frozen.setflags(write=False)
            object.__setattr__(self, "array", frozen)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning of the history, oldest first."""
        return tuple(warning for step in self.history for warning in step.warnings)

    @property
    def spoken(self) -> str:
        """The modality as people say it: CT, MR, PET, SPECT; nothing where it is not known."""
        return spoken(self.modality)

    @property
    def is_share(self) -> bool:
        """Whether it says what part of a fused picture one source gave."""
        return any(step.name == "attribution" for step in self.history)

    @property
    def is_measured(self) -> bool:
        """Whether voxels are measured values, and not brightness, shares or labels."""
        return self.modality not in {"FUSED", "LABEL"} and not self.is_share

    @property
    def background(self) -> float:
        """The value of nothing: air (-1024 HU), 0, or the smallest finite value where unknown."""
        if self.modality == "CT" and self.unit == "HU":
            return -1024.0
        return _least(self.array) if self.modality in {"CT", "OTHER"} else 0.0

    def window(self, asked: Window | str | None = None) -> Window:
        """Give the window that is asked for, or the one a reader of this modality expects.

        Parameters
        ----------
        asked
            A `Window`, the name of one of `slab.PRESETS`, or ``"LOW:HIGH"``; None for
            `slab.default_window`.

        Raises
        ------
        ParameterError
            There is no such window, or it is for volumes of another modality or unit.
        """
        from napari_fusion.checked import checked
        from napari_fusion.slab import Window, default_window, meant_for

        if asked is None:
            return default_window(self.array, self.modality, self.unit)
        wanted = meant_for(asked, self.modality, self.unit) if isinstance(asked, str) else ""
        if wanted:
            raise ParameterError(
                f"the window {asked!r} is for {wanted}, and this volume is {self.modality} in "
                f"{self.unit}: give low and high"
            )
        return checked(Window, asked, "the window")

    @property
    def sides_unknown(self) -> bool:
        """Whether its file, or that of a source of it, does not say which side is left."""
        return _sides_unknown(step.to_json() for step in self.history)

    @cached_property
    def fingerprints(self) -> tuple[str, ...]:
        """What these voxels are known by: their hash as float32, and that of the file they are of.

        Two volumes that share one hold the same image; values may have been rescaled since.
        """
        own = f"voxels {array_digest(self.array, np.float32)}"
        step = self.history[0] if self.history else Step("")
        if step.name != "load" or "sha256" not in step.parameters:
            return (own,)
        frame = f" frame {step.parameters['frame']}" if "frame" in step.parameters else ""
        return own, f"file {step.parameters['sha256']}{frame}"

    def with_array(self, array: NDArray[Any], step: Step, **changes: Any) -> Volume:
        """Make a new volume with other voxels (and grid, unit … in `changes`) and one more step."""
        return replace(self, array=array, history=(*self.history, step), **changes)

    def with_step(self, step: Step) -> Volume:
        """Make a new volume with the same voxels and one more line of history."""
        return replace(self, history=(*self.history, step))

    def __repr__(self) -> str:
        return f"<Volume {self.modality} [{self.unit}] {self.grid.describe()}>"


def _numbers(array: Any) -> Any:
    """Give voxels in a type and byte order that every library reads; dask arrays as they are."""
    found = array if hasattr(array, "shape") else np.asarray(array)
    if getattr(found.dtype, "kind", "f") not in "biuf":
        raise ParameterError(f"voxels are numbers, and not of type {found.dtype}")
    if not isinstance(found, np.ndarray):
        return found
    wide = found.dtype.kind == "f" and found.dtype.itemsize > 8
    kind = np.dtype(np.float64) if wide else found.dtype.newbyteorder("=")
    return found.astype(kind, copy=False)


def _least(array: NDArray[Any]) -> float:
    """Give the smallest finite value; 0 where there is none."""
    values = array[np.isfinite(array)]
    return float(values.min()) if values.size else 0.0


def patients_of(volumes: Iterable[Volume | None]) -> frozenset[str]:
    """Give the tokens of the patients that volumes are known to show; more than one is a fault."""
    return frozenset(v.patient for v in volumes if v is not None and v.patient is not None)


def same_patient(a: Volume, b: Volume) -> bool:
    """Whether both files name a patient, and the same one."""
    return a.patient is not None and a.patient == b.patient


def told_apart(volumes: Sequence[Volume]) -> list[str]:
    """Name volumes by modality; by role too where the modality is not known, or not one's alone.

    Parameters
    ----------
    volumes
        The fixed one first.

    Examples
    --------
    A CT and a PET are "CT" and "PET"; two MR are "fixed MR" and "moving MR"; of two files that
    do not say, "fixed" and "moving"; a third is "moving 2".
    """
    said = [volume.spoken for volume in volumes]
    return [
        name if name and said.count(name) == 1 else f"{role} {name}".strip()
        for role, name in zip(roles(len(said)), said, strict=True)
    ]


def spoken(modality: Modality) -> str:
    """Name a modality as people do: CT, MR, PET, SPECT; nothing where it is not known."""
    return {"PT": "PET", "NM": "SPECT", "OTHER": ""}.get(modality, modality)


def roles(count: int) -> list[str]:
    """Name what volumes are to each other: fixed, moving, moving 2 and so on."""
    return ["fixed", "moving", *(f"moving {i}" for i in range(2, count))][:count]


def _sides_unknown(steps: Iterable[Any]) -> bool:
    for step in steps:
        parameters = step["parameters"]
        if parameters.get("orientation") == "unknown":
            return True
        inner = parameters.get("history")
        if step["name"] == "source" and isinstance(inner, list) and _sides_unknown(inner):
            return True
    return False
