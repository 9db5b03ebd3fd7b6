"""What came of a recipe."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_fusion.recipe.request import Recipe
from napari_fusion.registration import Alignment, Quality
from napari_fusion.volume import Volume, told_apart


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a recipe: every volume lies on one grid.

    Parameters
    ----------
    recipe
        The recipe with every default filled in, so that it replays exactly.
    inputs
        The volumes as given, fixed first.
    fixed, moving_on_fixed, fused
        The sources on the common grid, and the fused volume in [0, 1].
    shares
        What part of each fused voxel each source gave, fixed first; they sum to 1.
    alignments
        One per moving volume.
    metrics
        Quality of the fusion by name.
    warnings
        Plain sentences the reader of the picture has to know.
    seconds
        Wall time of each step.
    """

    recipe: Recipe
    inputs: tuple[Volume, ...]
    fixed: Volume
    moving_on_fixed: tuple[Volume, ...]
    fused: Volume
    shares: tuple[Volume, ...]
    alignments: tuple[Alignment, ...]
    metrics: dict[str, float]
    warnings: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[Volume, ...]:
        """The volumes that were fused, on the common grid, fixed first."""
        return (self.fixed, *self.moving_on_fixed)

    @property
    def state(self) -> str:
        """Say in words how far the fusion can be trusted to be aligned."""
        fixed, *moving = told_apart(self.sources)
        return " ".join(
            f"{name} on {fixed}: {in_words(alignment.quality)}"
            for name, alignment in zip(moving, self.alignments, strict=True)
        )


def in_words(quality: Quality) -> str:
    """Say verdict and reason."""
    return f"{quality.verdict}. {quality.sentence}"
