"""Save a volume so that it is whole and reads back the same, or not at all."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_fusion.errors import WriteError, expect
from napari_fusion.io import files, nifti
from napari_fusion.io.atomic import write_verified
from napari_fusion.io.plain import place_of
from napari_fusion.volume import Volume

_FORMATS = {".nii": nifti, ".nii.gz": nifti, ".mha": files, ".nrrd": files}


def save(volume: Volume, path: str | os.PathLike[str]) -> Path:
    """Write a volume as NIfTI, MetaImage or NRRD, read it back, and only then take the name.

    Voxels, positions, modality, unit and the kind of SUV are written; history and identity never.

    Parameters
    ----------
    volume
        What to write; the type of its voxels is kept. A dask array is read into memory.
    path
        The file to make or replace: ``.nii``, ``.nii.gz``, ``.mha`` or ``.nrrd``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WriteError
        Another suffix, a folder that is missing or not writable, a full disk, or a file that
        reads back differently. An older file is then as it was.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from napari_fusion import Grid, Volume
    >>> volume = Volume(np.zeros((2, 3, 4), np.float32), Grid.regular((2, 3, 4)))
    >>> save(volume, Path(tempfile.mkdtemp()) / "zeros.nii.gz").name
    'zeros.nii.gz'
    """
    expect(Volume, volume=volume)
    target = place_of(path)
    suffix = next((s for s in (".nii.gz", *_FORMATS) if target.name.lower().endswith(s)), None)
    if suffix is None:
        raise WriteError(
            f"{target.name} was not written: its name must end in .nii.gz, .nii, .mha or .nrrd"
        )
    kind = _FORMATS[suffix]
    volume = replace(volume, array=np.asarray(volume.array))  # a dask array is read once
    return write_verified(
        target,
        lambda part: kind.write(volume, part),
        lambda part: kind.verify(volume, part),
    )
