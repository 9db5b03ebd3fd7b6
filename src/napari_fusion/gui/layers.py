"""Volume ↔ layer: every layer of ours has a scale and a translate in mm, and nothing else.

What a layer shows is a view of its volume's voxels whenever the volume is parallel to the frame of
the viewer. An oblique one is drawn anew along the frame's axes, for the eye only: the volume in the
layer's metadata stays as it was, and the layer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import GeometryError, ParameterError
from napari_fusion.grid import Grid
from napari_fusion.gui.colour.looks import look
from napari_fusion.gui.frame import AXIS_LABELS, Frame
from napari_fusion.volume import Step, Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fusion.gui.check.gate import Aligned, Source

VOLUME = "napari_fusion"
"""Key of a layer's metadata: the `Volume`."""

PLACE = "napari_fusion_place"
"""Key of a layer's metadata: the `Place`."""

LIVE = "napari_fusion_live"
"""Key of a layer's metadata: it is a picture for the eye, and no source. True is the preview's."""

SHOWN = "napari_fusion_shown"
"""Key of a picture's metadata: the volumes it shows."""

DARK = 2 / 255
"""A fused brightness that no screen tells from black."""

BADGE = "▲"
"""On the name of a layer that was repaired or is in doubt; the Geometry panel says why."""

LayerData = tuple[NDArray[Any], dict[str, Any], str]


@dataclass(frozen=True, eq=False)
class Place:
    """How a volume was put on the screen.

    Parameters
    ----------
    frame
        The viewer's axes.
    grid, array
        What the layer shows, along those axes.
    note
        How that differs from the volume, in one sentence; empty when it does not.
    aligned
        What the volume was brought onto, if it was.
    """

    frame: Frame
    grid: Grid
    array: NDArray[Any]
    note: str = ""
    aligned: Aligned | None = None


def to_layer(
    volume: Volume,
    frame: Frame | None = None,
    *,
    name: str = "",
    aligned: Aligned | None = None,
) -> LayerData:
    """Make the data, keywords and type of a napari layer from a volume.

    Parameters
    ----------
    volume
        What to show; kept as it is in ``metadata["napari_fusion"]``.
    frame
        The viewer's axes; by default the volume's own, which shows every voxel as it is.
    name
        The layer's name; by default the volume's, with a badge when its history has warnings.
    aligned
        What the volume was brought onto, if it was.

    Examples
    --------
    >>> volume = Volume(np.zeros((2, 3, 4)), Grid.regular((2, 3, 4), (3, 1, 1)), name="CT")
    >>> data, keywords, kind = to_layer(volume)
    >>> keywords["scale"], kind
    ((3.0, 1.0, 1.0), 'image')
    """
    place = replace(drawn(volume, frame or Frame.of(volume.grid)), aligned=aligned)
    keywords: dict[str, Any] = {
        "name": name or _named(volume),
        "scale": tuple(place.grid.spacing.tolist()),
        "translate": tuple(place.frame.to_world(place.grid.origin).tolist()),
        "units": ("mm",) * 3,
        "axis_labels": AXIS_LABELS,
        "metadata": {VOLUME: volume, PLACE: place},
    }
    if volume.modality == "LABEL":
        return _whole_numbers(place.array), keywords, "labels"
    return place.array, keywords | look(volume), "image"


def add_volume(viewer: Any, volume: Volume, *, name: str = "") -> Layer:
    """Show a volume in a viewer, along the axes it shows already.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model. An empty one takes the volume's own axes.
    volume
        What to show, from `load`, `resample`, `fuse` or `Volume` itself.
    name
        As for `to_layer`.

    Returns
    -------
    napari.layers.Image or napari.layers.Labels
        It lies in patient millimetres, and may be aligned, fused, compared and saved as any other.
    """
    from napari.layers import Layer

    return viewer.add_layer(Layer.create(*to_layer(volume, frame_of(viewer), name=name)))


def veiled(layer: LayerData, picture: NDArray[Any]) -> LayerData:
    """Leave a share's colours away where the fused picture is black: nothing is seen there.

    Parameters
    ----------
    layer
        A share; its volume stays whole.
    picture
        What the fused layer shows, same shape.
    """
    note = "left away where the fused picture is black; the volume itself is whole"
    return cleared(layer, ~(picture > DARK), note)


def cleared(layer: LayerData, where: NDArray[np.bool_], note: str) -> LayerData:
    """Leave voxels clear that say nothing, so that what lies below is seen; the volume stays whole.

    Parameters
    ----------
    layer
        What is shown.
    where
        The voxels, same shape.
    note
        How the layer then differs from its volume, in one sentence.
    """
    array, keywords, kind = layer
    shown = np.where(where, np.float32(np.nan), array)
    place = replace(keywords["metadata"][PLACE], array=shown, note=note)
    metadata = keywords["metadata"] | {PLACE: place}
    return place.array, keywords | {"metadata": metadata}, kind


