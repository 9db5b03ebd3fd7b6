"""The line of Python that repeats a click."""

from __future__ import annotations

from typing import Any


def line_of(verb: str, /, *given: Any, **asked: Any) -> str:
    """Write the line that does in napari's console what was just clicked.

    Parameters
    ----------
    verb
        A public name of `napari_fusion.gui` whose first argument is the viewer.
    given
        Its next arguments, in order.
    asked
        Those that go by name; one that is None goes unsaid.

    Returns
    -------
    str
        One line, its own import before it.
    """
    words = ["viewer", *map(repr, given)]
    words += [f"{name}={value!r}" for name, value in asked.items() if value is not None]
    return f"from napari_fusion.gui import {verb}; {verb}({', '.join(words)})"


def unless_usual(accept: str) -> str | None:
    """Give the verdict that is accepted; None where it is the one that goes without saying."""
    return None if accept == "CHECK" else accept
