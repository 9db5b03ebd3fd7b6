"""What changed between two dates of one patient, as a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ParameterError, Progress, between, silent
from napari_fusion.gui.actions import named, on_grid, result_layer
from napari_fusion.gui.check.gate import Source, check_patients, same_volume, standing
from napari_fusion.gui.check.sides import check_sides
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.layers import cleared
from napari_fusion.gui.line import line_of
from napari_fusion.gui.origin import ORIGIN, Made
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL, Result, Snapshot, show
from napari_fusion.recipe import changed
from napari_fusion.registration import Alignment
from napari_fusion.volume import JSON, Step, Volume

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class Changing:
    """Compare two dates: the job behind *What changed*.

    Parameters
    ----------
    snapshot
        The viewer's layers.
    names
        The baseline and the follow-up.
    uncertainty_mm
        How far the alignment may be off; None takes what its check measured.
    sigmas
        How many standard deviations of noise are no change.
    scale_mm
        How much both are smoothed before they are compared.
    different_patients, unknown_sides
        As for `fuse_layers`.
    """

    snapshot: Snapshot
    names: tuple[str, ...]
    uncertainty_mm: float | None = None
    sigmas: float = 5.0
    scale_mm: float = 1.0
    different_patients: bool = False
    unknown_sides: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work."""
        self.snapshot.check(self.names)
        if len(self.names) != 2:
            raise ParameterError("a change is between two layers: the baseline and the follow-up")

    def line(self) -> str:
        """Write the Python that repeats this."""
        asked = {name: None if value is False else value for name, value in self._asked().items()}
        return line_of("change_layers", list(self.names), **asked)

    def compute(self, progress: Progress) -> Result:
        """Draw the follow-up on the baseline and give what changed; touches no layer."""
        sources = [self.snapshot.source(name) for name in self.names]
        check_patients(sources, different_patients=self.different_patients)
        check_sides(sources, unknown_sides=self.unknown_sides)
        stands = standing(sources)
        progress(0.1, "drawing the follow-up")
        found = changed(
            *self._pair(sources),
            uncertainty_mm=self.uncertainty_mm,
            sigmas=self.sigmas,
            scale_mm=self.scale_mm,
            progress=between(progress, 0.1, 0.95),
        )
        warnings = () if stands.word == "PASS" else (stands.text,)
        found = found.with_step(Step("gate", {"verdict": stands.word}, warnings))
        name = f"change: {self.names[0]} to {self.names[1]}"
        layer = result_layer(found, name, stands, sources[0].anchor)
        note = "left clear where nothing changed; the volume itself is whole"
        layer = cleared(layer, layer[0] == 0, note)
        layer[1]["metadata"][ORIGIN] = Made("change", self.snapshot.ids(self.names), self._asked())
        return Result(stands, [layer], self.snapshot.turned(Frame.of(found.grid)))

    def _asked(self) -> dict[str, JSON]:
        return {
            "uncertainty_mm": self.uncertainty_mm,
            "sigmas": self.sigmas,
            "scale_mm": self.scale_mm,
            "different_patients": self.different_patients,
            "unknown_sides": self.unknown_sides,
        }

    def _pair(self, sources: list[Source]) -> tuple[Volume, Volume, Alignment]:
        """Give baseline, follow-up as it was before it was drawn, and how it was drawn."""
        still, mobile = sources
        metadata = self.snapshot.taken[mobile.name][1]["metadata"]
        grid, alignment = still.volume.grid, metadata.get(ALIGNMENT)
        fresh = mobile.aligned is not None and same_volume(still.anchor, mobile.anchor)
        if fresh and isinstance(alignment, Alignment) and grid.matches(alignment.fixed):
            return still.volume, metadata[ORIGINAL], alignment
        drawn = on_grid(mobile, grid)
        return still.volume, drawn, Alignment.identity(grid, grid)


def change_layers(  # noqa: PLR0913 - as `changed`, and what may differ
    viewer: Any,
    layers: tuple[str | Layer, str | Layer],
    *,
    uncertainty_mm: float | None = None,
    sigmas: float = 5.0,
    scale_mm: float = 1.0,
    different_patients: bool = False,
    unknown_sides: bool = False,
) -> Layer:
    """Add what changed between two dates that neither misregistration nor noise explains.

    Parameters
    ----------
    viewer
        The napari viewer.
    layers
        The baseline, and the follow-up aligned to it, of one modality and unit.
    uncertainty_mm
        How far the alignment may be off; by default what its check measured, voxel by voxel.
    sigmas
        How many standard deviations of noise are no change.
    scale_mm
        How much both are smoothed before they are compared.
    different_patients, unknown_sides
        As for `fuse_layers`.

    Returns
    -------
    napari.layers.Image
        What was lost in blue, what was gained in orange, in the unit of both; clear elsewhere.

    Raises
    ------
    ParameterError
        There is no such layer, the patients differ, or sides are unknown.
    QuantityError
        Nobody knows how far the alignment may be off, or modality or unit differ.
    """
    names = tuple(named(layer) for layer in layers)
    job = Changing(
        Snapshot.of(viewer),
        names,
        uncertainty_mm,
        sigmas,
        scale_mm,
        different_patients,
        unknown_sides,
    )
    return show(viewer, job.compute(silent))[0]
