"""Where a region of interest is: a sphere, or what was drawn on a labels layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.gui.layers import VOLUME, world_of
from napari_fusion.volume import Volume

Points = NDArray[np.float64]
"""(..., 3) viewer mm."""


class Region(Protocol):
    """Something that tells which label a point of the viewer bears."""

    @property
    def box(self) -> Points:
        """Its ends, (2, 3) viewer mm."""
        ...

    def labels(self, points: Points) -> NDArray[np.int64]:
        """Give the label at points (n, 3) in viewer mm; 0 outside every region; (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class Sphere:
    """One region, labelled 1.

    Parameters
    ----------
    centre
        (3,) viewer mm.
    diameter_mm
        Its diameter.
    """

    centre: Points
    diameter_mm: float

    def __post_init__(self) -> None:
        """Refuse what is no sphere."""
        if not (np.isfinite(self.diameter_mm) and self.diameter_mm > 0):
            raise ParameterError(f"a sphere has a diameter above 0 mm, not {self.diameter_mm}")
        if self.centre.shape != (3,) or not np.isfinite(self.centre).all():
            raise ParameterError("a sphere has its centre at three finite numbers, viewer mm")

    @property
    def box(self) -> Points:
        """Its ends, (2, 3) viewer mm."""
        return np.stack([self.centre - self.diameter_mm / 2, self.centre + self.diameter_mm / 2])

    def labels(self, points: Points) -> NDArray[np.int64]:
        """Give 1 within it; (n,)."""
        away = np.linalg.norm(points - self.centre, axis=-1)
        inside: NDArray[np.bool_] = away <= self.diameter_mm / 2
        return inside.astype(np.int64)


MOST_REGIONS = 2000
"""A layer with more different values is a picture."""


def may_hold_regions(layer: Any) -> bool:
    """Whether a layer may be of labels: painted, or read from a file that does not say."""
    from napari.layers import Labels

    if isinstance(layer, Labels):
        return True
    volume = layer.metadata.get(VOLUME)
    return isinstance(volume, Volume) and volume.modality == "OTHER" and not volume.is_share


class Drawn:
    """The regions of a layer of whole numbers, each at the nearest of its voxels.

    Parameters
    ----------
    layer
        A labels layer of three axes, or an image layer of whole numbers from 0.

    Raises
    ------
    ParameterError
        It is no such layer, or nothing is drawn on it.
    """

    def __init__(self, layer: Any) -> None:
        if not may_hold_regions(layer) or layer.ndim != 3 or layer.multiscale:
            raise ParameterError(f"{layer.name!r} is no layer of labels with three axes")
        self._array = np.asarray(layer.data)
        if not _are_labels(self._array):
            raise ParameterError(
                f"{layer.name!r} holds no regions: these are whole numbers, 0 outside, at most "
                f"{MOST_REGIONS} different ones"
            )
        self._to_world = world_of(layer)
        found = [np.flatnonzero(self._array.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
        if not found[0].size:
            raise ParameterError(f"nothing is drawn on {layer.name!r}: paint a region first")
        self._ends = np.array([[one[0] - 0.5, one[-1] + 0.5] for one in found])

    @property
    def box(self) -> Points:
        """Its ends, (2, 3) viewer mm."""
        corners = np.stack(np.meshgrid(*self._ends, indexing="ij"), axis=-1).reshape(-1, 3)
        world = corners @ self._to_world[:3, :3].T + self._to_world[:3, 3]
        return np.stack([world.min(axis=0), world.max(axis=0)])

    def labels(self, points: Points) -> NDArray[np.int64]:
        """Give the label of the nearest voxel; (n,)."""
        back = np.linalg.inv(self._to_world)
        index = np.round(points @ back[:3, :3].T + back[:3, 3]).astype(np.int64)
        inside = ((index >= 0) & (index < self._array.shape)).all(axis=-1)
        labels = np.zeros(len(points), np.int64)
        labels[inside] = self._array[tuple(index[inside].T)]
        return labels


def _are_labels(array: NDArray[Any]) -> bool:
    if not np.issubdtype(array.dtype, np.integer) and not np.array_equal(array, np.round(array)):
        return False
    return bool(array.min() >= 0) and np.unique(array[array != 0]).size <= MOST_REGIONS
