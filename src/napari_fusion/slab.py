"""Slabs (runs of slices in [0, 1]) and the windows that make them from measured values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from napari_fusion.checked import Settings, meant
from napari_fusion.errors import ParameterError

Slab = NDArray[np.float32]
"""(n, h, w) float32 in [0, 1]: n neighbouring slices."""

Stack = NDArray[np.float32]
"""(k, n, h, w) float32: the same slab of k sources, or what each of k sources gives."""


NEAR_PIXELS = 1 << 18
"""Pixels, of all arrays in hand, whose arithmetic is done at a time where passes follow another."""

NARROWEST = float(np.finfo(np.float32).tiny)
"""Width below which float32 cannot tell the values of a window apart: 1e-38."""


class Window(Settings):
    """The range of measured values shown from black to white.

    Wherever a window is asked for, a name of `PRESETS`, ``"LOW:HIGH"`` or a pair will do too.

    Parameters
    ----------
    lower, upper
        Values, in the volume's unit, that become 0 and 1; `upper` must be larger.

    Raises
    ------
    ParameterError
        The ends are not finite, not in order or too near for float32, or there is no such name.

    Examples
    --------
    >>> Window(lower=0, upper=80)(np.array([-10.0, 40.0, 200.0]))
    array([0. , 0.5, 1. ], dtype=float32)
    >>> Window.model_validate("brain") == Window.model_validate("0:80")
    True
    """

    lower: float
    upper: float

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, value: Any) -> Any:
        """Read the name of a preset, or LOW:HIGH."""
        if isinstance(value, tuple | list) and len(value) == len(cls.model_fields):
            return {"lower": value[0], "upper": value[1]}
        if not isinstance(value, str):
            return value
        name = spoken(value)
        if name in PRESETS:
            return PRESETS[name].model_dump()
        lower, _, upper = value.partition(":")
        try:
            return {"lower": float(lower), "upper": float(upper)}
        except ValueError as error:
            raise ParameterError(
                f"there is no window {value!r}{meant(name, PRESETS)}: "
                f"give low:high, such as -150:1200, or one of {', '.join(PRESETS)}"
            ) from error

    @model_validator(mode="after")
    def _wide(self) -> Window:
        if not self.upper > self.lower:
            raise ParameterError(
                f"a window needs upper > lower, this one runs from {self.lower:g} to {self.upper:g}"
            )
        if self.upper - self.lower < NARROWEST:
            raise ParameterError(
                f"a window from {self.lower:g} to {self.upper:g} is too narrow to tell values "
                "apart: give the volume in a unit that makes them larger"
            )
        return self

    @classmethod
    def level(cls, level: float, width: float) -> Window:
        """Make a window from its centre and width (above 0), as radiologists name them."""
        return cls(lower=level - width / 2, upper=level + width / 2)

    def __call__(
        self, array: NDArray[Any], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Map values of any shape to float32 in [0, 1]; values that are not finite become 0."""
        to: dict[str, Any] = {} if out is None else {"out": out, "casting": "same_kind"}
        above = np.subtract(array, self.lower, dtype=_wide(array), **to)
        scaled: NDArray[np.float32] = above.astype(np.float32, copy=False)
        scaled *= np.float32(1 / (self.upper - self.lower))
        doubtful = scaled.size > 0 and not scaled.max() < np.inf  # -inf becomes 0 as it is
        np.clip(scaled, 0, 1, out=scaled)
        if doubtful:
            scaled[~np.isfinite(array)] = 0
        return scaled


CT_WINDOWS: Mapping[str, Window] = MappingProxyType(
    {
        "brain": Window.level(40, 80),
        "stroke": Window.level(40, 40),
        "subdural": Window.level(75, 200),
        "bone": Window.level(480, 2500),
        "lung": Window.level(-600, 1500),
        "soft tissue": Window.level(40, 400),
        "mediastinum": Window.level(50, 350),
        "liver": Window.level(90, 150),
        "whole": Window(lower=-150, upper=1200),
    }
)
"""Named windows in Hounsfield units; "whole" shows soft tissue and bone at once, for fusion."""

