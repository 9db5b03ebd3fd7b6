"""What the buttons do, as functions that work the same from napari's console.

Each action is a job: it is made from the layers as they are now, it computes in any thread without
touching the viewer, and its result is shown in the window's thread. Its `line` is the one line of
Python that repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fusion.errors import (
    GeometryError,
    ParameterError,
    Progress,
    between,
    silent,
)
from napari_fusion.fusion import fuse_with_shares, lookup
from napari_fusion.grid import Grid
from napari_fusion.gui.check.gate import Aligned, Source, Standing, check_patients, standing
from napari_fusion.gui.check.sides import check_sides
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import LayerData, to_layer, veiled
from napari_fusion.gui.line import line_of
from napari_fusion.gui.origin import ORIGIN, Made
from napari_fusion.gui.snapshot import SHARES, STATE, Result, Snapshot, show
from napari_fusion.registration import resample
from napari_fusion.slab import Window
from napari_fusion.volume import JSON, Step, Volume

if TYPE_CHECKING:
    from napari.layers import Layer

LATTICE = 12
"""Points along each axis at which two boxes are asked whether they overlap."""


@dataclass(frozen=True, eq=False)
class Fusing:
    """Fuse layers and account for every pixel: the job behind *Fuse*.

    Parameters
    ----------
    snapshot
        The viewer's layers.
    names
        Two layers or more; the first one's grid is the result's.
    method
        A name from `napari_fusion.fusion.methods`.
    windows
        (lower, upper) per layer; None takes the windows they are shown with.
    params
        The method's keywords.
    different_patients
        Allow volumes of different patients.
    unknown_sides
        Allow volumes whose files do not say which side is left.
    """

    snapshot: Snapshot
    names: tuple[str, ...]
    method: str
    windows: Sequence[tuple[float, float]] | None
    params: dict[str, Any]
    different_patients: bool = False
    unknown_sides: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work, and write out every default."""
        self.snapshot.check(self.names)
        if len(self.names) < 2:
            raise ParameterError("fusion needs two layers or more: choose another one")
        asked = self.windows or [self.snapshot.window(name) for name in self.names]
        if len(asked) != len(self.names):
            raise ParameterError(f"{len(asked)} windows were given for {len(self.names)} layers")
        windows = tuple((float(low), float(high)) for low, high in asked)
        object.__setattr__(self, "windows", windows)
        object.__setattr__(self, "params", lookup(self.method).resolve(self.params))

    def line(self, verb: str = "fuse_layers") -> str:
        """Write the Python that repeats this, or does another thing to the same layers."""
        return line_of(
            *(verb, list(self.names), self.method),
            **self.params,
            windows=list(self.windows or ()),
            different_patients=self.different_patients or None,
            unknown_sides=self.unknown_sides or None,
        )

    def admitted(self) -> tuple[list[Source], Standing]:
        """Read the sources, refuse what does not belong together, and say how far they may."""
        sources = [self.snapshot.source(name) for name in self.names]
        check_patients(sources, different_patients=self.different_patients)
        check_sides(sources, unknown_sides=self.unknown_sides)
        return sources, standing(sources)

    def compute(self, progress: Progress) -> Result:
        """Bring the sources onto the first one's grid, fuse and attribute; touches no layer."""
        progress(0.0, "reading the layers")
        sources, stands = self.admitted()
        fused, shares = self._fused(sources, between(progress, 0.0, 0.95))
        told_of = [(f"{self.method}: {' + '.join(self.names)}", judged(fused, stands))]
        given = dict(zip(self.names, shares, strict=True))
        if len(given) == 2:  # the first one's share is the rest of the whole
            del given[self.names[0]]
        told_of += [(f"share of {name}", share) for name, share in given.items()]
        picture, *rest = (result_layer(v, name, stands, sources[0].anchor) for name, v in told_of)
        picture[1]["metadata"][SHARES] = (self.names, given)
        told = [veiled(layer, picture[0]) for layer in rest]
        for part, one in enumerate([picture, *told]):
            one[1]["metadata"][ORIGIN] = self._made(part)
        for _, keywords, _ in told:
            keywords["visible"] = False
        turned = self.snapshot.turned(Frame.of(fused.grid))
        hidden = self.snapshot.replaced(self.names)
        return Result(stands, [picture, *told], turned, hidden)

    def _made(self, part: int) -> Made:
        arguments: dict[str, JSON] = {
            "method": self.method,
            "windows": [list(window) for window in self.windows or ()],
            "params": dict(self.params),
            "different_patients": self.different_patients,
            "unknown_sides": self.unknown_sides,
        }
        return Made("fuse", self.snapshot.ids(self.names), arguments, part)

    def _fused(self, sources: list[Source], progress: Progress) -> tuple[Volume, list[Volume]]:
        volumes = []
        for i, source in enumerate(sources):
            progress(0.2 * i / len(sources), f"drawing {source.name} on the fixed grid")
            volumes.append(on_grid(source, sources[0].volume.grid))
        return fuse_with_shares(
            volumes,
            self.method,
            windows=[Window(lower=low, upper=high) for low, high in self.windows or ()],
            progress=between(progress, 0.2, 1.0),
            **self.params,
        )


