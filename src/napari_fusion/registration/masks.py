"""Masks: where volumes are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, expect
from napari_fusion.grid import Grid
from napari_fusion.registration.layers import Layer
from napari_fusion.registration.resampling import resample
from napari_fusion.volume import Step, Volume

Masks = tuple[Volume | None, Volume | None]
"""Masks of the fixed and the moving volume; None is everything."""


PAIR = 2


def check_pair(masks: object) -> None:
    """Refuse what is not two: what masks the fixed volume, and what the moving ones."""
    if not isinstance(masks, tuple | list) or len(masks) != PAIR:
        raise ParameterError("masks are two: the fixed volume's and the moving one's, or None")


def masked(volume: Volume, mask: Volume | None, role: str) -> Volume:
    """Leave a volume's values only where its mask is not 0; NaN elsewhere.

    The mask may lie on any grid of the same frame; it is read at the nearest voxel.

    Raises
    ------
    ParameterError
        The mask marks no voxel of the volume.
    """
    if mask is None:
        return volume
    expect(Volume, mask=mask)
    keep = _kept(mask, volume, role)
    values = np.where(keep, volume.array, np.float32(np.nan)).astype(np.float32)
    return volume.with_array(values, Step("mask", {"voxels": int(keep.sum())}))


def on_layer(mask: Volume | None, layer: Layer, role: str) -> NDArray[np.bool_]:
    """Read a mask at the voxels of a layer; without one everything counts."""
    if mask is None:
        return np.ones(layer.values.shape, bool)
    like = Volume(np.zeros(layer.values.shape, bool), Grid(layer.values.shape, layer.affine))
    return _kept(mask, like, role)


def _kept(mask: Volume, volume: Volume, role: str) -> NDArray[np.bool_]:
    marked = np.isfinite(mask.array) & (np.asarray(mask.array) != 0)
    drawn = resample(
        Volume(marked.astype(np.uint8), mask.grid, "LABEL", "label"), volume.grid, fill=0
    )
    keep: NDArray[np.bool_] = drawn.array != 0
    if not keep.any():
        raise ParameterError(
            f"the mask of the {role} volume marks none of its voxels: "
            "give a mask that covers some of the anatomy, or none"
        )
    return keep
