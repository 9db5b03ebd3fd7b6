"""Other programs' registrations, each run in a process of its own that a cancel ends at once.

They bring a map; the gate judges it as it judges ours.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.engines.job import FIELD, MATRIX, MODULES, Job
from napari_fusion.registration.engines.process import missing, run
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.masks import Masks, masked
from napari_fusion.registration.options import AlignOptions, Engine
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.resampling import with_gaps
from napari_fusion.rotation import inverted
from napari_fusion.volume import Volume

LINEAR = {"greedy": ("rigid", "similarity", "affine"), "elastix": ("rigid", "affine")}
"""The linear maps each engine finds."""

ENGINES: tuple[Engine, ...] = ("greedy", "elastix")
"""The other programs, the one that needs less disk first."""

EXPECTED_POLLS = 600
"""Reports, twenty a second, after which an engine's share of a job counts as done."""


def installed_engines() -> tuple[Engine, ...]:
    """List the engines that are there: our own, and what else is installed."""
    return ("own", *(name for name in ENGINES if find_spec(MODULES[name][0]) is not None))


def check_engine(options: AlignOptions) -> None:
    """Say before any work whether an engine is there and can do what is asked.

    Raises
    ------
    MissingExtra
        It is not installed.
    ParameterError
        It does not find this kind of map.
    """
    engine = options.engine
    if engine == "own":
        return
    if options.linear not in LINEAR[engine]:
        raise ParameterError(
            f"{engine} finds {' and '.join(LINEAR[engine])} maps, not {options.linear} ones: "
            "choose one of those, or the engine 'own'"
        )
    if find_spec(MODULES[engine][0]) is None:
        raise missing(engine)


def linear_by_engine(
    volumes: tuple[Volume, Volume], options: AlignOptions, start: Matrix | None, pulse: Pulse
) -> Matrix:
    """Have the engine find the linear part of a map: (4, 4) fixed → moving, LPS mm.

    Parameters
    ----------
    volumes
        Fixed and moving; NaN voxels count for nothing.
    options
        `engine`, `linear` and `seed` count.
    start
        (4, 4) where to begin, of which the nearest rigid map counts; None is middle on middle.
    pulse
        Told that it goes on; cancels.

    Raises
    ------
    AlignError
        The engine ended without an answer.
    """
    fixed, moving = volumes
    given = np.eye(4) if start is None else _nearest_rigid(fixed.grid, moving.grid, start)
    # A moving volume whose header says where the start puts it needs no transform file.
    placed = Grid(moving.grid.shape, inverted(given) @ moving.grid.affine)
    job = Job(options.engine, options.linear, options.seed, centred=start is None)
    with TemporaryDirectory(prefix="napari-fusion-") as place:
        folder = Path(place)
        _write(folder, "fixed", fixed.array, fixed.grid)
        _write(folder, "moving", moving.array, placed)
        run(job, folder, pulse.beat)
        found = np.load(folder / MATRIX, allow_pickle=False)
    return np.asarray(given @ found, np.float64)


def deform_by_engine(
    volumes: tuple[Volume, Volume],
    matrix: Matrix,
    options: AlignOptions,
    pulse: Pulse,
    masks: Masks = (None, None),
) -> DisplacementField:
    """Have the engine bend a linear answer; the parameters are those of `deform`.

    The moving volume is first drawn on the fixed grid through the linear map, so that what the
    engine finds comes before that map.

    Raises
    ------
    AlignError
        The engine ended without an answer.
    """
    import SimpleITK as sitk

    from napari_fusion.itk import grid_of

    fixed = masked(volumes[0], masks[0], "fixed")
    moving = masked(volumes[1], masks[1], "moving")
    there = Alignment(fixed.grid, moving.grid, matrix)
    drawn = with_gaps(moving, fixed.grid, there)
    job = Job(options.engine, "deformable", options.seed, centred=False)
    with TemporaryDirectory(prefix="napari-fusion-") as place:
        folder = Path(place)
        _write(folder, "fixed", fixed.array, fixed.grid)
        _write(folder, "moving", drawn, fixed.grid)
        run(job, folder, pulse.beat)
        image = sitk.ReadImage(str(folder / FIELD))
        return DisplacementField(grid_of(image), sitk.GetArrayFromImage(image))


def _nearest_rigid(fixed: Grid, moving: Grid, matrix: Matrix) -> Matrix:
    pose = Alignment(fixed, moving, matrix).pose()
    return Alignment.identity(fixed, moving).moved(*pose).matrix


def _write(folder: Path, role: str, array: NDArray[Any], grid: Grid) -> None:
    """Write a volume, and a mask of its finite voxels where it has others."""
    import SimpleITK as sitk

    from napari_fusion.itk import place

    values = np.asarray(array, np.float32)
    known = np.isfinite(values)
    images = {role: np.where(known, values, values[known].min(initial=np.float32(0)))}
    if not known.all():
        images[f"{role}_mask"] = known.astype(np.uint8)
    for name, voxels in images.items():
        image = sitk.GetImageFromArray(voxels)
        place(image, grid)
        sitk.WriteImage(image, str(folder / f"{name}.mha"))