def from_layer(layer: Layer, frame: Frame | None = None) -> Volume:
    """Read a volume from a layer: the one it was made from, with what was changed since.

    Parameters
    ----------
    layer
        An image or labels layer. One that another plugin made is taken as millimetres along the
        axes of `frame`, and its history says so.
    frame
        The viewer's axes, for such layers; by default S, P and L.

    Raises
    ------
    GeometryError
        The layer is not three-dimensional, or its axes are sheared.
    ParameterError
        The layer holds colours, not values.
    """
    return volume_of(*layer.as_layer_data_tuple(), frame=frame)


def volume_of(
    data: Any, meta: Mapping[str, Any], kind: str, *, frame: Frame | None = None
) -> Volume:
    """Read a volume from what napari hands to a writer; as `from_layer`."""
    data = data[0] if meta.get("multiscale") else data
    if kind not in {"image", "labels"} or meta.get("rgb") or np.ndim(data) != 3:
        raise _not_a_volume(meta, kind, np.ndim(data))
    world = _world_matrix(meta)
    place, volume = meta["metadata"].get(PLACE), meta["metadata"].get(VOLUME)
    if not (isinstance(place, Place) and isinstance(volume, Volume)):
        return _foreign(np.asarray(data), world, kind, meta, frame or Frame())
    motion = _motion(place, world)
    voxels = np.asarray(data)
    if not _same(voxels, place.array):
        volume = _edited(volume, place, voxels)
    return volume if motion is None else _moved(volume, place.frame, motion)


def source_of(data: Any, meta: Mapping[str, Any], kind: str, frame: Frame | None = None) -> Source:
    """Read what fusion needs to know of a layer; one moved by hand is no longer aligned."""
    from napari_fusion.gui.check.gate import Source

    volume = volume_of(data, meta, kind, frame=frame)
    place = meta["metadata"].get(PLACE)
    aligned = place.aligned if isinstance(place, Place) else None
    if aligned is not None and _motion(place, _world_matrix(meta)) is not None:
        aligned = None
    return Source(str(meta["name"]), volume, aligned)


def place_of(layer: Any) -> Place | None:
    """Give how a layer of ours was put on the screen; None for others' layers."""
    place = layer.metadata.get(PLACE)
    return place if isinstance(place, Place) else None


def was_moved(layer: Any) -> bool:
    """Whether a layer of ours lies elsewhere than where it was put."""
    place = place_of(layer)
    return place is not None and _motion(place, world_of(layer)) is not None


def world_of(layer: Any) -> NDArray[np.float64]:
    """Give a layer's whole geometry as it is now: array index → viewer mm, (4, 4)."""
    return _world_matrix(_geometry(layer))


