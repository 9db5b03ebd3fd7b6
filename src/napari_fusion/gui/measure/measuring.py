"""Measure every source in a region, each on its own grid and in its own unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fusion.errors import FusionError, ParameterError
from napari_fusion.grid import Grid
from napari_fusion.gui.actions import named
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.measure.regions import Drawn, Points, Region, Sphere
from napari_fusion.gui.readout import OUTSIDE, patient_point, sources
from napari_fusion.gui.snapshot import ALIGNMENT, ORIGINAL
from napari_fusion.quantify import RoiStats, measure
from napari_fusion.quantify.roi import PEAK_RADIUS_MM
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fusion.registration import Alignment

LATTICE = 9
"""A region's box is sent through an alignment at so many places along each edge."""

SLACK = 3
"""Voxels more than those places reach: an alignment may bend between them."""


@dataclass(frozen=True)
class Measured:
    """What one source holds in one region.

    Parameters
    ----------
    source
        The layer's name.
    volume
        The measured volume, as it was read.
    stats
        The numbers; None where the source does not reach to the region, or cannot be asked.
    why
        Why there are none, or what to know of them.
    """

    source: str
    volume: Volume
    stats: RoiStats | None
    why: str = ""


def measure_layers(
    viewer: Any,
    labels: str | Layer | None = None,
    *,
    sphere_mm: float | None = None,
    at: ArrayLike | None = None,
) -> list[Measured]:
    """Measure every source that is open in the regions of a labels layer, or in a sphere.

    Each on its own grid, in the unit it was read in: a region goes through the alignment to an
    aligned source, never its values to the region. Fused pictures and shares measure nothing.

    Parameters
    ----------
    viewer
        The napari viewer.
    labels
        A labels layer of three axes or its name, or an image layer of whole numbers, as masks
        come from files.
    sphere_mm, at
        Instead of it, a sphere's diameter and its centre, (3,) viewer mm.

    Returns
    -------
    list of Measured
        For each source one per label, the sources in the order of their layers.

    Raises
    ------
    ParameterError
        Neither or both are given, the layer is no labels layer or empty, no source is open.
    """
    region = _region(viewer, labels, sphere_mm, at)
    found = [layer for layer in sources(viewer) if labels is None or layer.name != named(labels)]
    if not found:
        raise ParameterError("no layer holds measured values: open a volume first")
    return [row for layer in found for row in _rows(layer, region)]


def _region(
    viewer: Any, labels: str | Layer | None, sphere_mm: float | None, at: ArrayLike | None
) -> Region:
    if (labels is None) == (sphere_mm is None) or (sphere_mm is None) != (at is None):
        raise ParameterError(
            "a region is a labels layer, or sphere_mm=… with at=… for its centre: give one of them"
        )
    if sphere_mm is not None:
        return Sphere(np.asarray(at, np.float64), float(sphere_mm))
    name = named(labels) if labels is not None else ""
    if name not in viewer.layers:
        raise ParameterError(f"there is no layer {name!r}")
    return Drawn(viewer.layers[name])


def _rows(layer: Any, region: Region) -> list[Measured]:
    """Measure one source, or say why it cannot be."""
    name, volume = str(layer.name), layer.metadata.get(ORIGINAL, layer.metadata[VOLUME])
    way = _Way.of(layer)
    try:
        crop, rois, whole = _cut(volume, way, region)
        found = [] if crop is None else measure(crop, rois)
    except FusionError as error:
        return [Measured(name, volume, None, str(error))]
    if not found:
        return [Measured(name, volume, None, OUTSIDE)]
    why = "" if whole else "a part of the region lies outside"
    return [Measured(name, volume, stats, why) for stats in found]


@dataclass(frozen=True, eq=False)
class _Way:
    """From viewer mm to a source's own voxels, and back.

    Parameters
    ----------
    to_patient
        (4, 4) viewer mm → LPS mm of what the layer shows.
    alignment
        From there to the source as it was read; None where the layer shows that.
    """

    to_patient: NDArray[np.float64]
    alignment: Alignment | None

    @classmethod
    def of(cls, layer: Any) -> _Way:
        """Read a layer's place as it is now, moved by hand or not."""
        origin = patient_point(layer, np.zeros(3))
        matrix = np.eye(4)
        matrix[:3, 3] = origin
        for axis, unit in enumerate(np.eye(3)):
            matrix[:3, axis] = patient_point(layer, unit) - origin
        return cls(matrix, layer.metadata.get(ALIGNMENT) if ORIGINAL in layer.metadata else None)

    def there(self, world: Points) -> Points:
        """Map viewer mm (n, 3) to the source's LPS mm."""
        lps: Points = world @ self.to_patient[:3, :3].T + self.to_patient[:3, 3]
        return lps if self.alignment is None else self.alignment.map_points(lps)

    def back(self, lps: Points) -> Points:
        """Map the source's LPS mm (n, 3) to viewer mm."""
        if self.alignment is not None:
            lps = self.alignment.inverse().map_points(lps)
        inverse = np.linalg.inv(self.to_patient)
        world: Points = lps @ inverse[:3, :3].T + inverse[:3, 3]
        return world


def _cut(volume: Volume, way: _Way, region: Region) -> tuple[Volume | None, Volume, bool]:
    """Cut a source around a region: its voxels, their labels, and whether the region is in it.

    The voxels are None where the region has none of them.
    """
    edges = [np.linspace(low, high, LATTICE) for low, high in region.box.T]
    lattice = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1).reshape(-1, 3)
    there = way.there(lattice)
    whole = bool(volume.grid.holds(there[region.labels(lattice) != 0]).all())
    crop = _around(volume, there)
    if crop is None:
        return None, volume, False
    index = np.indices(crop.grid.shape).reshape(3, -1).T
    labels = region.labels(way.back(crop.grid.index_to_lps(index))).reshape(crop.grid.shape)
    rois = Volume(labels.astype(np.int32), crop.grid, "LABEL", "label")
    return (crop if labels.any() else None), rois, whole


def _around(volume: Volume, points: Points) -> Volume | None:
    """Cut the box of a volume's voxels around LPS points, and what a peak needs beside it."""
    index = volume.grid.lps_to_index(points)
    margin = SLACK + np.ceil(PEAK_RADIUS_MM / volume.grid.spacing)
    first = np.maximum(np.floor(index.min(axis=0)) - margin, 0).astype(int)
    last = np.minimum(np.ceil(index.max(axis=0)) + margin + 1, volume.grid.shape).astype(int)
    if (first >= last).any():
        return None
    a, b, c = (slice(start, stop) for start, stop in zip(first, last, strict=True))
    array = np.asarray(volume.array[a, b, c])
    affine = np.array(volume.grid.affine)
    affine[:3, 3] = volume.grid.index_to_lps(first)
    grid = Grid((array.shape[0], array.shape[1], array.shape[2]), affine)
    return Volume(array, grid, volume.modality, volume.unit)
