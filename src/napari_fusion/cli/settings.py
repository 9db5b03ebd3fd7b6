"""Settings written in JSON files, read and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_fusion.errors import ParameterError, ReadError

M = TypeVar("M", bound=BaseModel)


def read_object(path: Path | None, what: str) -> dict[str, Any]:
    """Read a JSON object; {} without a path.

    Parameters
    ----------
    path
        The file.
    what
        What it is called in messages.

    Raises
    ------
    ReadError
        The file is not there or not a JSON object.
    """
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(f"{what} {path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ReadError(f"{what} {path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ReadError(f"{what} {path} is not a JSON object")
    return value


def checked(model: type[M], values: Any, what: str) -> M:
    """Make settings of a pydantic model.

    Raises
    ------
    ParameterError
        The first value that does not fit, by name.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ParameterError(f"{what}: {where or 'content'}: {first['msg']}") from error
