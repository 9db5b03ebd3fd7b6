"""Values that a user gave, checked against a pydantic model."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_fusion.errors import ParameterError

M = TypeVar("M", bound=BaseModel)


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