PT_WINDOWS: Mapping[str, Window] = MappingProxyType(
    {
        "suv 5": Window(lower=0, upper=5),
        "suv 10": Window(lower=0, upper=10),
        "suv 15": Window(lower=0, upper=15),
    }
)
"""Named windows in SUV (g/mL): ordinary uptake, hot tumours, brain and bladder."""

PRESETS: Mapping[str, Window] = MappingProxyType({**CT_WINDOWS, **PT_WINDOWS})
"""Every window that has a name."""


def spoken(word: str) -> str:
    """Give a preset's name as `PRESETS` has it: "Soft-Tissue" is "soft tissue"."""
    return word.strip().lower().replace("_", " ").replace("-", " ")


def meant_for(word: str, modality: str, unit: str) -> str:
    """Say what a named window is for, where a volume is not that; empty where it fits."""
    name = spoken(word)
    if name in CT_WINDOWS and modality not in {"CT", "OTHER"}:
        return "CT in HU"
    if name in PT_WINDOWS and not (modality in {"PT", "OTHER"} and unit in {"g/mL", "1"}):
        return "PET in SUV (g/mL)"
    return ""


def default_window(array: NDArray[Any], modality: str, unit: str) -> Window:
    """Choose the window a reader of this modality expects.

    CT in HU: soft tissue and bone at once. PET in SUV: 0 to 5. PET and SPECT in other units:
    0 to the 99.9th percentile. A fused picture: 0 to 1, as it is. MR and others: 1st to 99th
    percentile of what is not background.
    """
    if modality == "FUSED":
        return Window(lower=0, upper=1)
    if modality == "CT" and unit == "HU":
        return CT_WINDOWS["whole"]
    if modality == "PT" and unit == "g/mL":
        return PT_WINDOWS["suv 5"]
    values = sample(array)
    if modality in {"PT", "NM"}:
        return _ordered(0.0, float(np.percentile(values, 99.9)))
    inside = values[values > values.min()]
    if modality == "LABEL" or inside.size == 0:
        return _ordered(float(values.min()), float(values.max()))
    lower, upper = (float(v) for v in np.percentile(inside, [1, 99]))
    return (
        Window(lower=lower, upper=upper)
        if upper - lower >= NARROWEST
        else _ordered(float(values.min()), upper)
    )


def _ordered(lower: float, upper: float) -> Window:
    """Make a window that is never empty: a constant volume shows as black."""
    step = max(1.0, abs(lower) * float(np.finfo(np.float32).eps))  # 1 is nothing beside 1e30
    return Window(lower=lower, upper=upper if upper - lower >= NARROWEST else lower + step)


def _wide(array: NDArray[Any]) -> np.dtype[Any]:
    """Give the type that tells all values apart: float32, or float64 for those of more digits."""
    return np.promote_types(array.dtype, np.float32)


def sparse(array: NDArray[Any], most: int) -> NDArray[Any]:
    """View every so-many-th value along every axis, so that there are about `most` at most."""
    step = max(1, int(np.ceil((array.size / most) ** (1 / array.ndim))))
    return array[(slice(None, None, step),) * array.ndim]


def sample(array: NDArray[Any], most: int = 2_000_000) -> NDArray[np.floating]:
    """Pick at most about `most` finite values, evenly spread, always the same ones."""
    values = np.asarray(sparse(array, most), _wide(array)).ravel()
    values = values[np.isfinite(values)]
    return values if values.size else np.zeros(1, values.dtype)


def cut(length: int, size: int) -> Iterator[slice]:
    """Cut `length` slices into runs of at most `size`."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def near(shape: tuple[int, ...], arrays: int = 1) -> Iterator[slice]:
    """Cut the rows of slices (..., h, w) into runs that a core keeps near itself, `NEAR_PIXELS`."""
    *slices, h, w = shape
    yield from cut(h, max(NEAR_PIXELS // max(math.prod(slices) * w * arrays, 1), 1))
