"""Poses by hand: nudges along the screen, with undo, and the layer they end in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, Progress
from napari_fusion.gui.actions import named
from napari_fusion.gui.align.aligning import admitted, placed
from napari_fusion.gui.align.pose import STILL, Pose, posed, rounded, triple
from napari_fusion.gui.check.gate import check_patients
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.line import line_of, unless_usual
from napari_fusion.gui.origin import ORIGIN, Made
from napari_fusion.gui.snapshot import ALIGNMENT, Result, Snapshot
from napari_fusion.registration import Alignment, assess
from napari_fusion.registration.quality import UNMEASURED
from napari_fusion.rotation import inverted

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class Screen:
    """Where right and down on the screen point in the patient: LPS unit vectors."""

    right: NDArray[np.float64]
    down: NDArray[np.float64]

    @classmethod
    def of(cls, viewer: Any, frame: Frame) -> Screen:
        """Take the plane a viewer shows, as it is turned."""
        down, right = viewer.dims.order[-2:]
        vertical, horizontal = viewer.scene.camera.orientation2d
        return cls(
            frame.axes[:, right] * (-1 if str(horizontal) == "left" else 1),
            frame.axes[:, down] * (-1 if str(vertical) == "up" else 1),
        )


@dataclass
class Hand:
    """A pose that is pushed in small steps, each of which can be undone.

    Parameters
    ----------
    start
        Where to begin. What bends space stays as it is; the `pose` says nothing of it.
    """

    start: Alignment
    _done: list[Alignment] = field(default_factory=list)
    _undone: list[Alignment] = field(default_factory=list)

    @property
    def now(self) -> Alignment:
        """The pose as it stands."""
        return self._done[-1] if self._done else self.start

    @property
    def pose(self) -> Pose:
        """Six numbers that say the same, rounded as they are written down."""
        return rounded(self.now)

    @property
    def picture(self) -> Pose:
        """Six numbers of how the moving picture was moved from where its file puts it.

        The way back of `pose`: first turned about the middle of the fixed grid, then shifted.
        """
        fixed = self.start.fixed
        return rounded(Alignment(fixed, fixed, inverted(self.now.matrix)))

    def shift(self, by_mm: NDArray[np.float64]) -> None:
        """Shift the moving picture by an LPS vector, mm."""
        self._push(-by_mm, np.eye(3))

    def turn(self, screen: Screen, degrees: float) -> None:
        """Turn the moving picture clockwise on the screen, about the middle of the fixed grid."""
        from scipy.spatial.transform import Rotation

        about = np.cross(screen.right, screen.down) * np.radians(degrees)
        self._push(np.zeros(3), Rotation.from_rotvec(-about).as_matrix())

    def undo(self) -> bool:
        """Take the last step back; says whether there was one."""
        return _moved_over(self._done, self._undone)

    def redo(self) -> bool:
        """Take a step that was undone again; says whether there was one."""
        return _moved_over(self._undone, self._done)

    def _push(self, shift: NDArray[np.float64], turn: NDArray[np.float64]) -> None:
        push = np.eye(4)
        centre = self.start.fixed.centre
        push[:3, :3] = turn
        push[:3, 3] = centre - turn @ centre + shift
        here = Alignment(self.start.fixed, self.start.fixed, push)
        self._done.append(replace(here.then(self.now), quality=UNMEASURED))
        self._undone.clear()


def _moved_over(here: list[Alignment], there: list[Alignment]) -> bool:
    if here:
        there.append(here.pop())
        return True
    return False


def start_of(viewer: Any, moving: str) -> tuple[str, Alignment | None]:
    """Say which layer is to be placed, and how it lies so far.

    A layer that was aligned stands for the one it was drawn from, at the pose it was drawn with.

    Raises
    ------
    ParameterError
        Its original is closed, or its alignment is not rigid.
    """
    layer = next((one for one in viewer.layers if one.name == moving), None)
    origin = None if layer is None else layer.metadata.get(ORIGIN)
    if layer is None or not isinstance(origin, Made) or origin.verb != "align":
        return moving, None
    alignment = layer.metadata[ALIGNMENT]
    exact = posed(alignment.fixed, alignment.moving, rounded(alignment))
    corners = alignment.fixed.corners
    same = np.allclose(exact.map_points(corners), alignment.map_points(corners), atol=0.1)
    if not (same and alignment.linear):  # a bending fades to nothing before the corners
        raise ParameterError(
            f"{moving!r} was stretched or bent, and is not moved by hand: choose the original layer"
        )
    for one in viewer.layers:
        if str(one.unique_id) == origin.sources[1]:
            return str(one.name), alignment
    raise ParameterError(f"the layer {moving!r} was drawn from is closed: open it again")


@dataclass(frozen=True, eq=False)
class Placing:
    """Draw one layer where six numbers put it on another, and judge it: the job behind *Place*."""

    snapshot: Snapshot
    fixed: str
    moving: str
    pose: Pose = STILL
    different_patients: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work."""
        self.snapshot.check([self.fixed, self.moving])

    def line(self, accept: str = "CHECK") -> str:
        """Write the Python that repeats this."""
        return line_of(
            *("place_layer", self.fixed, self.moving),
            pose=self.pose,
            different_patients=self.different_patients or None,
            accept=unless_usual(accept),
        )

    def compute(self, progress: Progress) -> Result:
        """Judge the pose and draw; touches no layer."""
        sources = [self.snapshot.source(name) for name in (self.fixed, self.moving)]
        check_patients(sources, different_patients=self.different_patients)
        fixed, moving = (source.volume for source in sources)
        progress(0.1, "judging the pose")
        found = assess(fixed, moving, posed(fixed.grid, moving.grid, self.pose))
        progress(0.8, "drawing on the fixed grid")
        return placed(self.snapshot, self.fixed, self.moving, found, "hand")


def place_layer(
    viewer: Any,
    fixed: str | Layer,
    moving: str | Layer,
    *,
    pose: Pose,
    accept: str = "CHECK",
    different_patients: bool = False,
) -> Layer:
    """Draw a layer on another at a pose of six numbers, and say what the voxels think of it.

    Parameters
    ----------
    viewer, fixed, moving, accept, different_patients
        As for `align_layers`.
    pose
        Shift and degrees as `Alignment.moved` takes them: each fixed point is turned about the
        middle of the fixed grid (degrees about the L, then P, then S axis) and shifted (LPS mm) to
        where it lies in the moving volume.

    Returns
    -------
    napari.layers.Image
        The new layer, whose name says so where the gate does not say PASS.

    Raises
    ------
    ParameterError
        There is no such layer, or the patients differ.
    AlignError
        The verdict is worse than `accept`; nothing is added.
    """
    six = triple(pose[0]), triple(pose[1])
    names = named(fixed), named(moving)
    return admitted(viewer, Placing(Snapshot.of(viewer), *names, six, different_patients), accept)
