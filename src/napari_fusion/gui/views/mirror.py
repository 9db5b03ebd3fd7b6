"""The layers of one viewer in another: arrays are shared, and what is changed in one is in both."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from napari_fusion.gui.compare.comparison import find_comparison
from napari_fusion.gui.compare.modes import Mode

SHOWN = (
    "contrast_limits",
    "colormap",
    "gamma",
    "opacity",
    "visible",
    "blending",
    "interpolation2d",
    "name",
    "scale",
    "translate",
    "rotate",
    "shear",
    "affine",
    "metadata",
)
"""What two twins have in common, besides their data."""

PAINTED = {"paint", "labels_update"}
"""Events of a layer whose array was written into."""


class Twin:
    """Two layers that show the same array, kept alike in both directions.

    Parameters
    ----------
    ours, other
        A layer, and the one made of its data.
    apart
        Names of what each keeps for itself.
    """

    def __init__(self, ours: Any, other: Any, apart: Collection[str] = ()) -> None:
        self.ours, self.other = ours, other
        self._shown = frozenset(SHOWN) - frozenset(apart)
        self._busy = False
        ours.events.connect(self._changed)
        other.events.connect(self._changed)

    def part(self) -> None:
        """Stop."""
        self.ours.events.disconnect(self._changed)
        self.other.events.disconnect(self._changed)

    def _changed(self, event: Any) -> None:
        here = getattr(event, "source", None)
        if self._busy or not (here is self.ours or here is self.other):
            return
        there = self.other if here is self.ours else self.ours
        self._busy = True
        try:
            self._echo(event, here, there)
        finally:
            self._busy = False

    def _echo(self, event: Any, here: Any, there: Any) -> None:
        if event.type == "data":
            if not str(getattr(event, "action", "")).endswith("ing"):  # not while it is changed
                there.data = here.data
        elif event.type == "mode":
            if str(there.mode) != str(here.mode):
                there.mode = str(here.mode)
        elif event.type in PAINTED:
            there.refresh()
        elif event.type in self._shown and hasattr(there, event.type):
            setattr(there, event.type, getattr(here, event.type))


class Mirror:
    """Keep a viewer's layers in another viewer: those that come, go, and change places.

    Parameters
    ----------
    source
        The viewer whose layers are shown.
    target
        An empty viewer model.
    """

    def __init__(self, source: Any, target: Any) -> None:
        self._source, self._target = source, target
        self._twins: dict[Any, Twin] = {}
        events, chosen = source.layers.events, source.layers.selection.events
        self._heard = (
            (chosen.active, self._chosen),
            (events.inserted, self._inserted),
            (events.removed, self._removed),
            (events.reordered, self._reordered),
            (source.canvas.grid.events.enabled, self._split),
        )
        for event, heard in self._heard:
            event.connect(heard)
        for layer in source.layers:
            self._add(layer)
        self._chosen()
        self._split()

    def close(self) -> None:
        """Stop, and let go of every layer."""
        for event, heard in self._heard:
            event.disconnect(heard)
        for twin in self._twins.values():
            twin.part()
        self._twins.clear()
        self._target.canvas.grid.enabled = False
        self._target.layers.clear()

    def _split(self, event: object = None) -> None:
        """Lay what is compared side by side here, too; napari's own grid stays the source's."""
        there, here = self._source.canvas.grid, self._target.canvas.grid
        compared = find_comparison(self._source)
        on = there.enabled and compared is not None and compared.mode is Mode.SIDES
        if on == here.enabled:
            return
        here.stride, here.shape, here.enabled = there.stride, there.shape, on

    def twin(self, layer: Any) -> Any:
        """Give the layer that shows the same array in the other viewer; None without one."""
        found = self._twins.get(layer)
        return found.other if found else None

    def _chosen(self, event: object = None) -> None:
        """Let napari's tools act on the layer they act on in the source."""
        active = self._source.layers.selection.active
        self._target.layers.selection.active = None if active is None else self.twin(active)

    def _inserted(self, event: Any) -> None:
        self._add(event.value)
        self._reordered()

    def _removed(self, event: Any) -> None:
        twin = self._twins.pop(event.value, None)
        if twin is not None:
            twin.part()
            self._target.layers.remove(twin.other)

    def _add(self, layer: Any) -> None:
        from napari.layers import Layer

        if layer in self._twins or layer.ndim > 3:  # such a layer would hide where the planes lie
            return
        other = self._target.add_layer(Layer.create(*layer.as_layer_data_tuple()))
        self._twins[layer] = Twin(layer, other)

    def _reordered(self, event: object = None) -> None:
        wanted = [self._twins[layer].other for layer in self._source.layers if layer in self._twins]
        for index, layer in enumerate(wanted):
            if self._target.layers[index] is not layer:
                self._target.layers.move(self._target.layers.index(layer), index)
