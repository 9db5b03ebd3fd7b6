"""The moving volume's slice on screen where a pose puts it: a ghost, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_fusion.gui.frame import Frame
from napari_fusion.gui.fuse.preview import Spot, hide_preview, one_slice, show_preview, slice_at
from napari_fusion.gui.layers import LIVE, LayerData, to_layer
from napari_fusion.registration import Alignment
from napari_fusion.volume import Step, Volume

GHOST = "ghost"
"""The kind of this layer among those of one slice."""

OVER = 0.5
"""Its opacity: what lies below has to be seen too."""


@dataclass(frozen=True, eq=False)
class Ghost:
    """A moving volume to be seen over a fixed one.

    Parameters
    ----------
    moving
        The volume.
    look
        Window and colours it is shown with, as napari's keywords.
    frame
        The viewer's axes.
    """

    moving: Volume
    look: dict[str, Any]
    frame: Frame

    @classmethod
    def of(cls, layer: Any, volume: Volume, frame: Frame) -> Ghost:
        """Take a volume, to look as a layer does."""
        look = {name: getattr(layer, name) for name in ("contrast_limits", "colormap", "gamma")}
        return cls(volume, look, frame)

    def at(self, alignment: Alignment, spot: Spot) -> LayerData:
        """Draw the slice at a spot of the fixed grid; linear, nothing outside the moving volume.

        Raises
        ------
        GeometryError
            The fixed grid is oblique to the view, or has no slice there.
        """
        from scipy.ndimage import map_coordinates

        axis, index = slice_at(alignment.fixed, self.frame, spot)
        grid = one_slice(alignment.fixed, axis, index)
        steps = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
        places = self.moving.grid.lps_to_index(alignment.map_points(grid.index_to_lps(steps)))
        values = map_coordinates(
            self.moving.array,
            np.moveaxis(places, -1, 0),
            output=np.float32,
            order=1,
            cval=self.moving.background,
        )
        drawn = Volume(
            values, grid, self.moving.modality, self.moving.unit, history=(Step("ghost"),)
        )
        array, keywords, kind = to_layer(drawn, self.frame, name="moving, here")
        keywords["metadata"] |= {LIVE: GHOST}
        return array, keywords | self.look | {"opacity": OVER}, kind


def show_ghost(viewer: Any, ghost: Ghost, alignment: Alignment) -> None:
    """Show a ghost on the slice that is on screen; another slice never shows it."""
    show_preview(viewer, ghost.at(alignment, Spot.of(viewer)))


def hide_ghost(viewer: Any) -> None:
    """Take the ghost away, if there is one."""
    hide_preview(viewer, GHOST)