def fuse_layers(
    viewer: Any,
    layers: Sequence[str | Layer],
    method: str = "laplacian",
    *,
    windows: Sequence[tuple[float, float]] | None = None,
    different_patients: bool = False,
    unknown_sides: bool = False,
    **params: JSON,
) -> list[Layer]:
    """Fuse layers on the grid of the first one, and say what each gave to every pixel.

    Parameters
    ----------
    viewer
        The napari viewer.
    layers
        Two layers or more, or their names. Those on other grids are drawn on the first one's;
        when nothing says that they lie on each other, the result is labelled NOT REGISTERED.
    method
        A name from `napari_fusion.fusion.methods`.
    windows
        (lower, upper) per layer; by default the windows they are shown with.
    different_patients
        Allow volumes of different patients.
    unknown_sides
        Allow volumes whose files do not say which side is left.
    **params
        The method's own keywords.

    Returns
    -------
    list of napari.layers.Image
        The fused layer, then the share of the second of two layers, or of each of several.

    Raises
    ------
    ParameterError
        There is no such layer, method or parameter, the patients differ, or sides are unknown.
    GeometryError
        The volumes do not overlap.
    """
    names = tuple(named(layer) for layer in layers)
    job = Fusing(
        Snapshot.of(viewer), names, method, windows, dict(params), different_patients, unknown_sides
    )
    return show(viewer, job.compute(silent))


def named(layer: str | Layer) -> str:
    """Give the name of a layer, or the name itself."""
    return layer if isinstance(layer, str) else str(layer.name)


def result_layer(volume: Volume, name: str, stands: Standing, anchor: Volume) -> LayerData:
    """Make a result's layer: its state is in its name and in its metadata."""
    layer = to_layer(volume, name=stands.label(name), aligned=_aligned(anchor, stands))
    layer[1]["metadata"][STATE] = stands.text
    return layer


def _aligned(anchor: Volume, stands: Standing) -> Aligned | None:
    if stands.word == "NOT REGISTERED":
        return None
    return Aligned(anchor, stands)


def judged(fused: Volume, stands: Standing) -> Volume:
    """Write what the gate says into a fused volume's history."""
    warnings = () if stands.word == "PASS" else (stands.text,)
    return fused.with_step(Step("gate", {"verdict": stands.word}, warnings))


def on_grid(source: Source, grid: Grid) -> Volume:
    """Draw a source on a grid it is not on yet.

    Raises
    ------
    GeometryError
        The two have no point in common.
    """
    volume = source.volume
    if grid.matches(volume.grid):
        return volume
    steps = np.stack(np.meshgrid(*[np.linspace(0, n - 1, LATTICE) for n in grid.shape]), axis=-1)
    if not volume.grid.holds(grid.index_to_lps(steps)).any():
        raise GeometryError(
            f"the layer {source.name!r} has no point in common with the first one: align it first"
        )
    return resample(volume, grid)
