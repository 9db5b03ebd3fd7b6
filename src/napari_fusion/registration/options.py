"""What can be asked of a registration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from napari_fusion.checked import Settings

Linear = Literal["rigid", "similarity", "affine"]
Model = Literal["rigid", "similarity", "affine", "deformable"]
Engine = Literal["own", "greedy", "elastix"]

FREEDOMS: dict[str, int] = {"rigid": 6, "similarity": 7, "affine": 12}
"""Numbers that each linear model may choose."""


class AlignOptions(Settings):
    """How to register, as plain JSON values.

    Parameters
    ----------
    model
        What may change between the volumes: "rigid" moves and turns (6 numbers), "similarity"
        also has one scale (7), "affine" is any linear map (12), "deformable" also bends space,
        smoothly and without folds, after `base`.
    seed
        Chooses the sample points; the same seed gives the same answer on any number of threads.
    search
        "wide" tries many starting poses (up to ±60 mm and ±40°, and any orientation when those
        fail); "near" only refines the start it is given.
    samples
        Points of the fixed volume compared at the finest level.
    bins
        Grey levels a side of the joint histogram.
    finest_mm
        Voxel size of the finest level, never finer than the volumes themselves.
    base
        The linear map that a deformable one starts from.
    grid_mm
        Voxel size at which a deformable map is found; its nodes lie twice as far apart.
    stiffness
        How hard space is to bend: 2 is twice as hard.
    engine
        What searches: "own", or another program that is installed, in a process of its own:
        "greedy" (extra ``greedy``) or "elastix" (extra ``elastix``; no similarity). The gate
        judges all alike. Effort and stiffness are then the program's own.

    Examples
    --------
    >>> AlignOptions(model="deformable", stiffness=2).model_dump_json(exclude_defaults=True)
    '{"model":"deformable","stiffness":2.0}'
    """

    model: Model = "rigid"
    seed: Annotated[int, Field(ge=0)] = 0
    search: Literal["wide", "near"] = "wide"
    samples: Annotated[int, Field(ge=1000, le=1_000_000)] = 30_000
    bins: Annotated[int, Field(ge=8, le=128)] = 32
    finest_mm: Annotated[float, Field(gt=0)] = 1.0
    base: Linear = "rigid"
    grid_mm: Annotated[float, Field(ge=0.1, le=20)] = 2.0
    stiffness: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    engine: Engine = "own"

    @property
    def linear(self) -> Linear:
        """The linear part of the model."""
        return self.base if self.model == "deformable" else self.model
