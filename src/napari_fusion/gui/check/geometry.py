"""What was repaired in a volume, in millimetres: told from its history, for the chosen layer."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGroupBox, QLabel, QVBoxLayout, QWidget

from napari_fusion.gui.check.sides import SIDES_UNKNOWN
from napari_fusion.gui.colour.rgb import RGB, Coloured
from napari_fusion.gui.layers import LIVE, VOLUME, place_of, was_moved
from napari_fusion.gui.widgets.hearing import hear
from napari_fusion.volume import JSON, Volume

MOVES = frozenset({"scale", "translate", "rotate", "shear", "affine"})
"""What happens to a layer that is moved by hand."""


class GeometryPanel(QGroupBox):
    """Size, place and repairs of the layer that is selected in napari's list.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    moved = Signal()
    """A layer lies elsewhere now, or is called otherwise."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("Geometry", parent)
        self._viewer = viewer
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setToolTip("What reading and every later step did to the selected layer.")
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        hear(self.refresh, viewer.layers.selection.events.active)
        hear(self._layer_changed, viewer.layers.events)
        self.refresh()

    def _layer_changed(self, event: Any) -> None:
        if event.type in {*MOVES, "metadata", "name"} and is_told_of(self._viewer, event):
            self.refresh()
            self.moved.emit()

    def refresh(self, event: object = None) -> None:
        """Tell of the layer that is selected now."""
        self.words.setText("\n".join(told(self._viewer.layers.selection.active)))


def is_told_of(viewer: Any, event: Any) -> bool:
    """Whether an event of the list of layers is about one of them that is not the preview."""
    index = getattr(event, "index", None)
    if not isinstance(index, int) or not 0 <= index < len(viewer.layers):
        return False
    return LIVE not in viewer.layers[index].metadata


def told(layer: Any) -> list[str]:
    """Tell a layer's geometry, one sentence a line; a shape before each says how bad it is."""
    if layer is None:
        return ["Select a layer."]
    coloured = layer.metadata.get(RGB)
    if isinstance(coloured, Coloured):
        told_of = _repairs([step.to_json() for step in coloured.history])
        lines = [f"{layer.name}: {coloured.grid.describe()}"]
        return lines + [f"▲ {verb}: {warning}" for verb, warning in dict.fromkeys(told_of)]
    volume = layer.metadata.get(VOLUME)
    if not isinstance(volume, Volume):
        return ["⚠ This layer holds no patient position."]
    place = place_of(layer)
    lines = [f"{layer.name}: {volume.grid.describe()}"]
    lines += [f"⚠ {SIDES_UNKNOWN}"] if volume.sides_unknown else []
    lines += [f"▲ {verb}: {warning}" for verb, warning in repairs(volume)]
    lines += ["▲ moved by hand since it was opened"] if was_moved(layer) else []
    lines += [f"▲ view: {place.note}"] if place is not None and place.note else []
    return lines if len(lines) > 1 else [*lines, "✔ Nothing was repaired."]


def repairs(volume: Volume) -> list[tuple[str, str]]:
    """List what happened to a volume that its reader has to know: the verb, and the sentence.

    Of a fused volume, its sources' repairs come with their names.
    """
    steps = [step.to_json() for step in volume.history]
    return list(dict.fromkeys(_repairs(steps)))


def _repairs(steps: Sequence[Any], name: str = "") -> Iterator[tuple[str, str]]:
    for step in steps:
        parameters: dict[str, JSON] = step["parameters"]
        inner = parameters.get("history")
        if step["name"] == "source" and isinstance(inner, list):
            source = str(parameters.get("name") or parameters.get("modality") or "source")
            yield from _repairs(inner, source)
            continue
        verb = f"{name}, {step['name']}" if name else str(step["name"])
        for warning in step["warnings"]:
            yield verb, warning
