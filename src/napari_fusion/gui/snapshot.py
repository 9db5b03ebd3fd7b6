"""The viewer before and after an action: layers taken for reading, results put on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ParameterError
from napari_fusion.gui.check.gate import Source, Standing
from napari_fusion.gui.colour.rgb import RGB, Coloured, rgb_layer
from napari_fusion.gui.covered import hide
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import LIVE, LayerData, frame_of, place_of, source_of, to_layer
from napari_fusion.gui.open.opening import announce
from napari_fusion.gui.views.letters import show_letters

if TYPE_CHECKING:
    from napari.layers import Layer

STATE = "napari_fusion_state"
"""Key of a result layer's metadata: how far it may be trusted, in words."""

ALIGNMENT = "napari_fusion_alignment"
"""Key of a moved layer's metadata: the `Alignment` it was drawn with."""

ORIGINAL = "napari_fusion_original"
"""Key of a moved layer's metadata: the volume as it was before."""

SHARES = "napari_fusion_shares"
"""Key of a fused layer's metadata: every source's name, and the shares that are kept by name."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The layers of a viewer as they were when the user asked, safe to read in any thread."""

    frame: Frame | None
    taken: dict[str, LayerData]
    live: dict[str, Any]
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, viewer: Any) -> Snapshot:
        """Take the layers' data by reference; nothing is copied."""
        from napari.layers import Image, Labels

        layers = [
            layer
            for layer in viewer.layers
            if isinstance(layer, (Image, Labels)) and LIVE not in layer.metadata
        ]
        return cls(
            frame_of(viewer),
            {layer.name: layer.as_layer_data_tuple() for layer in layers},
            {layer.name: layer for layer in layers},
        )

    def check(self, names: Sequence[str]) -> None:
        """Refuse names no image layer has, and the same layer twice."""
        known = [name for name, (_, _, kind) in self.taken.items() if kind == "image"]
        for name in names:
            if not name:
                raise ParameterError("choose a fixed and a moving layer first")
            if name not in known:
                have = ", ".join(map(repr, known)) or "none"
                raise ParameterError(f"there is no image layer {name!r}; there are: {have}")
        if len(set(names)) < len(names):
            raise ParameterError("choose different layers: the same one was named twice")

    def source(self, name: str) -> Source:
        """Read a layer's volume and what it was aligned to."""
        self.used.add(name)
        return source_of(*self.taken[name], frame=self.frame)

    def check_open(self, viewer: Any) -> None:
        """Refuse what was made from layers that have been closed since."""
        for name in sorted(self.used):
            if self.live[name] not in viewer.layers:
                raise ParameterError(f"{name!r} was closed meanwhile: nothing was added")

    def ids(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give napari's unique ids of layers, which renaming does not change."""
        return tuple(str(self.live[name].unique_id) for name in names)

    def window(self, name: str) -> tuple[float, float]:
        """Give the window an image layer is shown with."""
        low, high = self.taken[name][1]["contrast_limits"]
        return float(low), float(high)

    def layers(self, names: Sequence[str]) -> tuple[Layer, ...]:
        """Give the layers that had these names; they may have others by now."""
        return tuple(self.live[name] for name in names)

    def replaced(self, names: Sequence[str]) -> tuple[Layer, ...]:
        """Give what a picture of some layers takes the place of: them, and former pictures."""
        told = {name: data[1]["metadata"] for name, data in self.taken.items()}
        former = [name for name, has in told.items() if SHARES in has or RGB in has]
        return self.layers([*names, *former])

    def turned(self, frame: Frame) -> list[tuple[Any, LayerData]]:
        """Draw every layer of ours anew that is not in `frame`."""
        redrawn = []
        for name, layer in self.live.items():
            place = place_of(layer)
            if place is not None and not place.frame.matches(frame):
                source = source_of(*self.taken[name], frame=self.frame)
                data = to_layer(source.volume, frame, name=name, aligned=source.aligned)
                redrawn.append((layer, data))
            coloured = layer.metadata.get(RGB)
            if isinstance(coloured, Coloured) and not coloured.frame.matches(frame):
                redrawn.append((layer, rgb_layer(replace(coloured, frame=frame), name)))
        return redrawn


@dataclass(frozen=True, eq=False)
class Result:
    """What an action computed, ready to be shown.

    Parameters
    ----------
    standing
        How far it may be trusted.
    layers
        What to add.
    turned
        Layers to draw anew because the viewer's frame changes, with their new data.
    hidden
        Layers the result takes the place of.
    """

    standing: Standing
    layers: list[LayerData]
    turned: list[tuple[Any, LayerData]] = field(default_factory=list)
    hidden: tuple[Layer, ...] = ()


def show(viewer: Any, result: Result) -> list[Layer]:
    """Add what was computed to the viewer, in the window's thread; originals are only hidden."""
    return [layer for layer in shown_stepwise(viewer, result) if layer is not None]


def shown_stepwise(viewer: Any, result: Result) -> Iterator[Layer | None]:
    """Do as `show`, one layer a step, so that the window can draw in between.

    Yields the layer that was added, None where one was only changed.
    """
    from napari.layers import Layer

    announce([data for _, data in result.turned])
    show_letters(viewer)
    for layer, data in result.turned:
        if layer in viewer.layers:
            redraw(layer, *data)
            yield None
    for layer in result.hidden:
        if layer in viewer.layers:
            hide(layer)
            yield None
    for data in result.layers:
        added = viewer.add_layer(Layer.create(*data))
        if data is result.layers[0]:
            first = added
        yield added
    viewer.layers.selection.active = first


def redraw(layer: Any, array: Any, keywords: dict[str, Any], kind: str) -> None:
    """Show a layer's volume in another frame; window, colours and visibility stay."""
    layer.data = array
    layer.scale, layer.translate = keywords["scale"], keywords["translate"]
    layer.metadata = {**layer.metadata, **keywords["metadata"]}
