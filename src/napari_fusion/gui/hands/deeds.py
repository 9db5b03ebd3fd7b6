"""Layers that come, go, move and change their window become deeds that can be taken back."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Slot

from napari_fusion.gui.check.geometry import MOVES
from napari_fusion.gui.covered import hide, is_shown
from napari_fusion.gui.layers import LIVE, place_of
from napari_fusion.gui.undo import Deed, UndoStack

GEOMETRY = ("scale", "translate", "rotate", "shear", "affine")


class Deeds(QObject):
    """Watch a viewer's layers and remember what is done to them.

    The preview of *Live* comes and goes by itself and is no deed; nor is a layer that is drawn anew
    in another frame. A layer that a picture of it covers counts as seen.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    stack
        Where deeds are remembered.
    """

    def __init__(self, viewer: Any, stack: UndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._stack = viewer, stack
        self._places = {layer: _place(layer) for layer in viewer.layers}
        self._seen = {layer: is_shown(layer) for layer in viewer.layers}
        self._touched: list[Any] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._settle)
        self._heard = (
            (viewer.layers.events.inserted, self._inserted),
            (viewer.layers.events.removing, self._removing),
            (viewer.layers.events, self._changed),
        )
        for event, heard in self._heard:
            event.connect(heard)

    def close(self) -> None:
        """Stop watching."""
        for event, heard in self._heard:
            event.disconnect(heard)
        self._places.clear()
        self._seen.clear()

    def windowed(self, layer: Any, before: tuple[float, float]) -> None:
        """Remember that a layer's window was changed by hand, from `before` to what it is."""
        after = tuple(layer.contrast_limits)
        if after != tuple(before):
            self._did(layer, "contrast_limits", before, after, "window of {}")

    def _did(self, layer: Any, name: str, before: Any, after: Any, words: str) -> None:
        self._stack.did(
            Deed(
                words.format(layer.name),
                lambda: setattr(layer, name, before),
                lambda: setattr(layer, name, after),
            )
        )

    def _inserted(self, event: Any) -> None:
        layer = event.value
        if LIVE in layer.metadata:
            return
        self._places[layer], self._seen[layer] = _place(layer), is_shown(layer)
        self._stack.did(
            Deed(f"{layer.name} added", lambda: self._take(layer), lambda: self._put(layer))
        )

    def _removing(self, event: Any) -> None:
        layer, index = self._viewer.layers[event.index], event.index
        self._places.pop(layer, None)
        self._seen.pop(layer, None)
        if LIVE not in layer.metadata:
            self._stack.did(
                Deed(
                    f"{layer.name} removed",
                    lambda: self._put(layer, index),
                    lambda: self._take(layer),
                    int(getattr(layer.data, "nbytes", 0)),
                )
            )

    def _changed(self, event: Any) -> None:
        index = getattr(event, "index", None)
        if not isinstance(index, int) or not 0 <= index < len(self._viewer.layers):
            return
        layer = self._viewer.layers[index]
        if event.type == "visible" and layer in self._places:
            before, now = self._seen[layer], is_shown(layer)
            self._seen[layer] = now
            if self._stack.is_grouping and before != now:  # napari tells of what stays, too
                self._stack.did(
                    Deed(
                        f"{layer.name} shown or hidden",
                        lambda: _show(layer, on=before),
                        lambda: _show(layer, on=now),
                    )
                )
        elif event.type in MOVES and layer in self._places:
            if self._stack.is_busy:
                self._places[layer] = _place(layer)
            elif layer not in self._touched:
                self._touched.append(layer)
                self._timer.start(0)  # when scale and translate have both been set

    @Slot()
    def _settle(self) -> None:
        touched, self._touched = self._touched, []
        for layer in touched:
            if layer not in self._places:
                continue
            (before, drawn), now = self._places[layer], _place(layer)
            self._places[layer] = now
            if drawn is now[1] and not _alike(before, now[0]):
                self._moved(layer, before, now[0])

    def _moved(self, layer: Any, before: dict[str, Any], now: dict[str, Any]) -> None:
        self._stack.did(
            Deed(f"{layer.name} moved", lambda: _move(layer, before), lambda: _move(layer, now))
        )

    def _take(self, layer: Any) -> None:
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _put(self, layer: Any, index: int | None = None) -> None:
        if layer not in self._viewer.layers:
            end = len(self._viewer.layers)
            self._viewer.layers.insert(end if index is None else min(index, end), layer)


def _place(layer: Any) -> tuple[dict[str, Any], Any]:
    """Give where a layer lies, and the place it was drawn for."""
    geometry = {
        name: np.array(getattr(layer, name)) for name in GEOMETRY
    }  # its own change in place
    return geometry, place_of(layer)


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(np.asarray(one[name]), np.asarray(other[name])) for name in GEOMETRY)


def _show(layer: Any, *, on: bool) -> None:
    """Show or hide a layer for good, whatever covers it by now."""
    if on:
        layer.visible = True
    else:
        hide(layer)


def _move(layer: Any, place: dict[str, Any]) -> None:
    for name, value in place.items():
        setattr(layer, name, value)
