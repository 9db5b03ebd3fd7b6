"""The fused picture of the slice on screen, before the whole volume is fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError
from napari_fusion.fusion import fuse_slice_with_shares
from napari_fusion.grid import Grid
from napari_fusion.gui.actions import Fusing, judged, named, on_grid
from napari_fusion.gui.check.gate import Aligned, Source
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import LIVE, LayerData, to_layer
from napari_fusion.gui.snapshot import SHARES, STATE, Snapshot
from napari_fusion.slab import Window
from napari_fusion.volume import JSON, Step, Volume

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True)
class Spot:
    """The slice on screen: the viewer axis across it, and where the slider stands, in mm."""

    axis: int
    point: tuple[float, ...]

    @classmethod
    def of(cls, viewer: Any) -> Spot:
        """Take what a viewer shows.

        Raises
        ------
        ParameterError
            It shows no slice of a volume.
        """
        if viewer.dims.ndisplay != 2 or viewer.dims.ndim != 3:
            raise ParameterError("a preview needs the view of one slice: leave the 3-D view")
        axis = int(viewer.dims.order[0])
        point = [0.0, 0.0, 0.0]
        point[axis] = float(viewer.dims.point[axis])
        return cls(axis, tuple(point))


@dataclass
class Drawn:
    """Sources drawn on the fixed grid, kept from slice to slice."""

    kept: dict[tuple[int, int], tuple[Volume, Volume, Volume]] = field(default_factory=dict)

    def on(self, source: Source, fixed: Volume) -> Volume:
        """Give a source on the grid of the fixed volume."""
        key = id(source.volume), id(fixed)
        if key not in self.kept:  # the volumes are kept too, so that no other takes their id
            self.kept[key] = source.volume, fixed, on_grid(source, fixed.grid)
        return self.kept[key][2]


def preview(job: Fusing, spot: Spot, drawn: Drawn) -> LayerData:
    """Fuse the slice at a spot into a layer that is one slice thick, and lies at that slice.

    napari draws nothing of it on any other slice, so that it cannot be taken for another one's.

    Raises
    ------
    GeometryError
        The fixed layer is oblique to the view, or has no slice there.
    ParameterError
        As for `fuse_layers`.
    """
    sources, stands = job.admitted()
    fixed, frame = sources[0].volume, job.snapshot.frame or Frame()
    axis, index = slice_at(fixed.grid, frame, spot)
    picture, given = fuse_slice_with_shares(
        [drawn.on(source, fixed) for source in sources],
        job.method,
        index=index,
        axis=axis,
        windows=[Window(lower=low, upper=high) for low, high in job.windows or ()],
        **job.params,
    )
    asked: dict[str, JSON] = {"method": job.method, "params": job.params, "index": index}
    step = Step("preview", asked | {"axis": axis, "sources": list(job.names)})
    grid = one_slice(fixed.grid, axis, index)
    fused = Volume(np.expand_dims(picture, axis), grid, "FUSED", history=(step,))
    shares = [Volume(np.expand_dims(one, axis), grid, history=(step,)) for one in given]
    name = stands.label(f"live {job.method}")
    aligned = Aligned(sources[0].anchor, stands)
    array, keywords, kind = to_layer(judged(fused, stands), frame, name=name, aligned=aligned)
    keywords["metadata"] |= {
        LIVE: True,
        STATE: stands.text,
        SHARES: (job.names, dict(zip(job.names, shares, strict=True))),
    }
    return array, keywords, kind


def show_preview(viewer: Any, data: LayerData) -> Layer:
    """Show a layer of one slice in the viewer, in the window's thread; one at a time of a kind."""
    from napari.layers import Layer

    array, keywords, _ = data
    kind = keywords["metadata"][LIVE]
    layer = find_preview(viewer, kind)
    if layer is None or layer.data.shape != array.shape:
        hide_preview(viewer, kind)
        active = viewer.layers.selection.active
        layer = viewer.add_layer(Layer.create(*data))
        viewer.layers.selection.active = active
        return layer
    layer.data = array  # first: at its old place it is not on the slice that is shown
    for name in ("scale", "translate"):
        if tuple(getattr(layer, name)) != keywords[name]:  # napari slices anew at each
            setattr(layer, name, keywords[name])
    layer.metadata = keywords["metadata"]
    if layer.name != keywords["name"]:
        layer.name = keywords["name"]
    return layer


def find_preview(viewer: Any, kind: bool | str = True) -> Any:  # noqa: FBT001, FBT002 - a key
    """Give the layer of one slice of a kind, or None; the fused preview's kind is True."""
    layers = (layer for layer in viewer.layers if layer.metadata.get(LIVE) == kind)
    return next(layers, None)


def hide_preview(viewer: Any, kind: bool | str = True) -> None:  # noqa: FBT001, FBT002 - a key
    """Take the layer of one slice away, if there is one."""
    layer = find_preview(viewer, kind)
    if layer is not None:
        viewer.layers.remove(layer)


def preview_layers(
    viewer: Any,
    layers: Sequence[str | Layer],
    method: str = "laplacian",
    *,
    windows: Sequence[tuple[float, float]] | None = None,
    different_patients: bool = False,
    unknown_sides: bool = False,
    **params: JSON,
) -> Layer:
    """Show the fused picture of the slice on screen only; arguments and errors as `fuse_layers`.

    Returns
    -------
    napari.layers.Image
        The preview, one slice thick; it replaces an earlier one.
    """
    job = Fusing(
        Snapshot.of(viewer),
        tuple(named(layer) for layer in layers),
        method,
        windows,
        dict(params),
        different_patients,
        unknown_sides,
    )
    return show_preview(viewer, preview(job, Spot.of(viewer), Drawn()))


def slice_at(grid: Grid, frame: Frame, spot: Spot) -> tuple[int, int]:
    """Say which array axis runs across the slice on screen, and which index lies there.

    Raises
    ------
    GeometryError
        The grid is oblique to the view, or has no slice there.
    """
    if frame.parallel(grid) is None:
        raise GeometryError(
            "the fixed layer is oblique to the view, so that no slice of it is on screen: Align or "
            "Fuse turns the view to it"
        )
    axis = frame.order(grid)[0][spot.axis]
    point: NDArray[np.float64] = frame.to_world(grid.centre)
    point[spot.axis] = spot.point[spot.axis]
    index = round(float(grid.lps_to_index(frame.to_lps(point))[axis]))
    if not 0 <= index < grid.shape[axis]:
        raise GeometryError("the fixed layer has no slice here")
    return axis, index


def one_slice(grid: Grid, axis: int, index: int) -> Grid:
    """Give the grid of one slice."""
    affine = grid.affine.copy()
    affine[:3, 3] += index * affine[:3, axis]
    a, b, c = (1 if i == axis else n for i, n in enumerate(grid.shape))
    return Grid((a, b, c), affine)
