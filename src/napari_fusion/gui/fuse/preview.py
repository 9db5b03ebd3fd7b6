"""The fused picture of the slices on screen, before the whole volume is fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError
from napari_fusion.grid import Grid
from napari_fusion.gui.actions import Fusing, judged, named, on_grid
from napari_fusion.gui.check.gate import Aligned, Source
from napari_fusion.gui.frame import Frame, check_slice
from napari_fusion.gui.fuse.slices import Cut, SliceFuser, Slices
from napari_fusion.gui.layers import LIVE, PLACE, VOLUME, LayerData, to_layer
from napari_fusion.gui.layers import drawn as place_along
from napari_fusion.gui.snapshot import SHARES, STATE, Snapshot
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
        check_slice(viewer, "a preview")
        axis = int(viewer.dims.order[0])
        point = [0.0, 0.0, 0.0]
        point[axis] = float(viewer.dims.point[axis])
        return cls(axis, tuple(point))

    def cut(self, grid: Grid, frame: Frame) -> Cut | None:
        """Name the slice of a grid along the frame's axes; None where there is none."""
        place = frame.to_world(grid.centre)
        place[self.axis] = self.point[self.axis]
        index = round(float(grid.lps_to_index(frame.to_lps(place))[self.axis]))
        return (self.axis, index) if 0 <= index < grid.shape[self.axis] else None


@dataclass
class Drawn:
    """Sources drawn on the fixed grid along the viewer's axes, kept from picture to picture."""

    kept: dict[tuple[int, int], tuple[Volume, Volume, Frame, Volume]] = field(default_factory=dict)

    def along(self, source: Source, fixed: Volume, frame: Frame) -> Volume:
        """Give a source on the grid of the fixed volume, its axes in the order of the viewer's."""
        key = id(source.volume), id(fixed)
        if key not in self.kept or not self.kept[key][2].matches(frame):
            volume = on_grid(source, fixed.grid)
            place = place_along(volume, frame)
            turned = replace(volume, array=place.array, grid=place.grid)
            # the volumes are kept too, so that no other takes their id
            self.kept[key] = source.volume, fixed, frame, turned
        return self.kept[key][3]


def preview(job: Fusing, drawn: Drawn, spot: Spot | None = None) -> LayerData:
    """Make a layer that fuses each slice when it is looked at, in any plane.

    Parameters
    ----------
    job
        What to fuse, and how.
    drawn
        Sources that were drawn for an earlier preview.
    spot
        Fuse this slice already.

    Raises
    ------
    GeometryError
        The fixed layer is oblique to the view.
    ParameterError
        As for `fuse_layers`.
    """
    sources, stands = job.admitted()
    fixed, frame = sources[0].volume, job.snapshot.frame or Frame()
    grid = grid_on_screen(fixed.grid, frame)
    fuser = SliceFuser([drawn.along(source, fixed, frame) for source in sources], job)
    cut = None if spot is None else spot.cut(grid, frame)
    if cut is not None:
        fuser.make(cut)
    asked: dict[str, JSON] = {"method": job.method, "params": job.params}
    step = Step("preview", asked | {"sources": list(job.names)})
    nothing = Volume(np.broadcast_to(np.float32(0), grid.shape), grid, "FUSED", history=(step,))
    name = stands.label(f"live {job.method}")
    aligned = Aligned(sources[0].anchor, stands)
    _, keywords, kind = to_layer(judged(nothing, stands), frame, name=name, aligned=aligned)
    metadata = keywords["metadata"]
    picture, *given = (cast("Any", Slices(fuser, part)) for part in range(1 + len(sources)))
    shares = [replace(nothing, array=one) for one in given]
    keywords["metadata"] = metadata | {
        VOLUME: replace(metadata[VOLUME], array=picture),
        PLACE: replace(metadata[PLACE], array=picture),
        LIVE: True,
        STATE: stands.text,
        SHARES: (job.names, dict(zip(job.names, shares, strict=True))),
    }
    return picture, keywords, kind


def show_preview(viewer: Any, data: LayerData) -> Layer:
    """Show a preview in the viewer, in the window's thread; one at a time of a kind."""
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
    layer.data = array
    for name in ("scale", "translate"):
        if tuple(getattr(layer, name)) != keywords[name]:  # napari slices anew at each
            setattr(layer, name, keywords[name])
    layer.metadata = keywords["metadata"]
    if layer.name != keywords["name"]:
        layer.name = keywords["name"]
    return layer


def find_preview(viewer: Any, kind: bool | str = True) -> Any:  # noqa: FBT001, FBT002 - a key
    """Give the preview of a kind, or None; that of *Live* is True."""
    layers = (layer for layer in viewer.layers if layer.metadata.get(LIVE) == kind)
    return next(layers, None)


def hide_preview(viewer: Any, kind: bool | str = True) -> None:  # noqa: FBT001, FBT002 - a key
    """Take the preview of a kind away, if there is one."""
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
    """Show layers fused slice by slice, as they are looked at; arguments, errors as `fuse_layers`.

    Returns
    -------
    napari.layers.Image
        The preview: in every plane the slice on screen is fused when it is shown. It replaces an
        earlier one.
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
    Spot.of(viewer)
    return show_preview(viewer, preview(job, Drawn()))


def grid_on_screen(grid: Grid, frame: Frame) -> Grid:
    """Give a grid with its axes in the order of the viewer's.

    Raises
    ------
    GeometryError
        It is oblique to the view.
    """
    found = frame.parallel(grid)
    if found is None:
        raise GeometryError(
            "the fixed layer is oblique to the view, so that no slice of it is on screen: Align or "
            "Fuse turns the view to it"
        )
    return found


def slice_at(grid: Grid, frame: Frame, spot: Spot) -> tuple[int, int]:
    """Say which array axis runs across the slice on screen, and which index lies there.

    Raises
    ------
    GeometryError
        The grid is oblique to the view, or has no slice there.
    """
    grid_on_screen(grid, frame)
    axis = frame.order(grid)[0][spot.axis]
    point: NDArray[np.float64] = frame.to_world(grid.centre)
    point[spot.axis] = spot.point[spot.axis]
    index = round(float(grid.lps_to_index(frame.to_lps(point))[axis]))
    if not 0 <= index < grid.shape[axis]:
        raise GeometryError("the fixed layer has no slice here")
    return axis, index
