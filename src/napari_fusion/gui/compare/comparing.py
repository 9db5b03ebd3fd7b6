"""Compare two layers: what the buttons do, from napari's console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ParameterError
from napari_fusion.gui.actions import named
from napari_fusion.gui.compare.comparison import Comparison, find_comparison, leave_comparison
from napari_fusion.gui.compare.modes import OPTIONS, CompareOptions, Mode, mode_of
from napari_fusion.gui.layers import LIVE
from napari_fusion.gui.line import line_of

if TYPE_CHECKING:
    from napari.layers import Layer


def compare_layers(
    viewer: Any,
    a: str | Layer,
    b: str | Layer,
    mode: str | Mode = "checkerboard",
    **options: float | str,
) -> Layer | None:
    """Compare two layers slice by slice, in every plane; nothing of them is changed.

    The pictures follow the layers' windows, colours and places. They are drawn when a slice is
    shown, so that none can stand for another one.

    Parameters
    ----------
    viewer
        The napari viewer.
    a, b
        Layers or their names.
    mode
        "A", "B", "blend", "swipe", "checkerboard", "edges" (of A on B), "two colours" (A orange, B
        blue), "difference", "flicker", "rock", "side by side", or "fused" to end comparing.
    **options
        What the mode looks at, as in `CompareOptions`: ``share``, ``position``, ``direction``,
        ``size_mm``, ``width_mm``, ``rate_hz``.

    Returns
    -------
    napari.layers.Image or None
        The layer of pictures, the upper one where there are two; None for "fused".

    Raises
    ------
    ParameterError
        There is no such layer, mode or option, or the viewer shows no slice.
    GeometryError
        The layers have no point in common.
    """
    asked, found = CompareOptions(**options), mode_of(mode)
    first, second = (_layer(viewer, named(one)) for one in (a, b))
    if first is second:
        raise ParameterError("choose different layers: the same one was named twice")
    return compare(viewer, first, second, found, asked)


def compare(viewer: Any, a: Any, b: Any, mode: Mode, options: CompareOptions) -> Layer | None:
    """Do as `compare_layers` on layers of the viewer, with everything checked."""
    now = find_comparison(viewer)
    if mode is Mode.FUSED:
        leave_comparison(viewer)
        return None
    if now is not None and (now.a, now.b) == (a, b):
        return now.show(mode, options)
    new = Comparison(viewer, a, b, mode, options)
    leave_comparison(viewer)
    return new.show(mode, options)


def compare_line(a: str, b: str, mode: Mode, options: CompareOptions) -> str:
    """Write the Python of a comparison, with the options its mode looks at."""
    asked = {name: getattr(options, name) for name in OPTIONS.get(mode, ())}
    return line_of("compare_layers", a, b, mode.value, **asked)


def _layer(viewer: Any, name: str) -> Any:
    usable = [one for one in viewer.layers if LIVE not in one.metadata]
    for layer in usable:
        if layer.name == name:
            return layer
    have = ", ".join(repr(layer.name) for layer in usable) or "none"
    raise ParameterError(f"there is no layer {name!r}; there are: {have}")
