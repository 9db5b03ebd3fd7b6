"""Write a coloured picture of a volume as an RGB NIfTI, whole or not at all."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import WriteError
from napari_fusion.grid import RAS_TO_LPS, Grid
from napari_fusion.io.atomic import write_verified

_CHANNELS = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def save_rgb(
    picture: NDArray[np.uint8], grid: Grid, path: str | os.PathLike[str], note: str = ""
) -> Path:
    """Write a picture (n0, n1, n2, 3), 8 bits a channel, as RGB24 NIfTI, and read it back.

    Parameters
    ----------
    picture
        As `fusion.colour` gives it.
    grid
        Where its voxels are.
    path
        The file to make or replace, ``.nii`` or ``.nii.gz``.
    note
        Up to 79 characters for the header: what is shown in which colours.

    Raises
    ------
    WriteError
        Another suffix or shape, a folder that is missing or not writable, a full disk, or a file
        that reads back differently.
    """
    target = Path(path)
    if not target.name.lower().endswith((".nii", ".nii.gz")):
        raise WriteError(f"{target.name} was not written: its name must end in .nii or .nii.gz")
    if picture.shape != (*grid.shape, 3) or picture.dtype != np.uint8:
        raise WriteError(
            f"{target.name} was not written: a picture of 8-bit colours and shape "
            f"{(*grid.shape, 3)} was expected, this one is {picture.dtype} {picture.shape}"
        )
    voxels = np.ascontiguousarray(picture).view(_CHANNELS)[..., 0].transpose(2, 1, 0)
    affine = RAS_TO_LPS @ grid.affine[:, [2, 1, 0, 3]]

    def write(part: Path) -> None:
        import nibabel as nib

        image: Any = nib.Nifti1Image(voxels, affine)
        image.header.set_xyzt_units("mm")
        image.set_sform(affine, code="scanner")
        image.set_qform(affine, code="scanner")
        image.header["descrip"] = note.encode("ascii", "replace")[:79]
        nib.save(image, part)

    def verify(part: Path) -> None:
        import nibabel as nib

        image: Any = nib.load(part)
        if not np.array_equal(np.asarray(image.dataobj), voxels):
            raise WriteError("the colours read back differ from those written")
        if not np.allclose(image.affine, affine, atol=1e-3):
            raise WriteError("the positions read back differ from those written")

    return write_verified(target, write, verify)