def index_at(layer: Any, world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the array index (3,) that a layer shows at a point of the viewer, mm."""
    index: NDArray[np.float64] = layer.world_to_data(world / _factors(layer.units))
    return index


def was_edited(layer: Any) -> bool:
    """Whether a layer of ours shows other voxels than those it was given."""
    place = place_of(layer)
    return place is not None and not _same(np.asarray(layer.data), place.array)


def frame_of(viewer: Any) -> Frame | None:
    """Give the frame a viewer shows: that of its first layer of ours; None when it has none."""
    places = (place_of(layer) for layer in viewer.layers)
    return next((place.frame for place in places if place), None)


def drawn(volume: Volume, frame: Frame) -> Place:
    """Show a volume along a frame: a view of its voxels, or, when it is oblique, a drawing."""
    grid = frame.parallel(volume.grid)
    if grid is not None:
        order, flips = frame.order(volume.grid)
        steps = tuple(slice(None, None, -1 if flip else None) for flip in flips)
        return Place(frame, grid, volume.array.transpose(order)[steps])
    from napari_fusion.registration import resample

    drawn = resample(volume, frame.around(volume.grid))
    note = (
        f"drawn turned by {_degrees(frame.tilt_deg(volume.grid))} to fit the view; "
        "the volume itself is untouched"
    )
    return Place(frame, drawn.grid, drawn.array, note)


def _degrees(tilt: float) -> str:
    return "less than 0.1°" if tilt < 0.05 else f"{tilt:.1f}°"


def _named(volume: Volume) -> str:
    name = volume.name or volume.modality
    return f"{name} {BADGE}" if volume.warnings else name


def _whole_numbers(array: NDArray[Any]) -> NDArray[Any]:
    return array if np.issubdtype(array.dtype, np.integer) else array.astype(np.int32)


def _not_a_volume(meta: Mapping[str, Any], kind: str, ndim: int) -> Exception:
    name = meta.get("name", "this layer")
    if kind not in {"image", "labels"}:
        return ParameterError(f"{name!r} is a {kind} layer: choose an image or labels layer")
    if meta.get("rgb"):
        return ParameterError(f"{name!r} holds colours, not measured values: choose another layer")
    return GeometryError(f"{name!r} has {ndim} dimensions, a volume has three")


def _geometry(layer: Any) -> dict[str, Any]:
    return {
        key: getattr(layer, key) for key in ("scale", "translate", "rotate", "shear", "affine")
    } | {"units": layer.units}


def _world_matrix(meta: Mapping[str, Any]) -> NDArray[np.float64]:
    """Compose a layer's whole geometry: array index → viewer mm, (4, 4)."""
    from napari.utils.transforms import CompositeAffine

    parts = {key: meta[key] for key in ("scale", "translate", "rotate", "shear")}
    inner = CompositeAffine(**parts, ndim=3).affine_matrix
    outer = np.asarray(getattr(meta["affine"], "affine_matrix", meta["affine"]), float)
    matrix: NDArray[np.float64] = np.diag([*_factors(meta["units"]), 1.0]) @ outer @ inner
    return matrix


def _factors(units: Any) -> NDArray[np.float64]:
    return np.array([_millimetres(str(unit)) for unit in units])


@cache
def _millimetres(unit: str) -> float:
    """Give a unit in mm; a pixel counts as one (the history of such a layer says so)."""
    import pint

    registry = pint.get_application_registry()  # type: ignore[no-untyped-call]
    try:
        return float(registry.Quantity(1, unit).to("mm").magnitude)
    except pint.DimensionalityError:
        return 1.0


def _shown_matrix(place: Place) -> NDArray[np.float64]:
    matrix = np.diag([*place.grid.spacing, 1.0])
    matrix[:3, 3] = place.frame.to_world(place.grid.origin)
    return matrix


def _motion(place: Place, world: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Say how a layer was moved since it was shown, viewer mm → viewer mm; None when it was not."""
    shown = _shown_matrix(place)
    ends = np.array([[0, 0, 0, 1], [*(n - 1 for n in place.grid.shape), 1]], float).T
    if np.abs((world - shown) @ ends).max() < 1e-6 and np.allclose(world, shown, atol=1e-9):
        return None
    motion: NDArray[np.float64] = world @ np.linalg.inv(shown)
    return motion


def _moved(volume: Volume, frame: Frame, motion: NDArray[np.float64]) -> Volume:
    turn = np.eye(4)
    turn[:3, :3] = frame.axes
    grid = Grid(volume.grid.shape, turn @ motion @ turn.T @ volume.grid.affine)
    step = Step("move", {"by": "hand", "lps": (turn @ motion @ turn.T).tolist()})
    return volume.with_array(volume.array, step, grid=grid, frame_uid=None)


def _edited(volume: Volume, place: Place, voxels: NDArray[Any]) -> Volume:
    if voxels.shape != place.grid.shape:
        raise GeometryError(
            f"the layer's voxels were replaced by {voxels.shape}, it was shown with "
            f"{place.grid.shape}: where they are is not known; make a new layer of them"
        )
    warnings: tuple[str, ...] = ("voxels were edited in the viewer",)
    if place.note:
        warnings += (f"the edited volume is the picture, {place.note.split(';')[0]}",)
    return volume.with_array(voxels, Step("edit", {"by": "hand"}, warnings), grid=place.grid)


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.__array_interface__ == b.__array_interface__:
        return True
    nan = np.issubdtype(a.dtype, np.inexact) and np.issubdtype(b.dtype, np.inexact)
    return bool(np.array_equal(a, b, equal_nan=nan))


def _foreign(
    voxels: NDArray[Any],
    world: NDArray[np.float64],
    kind: str,
    meta: Mapping[str, Any],
    frame: Frame,
) -> Volume:
    """Make a volume of a layer that another plugin made, and say what had to be assumed."""
    turn = np.eye(4)
    turn[:3, :3] = frame.axes
    units = {str(unit) for unit in meta["units"]}
    assumed = "" if "pixel" not in units else " and pixels as millimetres"
    step = Step(
        "layer",
        {"source": "napari layer", "units": [*sorted(units)]},
        (f"the layer holds no patient position: its axes were taken as the view's{assumed}",),
    )
    label = kind == "labels"
    return Volume(
        voxels if label else voxels.astype(np.float32, copy=False),
        Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), turn @ world),
        "LABEL" if label else "OTHER",
        "label" if label else "1",
        history=(step,),
    )
