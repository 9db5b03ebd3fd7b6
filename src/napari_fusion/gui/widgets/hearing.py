"""What a widget hears of a viewer ends with the widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

from qtpy.compat import isalive


def hear(slot: Callable[[Any], object], *emitters: Any) -> None:
    """Call a widget's method on a viewer's events, for as long as there is the widget.

    napari deletes a dock with all its widgets, and the viewer lives on.

    Parameters
    ----------
    slot
        A method of the widget; it gets the event.
    emitters
        napari's events, of a viewer or a layer.
    """
    known = WeakMethod(slot)

    def heard(event: Any = None) -> None:
        method = known()
        if method is not None and isalive(method.__self__):  # type: ignore[attr-defined]
            method(event)
            return
        for emitter in emitters:
            emitter.disconnect(heard)

    for emitter in emitters:
        emitter.connect(heard)
