"""Two layers of a viewer side by side in another viewer: what the fourth view may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_fusion.errors import FusionError
from napari_fusion.gui.compare.comparison import Comparison, find_comparison, leave_comparison
from napari_fusion.gui.compare.modes import CompareOptions, Mode
from napari_fusion.gui.views.mirror import Twin

PLACED = frozenset({"data", "scale", "translate", "rotate", "shear", "affine"})
"""What may happen to a layer that moves it."""


class Pair:
    """Shows A and B, however much of them is seen in the source; arrays are shared.

    Where they cannot be compared nothing is shown, until they can. Its slices lie on a lattice of
    the two alone, up to half a slice beside those of a viewer that shows more; its words tell
    where.

    Parameters
    ----------
    source
        The viewer whose layers are shown.
    target
        An empty viewer model.
    names
        The two layers.
    """

    def __init__(self, source: Any, target: Any, names: Sequence[str]) -> None:
        from napari.layers import Layer

        self._target = target
        found = [source.layers[name] for name in names if name in source.layers]
        if len(found) < 2 or any(layer.ndim != 3 for layer in found):
            self._twins = []
            return
        others = [target.add_layer(Layer.create(*one.as_layer_data_tuple())) for one in found]
        self._twins = [
            Twin(*both, apart={"visible", "opacity"}) for both in zip(found, others, strict=True)
        ]
        for layer in others:
            layer.visible = False  # the pictures are drawn of it
            layer.events.connect(self._moved)
        self._compare()

    def _compare(self) -> None:
        a, b = (twin.other for twin in self._twins)
        try:
            comparison = Comparison(self._target, a, b, Mode.SIDES, CompareOptions())
            comparison.show(Mode.SIDES, CompareOptions())
        except FusionError:  # apart, or no volumes of single values
            leave_comparison(self._target)

    def _moved(self, event: Any) -> None:
        """Show A and B again once they have come together."""
        if event.type in PLACED and find_comparison(self._target) is None:
            self._compare()

    def close(self) -> None:
        """Stop, and let go of the layers."""
        for twin in self._twins:
            twin.other.events.disconnect(self._moved)
            twin.part()
        leave_comparison(self._target)
        self._target.layers.clear()
