"""Side letters R L A P S I at the edges of the canvas, and a scale bar in mm."""

from __future__ import annotations

from typing import Any

from napari_fusion.errors import ParameterError
from napari_fusion.gui.covered import is_shown
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import SHOWN, VOLUME, frame_of
from napari_fusion.volume import Volume

_EDGES = {
    "fusion_left": "middle_left",
    "fusion_right": "middle_right",
    "fusion_top": "top_center",
    "fusion_bottom": "bottom_center",
}


PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
"""The order of the viewer's axes in each plane; the first is the one of the slider."""

HEAD_AXIS, LEFT_AXIS = 0, 2
"""The viewer's axes that run nearest to the patient's head and left."""


def show_letters(viewer: Any) -> None:
    """Put letters and a scale bar on a viewer, once, and keep them true to what it shows."""
    from napari.components.overlays import TextOverlay

    overlays = viewer.canvas.overlays
    if "fusion_left" in overlays:
        return update_letters(viewer)
    for name, position in _EDGES.items():
        overlays[name] = TextOverlay(position=position, font_size=14, gridded=True)

    def show_scale(event: object = None) -> None:
        viewer.layers.events.inserted.disconnect(show_scale)
        overlays.scale_bar.visible = True

    # Not before there is a layer: napari takes half a second over its first unit.
    viewer.layers.events.inserted.connect(show_scale)
    if viewer.layers:
        show_scale()

    def update(event: object = None) -> None:
        update_letters(viewer)

    for source in (
        viewer.dims.events.order,
        viewer.dims.events.ndisplay,
        viewer.dims.events.ndim,
        viewer.scene.camera.events.orientation,
        viewer.layers.events.inserted,
        viewer.layers.events.removed,
    ):
        source.connect(update)
    viewer.layers.events.connect(lambda event: update() if event.type == "visible" else None)
    update()


def update_letters(viewer: Any) -> None:
    """Write the letters for the axes on screen; none in 3-D, or where sides are not known."""
    frame = None if _shows_unknown_sides(viewer) else frame_of(viewer)
    flat = viewer.dims.ndisplay == 2 and viewer.dims.ndim == 3
    texts = sides(frame, viewer) if frame is not None and flat else {}
    for name in _EDGES:
        viewer.canvas.overlays[name].text = texts.get(name, "")
        viewer.canvas.overlays[name].visible = bool(texts)


def sides(frame: Frame, viewer: Any) -> dict[str, str]:
    """Name the side at each edge of the canvas, from the order and direction of the axes."""
    down, right = viewer.dims.order[-2:]
    vertical, horizontal = viewer.scene.camera.orientation2d
    top, bottom = frame.letters(down)
    left, far = frame.letters(right)
    if vertical == "up":
        top, bottom = bottom, top
    if horizontal == "left":
        left, far = far, left
    return dict(zip(_EDGES, (left, far, top, bottom), strict=True))


def show_plane(viewer: Any, name: str, *, left_on: str = "right") -> None:
    """Turn the view to a plane and show all of it; data, layers and what is saved stay.

    Parameters
    ----------
    viewer
        The napari viewer.
    name
        "axial", "coronal" or "sagittal".
    left_on
        The side of the screen the patient's left is on in the axial and coronal planes: "right",
        as radiologists look, or "left", as neurologists do.

    Raises
    ------
    ParameterError
        There is no such plane or side.
    """
    if name not in PLANES or left_on not in {"left", "right"}:
        raise ParameterError(
            f"a plane is one of {', '.join(PLANES)} with left_on='right' or 'left', "
            f"not {name!r} with {left_on!r}"
        )
    before = viewer.dims.ndisplay, viewer.dims.order
    viewer.dims.ndisplay, viewer.dims.order = 2, PLANES[name]
    orient(viewer, left_on)
    if (viewer.dims.ndisplay, viewer.dims.order) != before:  # sides alone keep place and zoom
        viewer.reset_view()


def orient(viewer: Any, left_on: str) -> None:
    """Let the head be up, and the patient's left on the side asked for, in whatever order axes are.

    Parameters
    ----------
    viewer
        The napari viewer, of three dimensions.
    left_on
        As for `show_plane`.
    """
    down, right = viewer.dims.order[-2:]
    mirrored = left_on == "left" and right == LEFT_AXIS
    viewer.scene.camera.orientation2d = (
        "up" if down == HEAD_AXIS else "down",
        "left" if mirrored else "right",
    )


def _shows_unknown_sides(viewer: Any) -> bool:
    seen = [layer.metadata for layer in viewer.layers if is_shown(layer)]
    volumes = [one for told in seen for one in (told.get(VOLUME), *told.get(SHOWN, ()))]
    return any(isinstance(volume, Volume) and volume.sides_unknown for volume in volumes)
