"""Two layers of a viewer side by side in another viewer: what the fourth view may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_fusion.errors import FusionError
from napari_fusion.gui.compare.comparison import Comparison, leave_comparison
from napari_fusion.gui.compare.modes import CompareOptions, Mode
from napari_fusion.gui.views.mirror import Twin


class Pair:
    """Shows A and B, however much of them is seen in the source; arrays are shared.

    Where they cannot be compared nothing is shown. Its slices lie on a lattice of the two alone, up
    to half a slice beside those of a viewer that shows more; its words tell where.

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
        a, b = others
        try:
            comparison = Comparison(target, a, b, Mode.SIDES, CompareOptions())
            comparison.show(Mode.SIDES, CompareOptions())
        except FusionError:  # apart, or no volumes of single values
            leave_comparison(target)

    def close(self) -> None:
        """Stop, and let go of the layers."""
        leave_comparison(self._target)
        for twin in self._twins:
            twin.part()
        self._target.layers.clear()
