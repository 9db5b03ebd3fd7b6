"""Values that a user gave, checked against a pydantic model, refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_fusion.errors import ParameterError

M = TypeVar("M", bound=BaseModel)


class Settings(BaseModel):
    """Base of what can be set: plain JSON values, frozen.

    Raises
    ------
    ParameterError
        The first value that does not fit, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ParameterError(_first(error, type(self))) from error


def checked(model: type[M], values: Any, what: str) -> M:
    """Make settings of a pydantic model; a model's own instance stays as it is.

    Raises
    ------
    ParameterError
        The first value that does not fit, by name.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ParameterError(f"{what}: {_first(error, model)}") from error


def meant(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known word was meant, in whatever case; empty where none is near."""
    spelled = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), list(spelled), n=1, cutoff=0.5)
    return f" (did you mean {spelled[near[0]]!r}?)" if near else ""


def _first(error: ValidationError, model: type[BaseModel]) -> str:
    """Say in one sentence what does not fit first."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    if said.startswith("Input should "):
        given = first["input"]
        simple = isinstance(given, str | int | float | None)
        return f"{where or 'it'}{said.removeprefix('Input')}{f', not {given!r}' if simple else ''}"
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        near = get_close_matches(where, list(model.model_fields), n=1)
        told = f"did you mean {near[0]!r}?" if near else f"there are {_listed(model)}"
        return f"there is no {where!r} here: {told}"
    return f"{where}: {said}" if where else said


def _listed(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)
