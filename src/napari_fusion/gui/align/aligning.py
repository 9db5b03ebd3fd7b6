"""Bring one layer onto another: what *Align* does, and the same from napari's console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.checked import checked
from napari_fusion.errors import AlignError, ParameterError, Progress, between, silent
from napari_fusion.gui.actions import named, result_layer
from napari_fusion.gui.align.pose import Pose, posed, triple
from napari_fusion.gui.check.gate import Standing, check_patients
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.line import line_of, unless_usual
from napari_fusion.gui.origin import ORIGIN, Made
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL, Result, Snapshot, show
from napari_fusion.registration import Alignment, AlignOptions, resample
from napari_fusion.registration.engines import check_engine
from napari_fusion.registration.quality import RANK

if TYPE_CHECKING:
    from napari.layers import Layer

How = Literal["registration", "landmarks", "hand"]

OVER_FIXED = 0.5
"""Opacity of a moving layer drawn over the fixed one."""

RIGID = AlignOptions()

Watch = Callable[[NDArray[np.float64], float], None]
"""Shown the best pose so far, fixed → moving LPS mm, and its score; called in any thread."""


@dataclass(frozen=True)
class _Watched:
    """A `Progress` that passes poses on."""

    tell: Progress
    watch: Watch

    def __call__(self, fraction: float, message: str) -> None:
        self.tell(fraction, message)

    def pose(self, matrix: NDArray[np.float64], score: float) -> None:
        self.watch(matrix, score)


@dataclass(frozen=True, eq=False)
class Aligning:
    """Bring one layer onto another: the job behind *Align*."""

    snapshot: Snapshot
    fixed: str
    moving: str
    options: AlignOptions = RIGID
    different_patients: bool = False
    start: Pose | None = None
    watch: Watch | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work."""
        self.snapshot.check([self.fixed, self.moving])
        check_engine(self.options)

    def line(self, accept: str = "CHECK") -> str:
        """Write the Python that repeats this."""
        asked: dict[str, Any] = {"model": self.options.model}
        asked |= self.options.model_dump(exclude_defaults=True)
        verb = "align_layers"
        if self.start:
            verb, asked = "refine_layers", {"start": self.start}
        return line_of(
            *(verb, self.fixed, self.moving),
            **asked,
            different_patients=self.different_patients or None,
            accept=unless_usual(accept),
        )

    def compute(self, progress: Progress) -> Result:
        """Align, judge and resample; touches no layer."""
        from napari_fusion import align

        fixed, moving = self.snapshot.source(self.fixed), self.snapshot.source(self.moving)
        check_patients([fixed, moving], different_patients=self.different_patients)
        still, mobile = fixed.volume, moving.volume
        options = self.options
        if self.start:
            options = options.model_copy(update={"search": "near"})
        initial = posed(still.grid, mobile.grid, self.start) if self.start else None
        tell = between(progress, 0, 0.9)
        watched = _Watched(tell, self.watch) if self.watch else tell
        found = align(still, mobile, options, initial=initial, progress=watched)
        progress(0.9, "drawing on the fixed grid")
        return placed(self.snapshot, self.fixed, self.moving, found)


def placed(
    snapshot: Snapshot, fixed: str, moving: str, found: Alignment, by: How = "registration"
) -> Result:
    """Draw a layer where an alignment says it lies on another; touches no layer.

    Parameters
    ----------
    snapshot
        The layers.
    fixed, moving
        Their names.
    found
        Where points of the fixed one lie in the moving one, and how far that may be trusted.
    by
        What found it.
    """
    still, mobile = snapshot.source(fixed), snapshot.source(moving)
    drawn = resample(mobile.volume, still.volume.grid, found)
    stands = Standing.of(found.quality)
    if still.aligned:
        stands = max(stands, still.aligned.standing, key=lambda one: one.rank)
    layer = result_layer(drawn, f"{moving} on {fixed}", stands, still.anchor)
    made = Made("align", snapshot.ids((fixed, moving)), {"by": by})
    layer[1]["metadata"] |= {ALIGNMENT: found, ORIGINAL: mobile.volume, ORIGIN: made}
    layer[1]["opacity"] = OVER_FIXED  # both are seen, to be checked by eye
    turned = snapshot.turned(Frame.of(still.volume.grid))
    return Result(stands, [layer], turned, hidden=snapshot.layers([moving]))


def align_layers(
    viewer: Any,
    fixed: str | Layer,
    moving: str | Layer,
    *,
    accept: str = "CHECK",
    different_patients: bool = False,
    **options: Any,
) -> Layer:
    """Align one layer to another and add it, drawn on the fixed grid; both originals stay.

    Parameters
    ----------
    viewer
        The napari viewer.
    fixed, moving
        Layers or their names.
    accept
        The worst verdict of the gate that is still added: "PASS", "CHECK" or "FAIL".
    different_patients
        Allow volumes of different patients.
    options
        Those of `AlignOptions`, above all `model`, what may change: "rigid", "similarity",
        "affine", or "deformable", which also bends space; and `engine`, what searches.

    Returns
    -------
    napari.layers.Image
        The new layer; its metadata hold the alignment and what the gate says.

    Raises
    ------
    ParameterError
        There is no such layer or option, or the patients differ.
    MissingExtra
        The engine is not installed.
    AlignError
        Nothing trustworthy was found; nothing is added.
    """
    names = named(fixed), named(moving)
    asked = checked(AlignOptions, options, "the options")
    job = Aligning(Snapshot.of(viewer), *names, asked, different_patients)
    return admitted(viewer, job, accept)


def refine_layers(
    viewer: Any,
    fixed: str | Layer,
    moving: str | Layer,
    *,
    start: Pose,
    accept: str = "CHECK",
    different_patients: bool = False,
) -> Layer:
    """Align as `align_layers` does, rigidly and only near a pose that was found by hand.

    Parameters
    ----------
    viewer, fixed, moving, accept, different_patients
        As for `align_layers`.
    start
        Shift (LPS mm) and degrees, as `place_layer` takes them.

    Returns
    -------
    napari.layers.Image
        The new layer.

    Raises
    ------
    ParameterError
        There is no such layer, or the patients differ.
    AlignError
        Nothing trustworthy was found near the start; nothing is added.
    """
    begin = triple(start[0]), triple(start[1])
    names = named(fixed), named(moving)
    job = Aligning(Snapshot.of(viewer), *names, RIGID, different_patients, begin)
    return admitted(viewer, job, accept)


def admitted(viewer: Any, job: Any, accept: str) -> Layer:
    """Show what a job found, unless the gate thinks worse of it than the user accepts.

    Raises
    ------
    ParameterError
        `accept` is no verdict.
    AlignError
        The verdict is worse; nothing is added.
    """
    if accept not in RANK:
        raise ParameterError(f"accept is one of {', '.join(RANK)}, not {accept!r}")
    result = job.compute(silent)
    if result.standing.rank > RANK[accept]:
        raise AlignError(
            f"{result.standing.sentence} Nothing was added; to see it all the same, "
            f"pass accept={result.standing.word!r}"
        )
    return show(viewer, result)[0]
