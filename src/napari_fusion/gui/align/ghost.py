"""The moving volume on screen where a pose puts it: a ghost, before anything is drawn for good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from napari_fusion.gui.frame import Frame, check_slice
from napari_fusion.gui.fuse.preview import grid_on_screen, hide_preview, show_preview
from napari_fusion.gui.fuse.slices import Cut, Slices
from napari_fusion.gui.layers import LIVE, PLACE, VOLUME, LayerData, to_layer
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL
from napari_fusion.registration import Alignment
from napari_fusion.volume import Step, Volume

GHOST = "ghost"
"""The kind of this layer among the previews."""

OVER = 0.5
"""Its opacity: what lies below has to be seen too."""


@dataclass(frozen=True, eq=False)
class Posed:
    """Slices of a moving volume on a fixed grid, drawn when they are looked at.

    Linear; nothing outside the moving volume.
    """

    moving: Volume
    alignment: Alignment

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the fixed grid."""
        return self.alignment.fixed.shape

    def make(self, cut: Cut) -> NDArray[np.float32]:
        """Draw the slice across an axis, (1, h, w)."""
        axis, index = cut
        grid = self.alignment.fixed
        first = np.zeros(3)
        first[axis] = index
        shape = tuple(1 if i == axis else n for i, n in enumerate(grid.shape))
        to_moving = np.linalg.inv(self.moving.grid.affine)
        looked_up = {"output": np.float32, "order": 1, "cval": self.moving.background}
        if self.alignment.linear:
            from scipy.ndimage import affine_transform

            whole = to_moving @ self.alignment.matrix @ grid.affine
            offset = whole[:3, :3] @ first + whole[:3, 3]
            turn, keywords = whole[:3, :3], looked_up | {"output_shape": shape}
            drawn = affine_transform(self.moving.array, turn, offset, **keywords)
        else:
            from scipy.ndimage import map_coordinates

            steps = np.moveaxis(np.indices(shape), 0, -1) + first
            lps = self.alignment.map_points(grid.index_to_lps(steps))
            places = np.moveaxis(self.moving.grid.lps_to_index(lps), -1, 0)
            drawn = map_coordinates(self.moving.array, places, **looked_up)
        return np.asarray(drawn.squeeze(axis)[None])

    seen = make

    def __deepcopy__(self, memo: object) -> Self:
        """Give the same slices to a layer that is duplicated."""
        return self


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

    def at(self, alignment: Alignment) -> LayerData:
        """Draw the volume on the fixed grid, slice by slice as it is looked at.

        Raises
        ------
        GeometryError
            The fixed grid is oblique to the view.
        """
        grid = grid_on_screen(alignment.fixed, self.frame)
        slices = cast("Any", Slices(Posed(self.moving, replace(alignment, fixed=grid))))
        nothing = np.broadcast_to(np.float32(0), grid.shape)
        kind = self.moving.modality, self.moving.unit
        drawn = Volume(nothing, grid, *kind, history=(Step("ghost"),))
        _, keywords, layer_type = to_layer(drawn, self.frame, name="moving, here")
        metadata = keywords["metadata"]
        keywords["metadata"] = {
            VOLUME: replace(drawn, array=slices),
            PLACE: replace(metadata[PLACE], array=slices),
            LIVE: GHOST,
            ALIGNMENT: alignment,  # its values are read in the volume itself
            ORIGINAL: self.moving,
        }
        return slices, keywords | self.look | {"opacity": OVER}, layer_type


def show_ghost(viewer: Any, ghost: Ghost, alignment: Alignment) -> None:
    """Show a ghost in every plane."""
    check_slice(viewer, "a preview")
    show_preview(viewer, ghost.at(alignment))


def hide_ghost(viewer: Any) -> None:
    """Take the ghost away, if there is one."""
    hide_preview(viewer, GHOST)
