"""Tell volumes of labels from pictures, where the file does not say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_fusion.errors import ParameterError
from napari_fusion.volume import Volume

MOST_LABELS = 2000
"""A volume with more different values is a picture."""

ALIKE = 0.5
"""In labels at least this share of neighbours is equal where either is not background."""


def looks_like_labels(volume: Volume) -> bool:
    """Whether voxels are labels: whole numbers, two of them or mostly equal to their neighbours."""
    if volume.modality == "LABEL":
        return True
    if volume.modality not in {"OTHER", "MR"}:
        return False
    array = volume.array
    if not np.isfinite(array).all() or not np.array_equal(array, np.round(array)):
        return False
    values = np.unique(array)
    if len(values) <= 2 or len(values) > MOST_LABELS or values[0] < 0:
        return len(values) <= 2
    same = pairs = 0
    for axis in range(3):
        ahead = np.moveaxis(array, axis, 0)[1:]
        behind = np.moveaxis(array, axis, 0)[:-1]
        seen = (ahead != values[0]) | (behind != values[0])
        pairs += int(seen.sum())
        same += int((seen & (ahead == behind)).sum())
    return same > ALIKE * pairs


def as_labels(volume: Volume) -> Volume:
    """Give whole numbers their smallest type, and say that they are labels.

    Raises
    ------
    ParameterError
        Voxels are no whole numbers of 32 bits.
    """
    array = np.round(volume.array)
    if not np.array_equal(array, volume.array):
        raise ParameterError("labels must be whole numbers, and these voxels are not")
    low, high = float(array.min()), float(array.max())
    limits = [np.iinfo(name) for name in ("uint8", "int16", "uint16", "int32")]
    fits = [limit.dtype for limit in limits if limit.min <= low and high <= limit.max]
    if not fits:
        raise ParameterError(f"labels must be whole numbers of 32 bits; these reach {high:g}")
    return replace(volume, array=array.astype(fits[0]), modality="LABEL", unit="label")
