"""Landmarks in the viewer: the same places marked on two layers, and the alignment they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, Progress
from napari_fusion.gui.actions import named
from napari_fusion.gui.align.aligning import admitted, placed
from napari_fusion.gui.align.hand import start_of
from napari_fusion.gui.check.gate import check_patients
from napari_fusion.gui.frame import AXIS_LABELS, Frame
from napari_fusion.gui.layers import frame_of
from napari_fusion.gui.line import line_of, unless_usual
from napari_fusion.gui.snapshot import Result, Snapshot
from napari_fusion.registration import Alignment, Landmarks, align_landmarks
from napari_fusion.registration.options import Model

if TYPE_CHECKING:
    from napari.layers import Layer, Points

MARKS = "napari_fusion_marks"
"""Key of a points layer's metadata: "fixed" or "moving"."""

MARKED = "napari_fusion_marked"
"""Key of its metadata: the name of the layer the places were marked on."""

COLOURS = {"fixed": "#e69f00", "moving": "#56b4e9"}
"""Orange and blue, which colour-blind eyes tell apart; the symbols differ too."""

SIZE_MM = 8.0

SYMBOLS = {"fixed": "cross", "moving": "x"}


def marks_of(viewer: Any, role: str, name: str) -> Points | None:
    """Give the points layer that marks a layer as the fixed or as the moving one, or None."""
    wanted = (role, name)
    for layer in viewer.layers:
        if (layer.metadata.get(MARKS), layer.metadata.get(MARKED)) == wanted:
            return layer
    return None


def original_of(viewer: Any, name: str) -> str:
    """Name the layer that one was drawn from by an alignment; itself if by none, or unknown."""
    try:
        return start_of(viewer, name)[0]
    except ParameterError:
        return name


def add_marks(viewer: Any, role: str, name: str) -> Points:
    """Give the points layer that marks a layer in a role; made when there is none.

    It lies on the voxels of that layer: napari's sliders step as finely as the finest layer.
    """
    found = marks_of(viewer, role, name)
    if found is not None:
        return found
    marked = viewer.layers[name]
    made: Points = viewer.add_points(
        np.empty((0, 3)),
        name=f"marks on {name}",
        scale=marked.scale,
        translate=marked.translate,
        **drawn_as(role, marked.scale[-1]),
        units=("mm",) * 3,
        axis_labels=AXIS_LABELS,
        metadata={MARKS: role, MARKED: name},
    )

    def rename(event: object = None) -> None:
        made.metadata[MARKED] = str(marked.name)

    marked.events.name.connect(rename)
    return made


def drawn_as(role: str, spacing: float) -> dict[str, Any]:
    """Give what marks of a role look like, as keywords of a points layer of a spacing in mm."""
    colours = {"face_color": COLOURS[role], "border_color": COLOURS[role]}
    return {"symbol": SYMBOLS[role], "size": SIZE_MM / spacing, **colours}


@dataclass(frozen=True, eq=False)
class Marking:
    """Align one layer to another by marks: the job behind *Align by landmarks*."""

    snapshot: Snapshot
    fixed: str
    moving: str
    landmarks: Landmarks
    marks: tuple[str, str]
    model: Model = "rigid"

    @classmethod
    def of(
        cls,
        viewer: Any,
        layers: tuple[str, str],
        marks: tuple[str, str],
        model: Model = "rigid",
    ) -> Marking:
        """Read the marks of two points layers, in patient coordinates.

        Raises
        ------
        ParameterError
            There is no such layer, or the two do not hold as many points.
        """
        fixed, moving = layers
        snapshot = Snapshot.of(viewer)
        snapshot.check([fixed, moving])
        original, drawn = start_of(viewer, moving)
        frame = frame_of(viewer) or Frame()
        here, there = (frame.to_lps(_points(viewer, name)) for name in marks)
        on_original = viewer.layers[marks[1]].metadata.get(MARKED) == original
        if drawn is not None and not on_original:  # marked on the drawing: back to the original
            there = drawn.map_points(there)
        pairs = Landmarks(here, there)
        return cls(snapshot, fixed, original, pairs, marks, model)

    def found(self) -> Alignment:
        """Fit the map.

        Raises
        ------
        AlignError
            The marks leave it undecided.
        """
        fixed, moving = (self.snapshot.source(name).volume for name in (self.fixed, self.moving))
        return align_landmarks(self.landmarks, fixed.grid, moving.grid, self.model)

    def line(self, accept: str = "CHECK") -> str:
        """Write the Python that repeats this."""
        return line_of(
            *("align_by_landmarks", self.fixed, self.moving),
            marks=self.marks,
            model=self.model,
            accept=unless_usual(accept),
        )

    def compute(self, progress: Progress) -> Result:
        """Fit and draw; touches no layer."""
        sources = [self.snapshot.source(name) for name in (self.fixed, self.moving)]
        check_patients(sources, different_patients=False)
        found = self.found()
        progress(0.5, "drawing on the fixed grid")
        return placed(self.snapshot, self.fixed, self.moving, found, "landmarks")


def align_by_landmarks(
    viewer: Any,
    fixed: str | Layer,
    moving: str | Layer,
    *,
    marks: tuple[str, str],
    model: Model = "rigid",
    accept: str = "CHECK",
) -> Layer:
    """Align one layer to another by the same places marked on both.

    Parameters
    ----------
    viewer, fixed, moving, accept
        As for `align_layers`.
    marks
        Names of the points layers that mark the fixed and the moving one, in the same order.
    model
        "rigid", "similarity" or "affine".

    Returns
    -------
    napari.layers.Image
        The new layer, drawn on the fixed grid.

    Raises
    ------
    ParameterError
        There is no such layer, the marks do not pair up, or the patients differ.
    AlignError
        The marks leave the map undecided, or it is worse than `accept`.
    """
    names = named(fixed), named(moving)
    job = Marking.of(viewer, names, marks, model)
    return admitted(viewer, job, accept)


def _points(viewer: Any, name: str) -> NDArray[np.float64]:
    """Give a points layer's places in the viewer's mm (n, 3)."""
    from napari.layers import Points

    layer = next((one for one in viewer.layers if one.name == name), None)
    if not isinstance(layer, Points):
        raise ParameterError(f"there is no points layer {name!r}: mark the places first")
    return np.array([layer.data_to_world(point) for point in layer.data], float).reshape(-1, 3)
