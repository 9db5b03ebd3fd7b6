"""napari's door to `save`: File ▸ Save Selected Layers."""

from __future__ import annotations

from typing import Any


def write(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Save a layer as a volume at its true place: LPS mm, oblique axes and later moves included.

    Parameters
    ----------
    path
        Ends in ``.nii.gz``, ``.mha`` or ``.nrrd``.
    data, meta
        What napari knows of the layer.

    Raises
    ------
    WriteError
        The file could not be written and read back the same.
    GeometryError, ParameterError
        The layer is not a volume.
    """
    return _write(path, data, meta, "image")


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Save a labels layer; as `write`."""
    return _write(path, data, meta, "labels")


def _write(path: str, data: Any, meta: dict[str, Any], kind: str) -> list[str]:
    from napari_fusion import save
    from napari_fusion.gui.layers import volume_of

    return [str(save(volume_of(data, meta, kind), path))]
