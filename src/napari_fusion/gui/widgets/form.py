"""A method's signature as a form: ranges, defaults and help come from the method itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, create_widget

from napari_fusion.fusion import Method, Parameter
from napari_fusion.gui.choices import networks

STEPS = 100
"""A number with both limits moves by a hundredth of its range."""


def method_form(method: Method) -> Container[Any]:
    """Make a form with one field per parameter; ``form.asdict()`` gives the values.

    Parameters
    ----------
    method
        A registered fusion method.
    """
    fields = [_field(parameter) for parameter in method.parameters]
    form: Container[Any] = Container(widgets=fields, name=method.name)
    form.margins = (0, 0, 0, 0)
    return form


def _field(parameter: Parameter) -> Any:
    options: dict[str, Any] = {"tooltip": parameter.help}
    if parameter.kind == "choice":
        options["choices"] = partial(_choices, parameter)
    else:
        low, high = parameter.minimum, parameter.maximum
        options["min"] = parameter.type(low) if low is not None else -1_000_000
        options["max"] = parameter.type(high) if high is not None else 1_000_000
    if parameter.kind == "float":
        bounded = parameter.minimum is not None and parameter.maximum is not None
        options["step"] = (options["max"] - options["min"]) / STEPS if bounded else 0.1
    return create_widget(
        value=parameter.default,
        annotation=parameter.type,
        name=parameter.name,
        label=parameter.name.replace("_", " "),
        widget_type="ComboBox" if parameter.kind == "choice" else None,
        options=options,
    )


def _choices(parameter: Parameter, _: Any) -> list[tuple[str, str]]:
    """Give words and values: the words allowed, and the user's own files where they will do."""
    files = [Path(path) for path in (networks() if parameter.suffix else ())]
    short = [f"{path.parent.name}/{path.name}" for path in files]
    own = [
        (name if short.count(name) == 1 else str(path), str(path))
        for name, path in zip(short, files, strict=True)
    ]
    return [*((word, word) for word in parameter.choices), *own]
