"""``napari-fusion methods``: what a picture can be fused by, and what each method may hide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_fusion.cli.screen import AsJson, say, say_json

if TYPE_CHECKING:
    from napari_fusion.fusion.registry import Method, Parameter


def methods(
    name: Annotated[
        str | None, typer.Argument(help="Tell all about this one.", show_default="a line of each")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the fusion methods; of one, its formula, parameters, source and what it may hide."""
    from napari_fusion import fusion

    found = [fusion.lookup(name)] if name else list(fusion.methods())
    if as_json:
        say_json({"methods": [_shown(method) for method in found]})
        return
    if not name:
        width = max(len(method.name) for method in found)
        for method in found:
            say(f"{method.name:<{width}}  {method.title}{' ▲' if method.caution else ''}")
        say("\n▲ may hide something: napari-fusion methods NAME tells what, and the parameters.")
        return
    for method in found:
        _tell(method)


def _tell(method: Method) -> None:
    say(f"{method.title} ({method.name})\n{method.cite}\n")
    if method.warning:
        say(f"{method.warning}\n")
    told = method.doc.partition("\nParameters\n")[0].strip()
    say(re.sub(r":math:`(.+?)`", r"\1", told, flags=re.DOTALL))
    if method.parameters:
        say("\nGiven as --param name=value:")
    for one in method.parameters:
        say(f"  {one.name}={one.default}  ({_values(one)})\n      {one.help}")


def _values(one: Parameter) -> str:
    """Say which values a parameter takes."""
    if one.choices:
        return " | ".join((*one.choices, *([f"FILE{one.suffix}"] if one.suffix else [])))
    low = "" if one.minimum is None else f" from {one.minimum:g}"
    high = "" if one.maximum is None else f" to {one.maximum:g}"
    return f"{one.kind}{low}{high}"


def _shown(method: Method) -> dict[str, Any]:
    parameters = [
        {
            "name": one.name,
            "default": one.default,
            "kind": one.kind,
            "minimum": one.minimum,
            "maximum": one.maximum,
            "choices": list(one.choices),
            "suffix": one.suffix,
        }
        for one in method.parameters
    ]
    return {
        "name": method.name,
        "title": method.title,
        "cite": method.cite,
        "caution": method.caution,
        "parameters": parameters,
    }
