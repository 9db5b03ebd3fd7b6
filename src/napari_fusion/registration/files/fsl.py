"""FSL's FLIRT matrices (``.mat``), which count from the corner of the stored images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, ReadError
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.files.written import Written, linear
from napari_fusion.rotation import inverted

LARGEST_BYTES = 10_000


def read(path: Path, fixed: Image, moving: Image) -> Written:
    """Read a FLIRT matrix: moving → fixed, in mm from the corner of each stored image.

    Raises
    ------
    ReadError
        Not sixteen numbers, singular, or an image is missing or not NIfTI.
    """
    forward = linear(_numbers(path), path.name).matrix
    to_lps = needs(fixed, moving)
    return Written(linear(to_lps[1] @ inverted(forward) @ inverted(to_lps[0]), path.name))


def write(alignment: Alignment, path: Path, fixed: Image, moving: Image) -> None:
    """Write a FLIRT matrix for ``flirt -in MOVING -ref FIXED -applyxfm -init``."""
    rows = _forward(alignment, fixed, moving).tolist()
    lines = ["  ".join(repr(value) for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def same(path: Path, alignment: Alignment, fixed: Image, moving: Image) -> bool:
    """Whether a file holds these numbers to the bit."""
    return np.array_equal(_numbers(path), _forward(alignment, fixed, moving))


def needs(fixed: Image, moving: Image) -> list[NDArray[np.float64]]:
    """Give the maps from FSL's mm to LPS mm of both images.

    Raises
    ------
    ParameterError
        One is not given as a NIfTI file.
    """
    return [_lps_from_fsl(image, role) for image, role in ((fixed, "fixed"), (moving, "moving"))]


def _forward(alignment: Alignment, fixed: Image, moving: Image) -> NDArray[np.float64]:
    to_lps = needs(fixed, moving)
    matrix: NDArray[np.float64] = inverted(to_lps[0]) @ inverted(alignment.matrix) @ to_lps[1]
    return matrix


def _numbers(path: Path) -> NDArray[np.float64]:
    if path.stat().st_size > LARGEST_BYTES:
        raise ReadError(f"{path.name} is too large for a FLIRT matrix")
    try:
        rows = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
        return np.array([[float(cell) for cell in row] for row in rows])
    except ValueError as error:
        raise ReadError(f"{path.name} is not a FLIRT matrix of 4 × 4 numbers") from error


def _lps_from_fsl(image: Image, role: str) -> NDArray[np.float64]:
    """Map FSL's mm to LPS mm.

    FSL scales voxel indices by the header's voxel sizes; where the stored axes are right-handed
    in RAS ("neurological"), the first axis is counted from its other end. An image without sform
    and qform counts as stored ("radiological").
    """
    from napari_fusion.io import nifti

    if image.path is None or not image.path.name.lower().endswith(nifti.SUFFIXES):
        raise ParameterError(
            f"a FLIRT matrix counts from the corner of the stored images: give the NIfTI file of "
            f"the {role} image"
        )
    header = nifti.read_header(image.path, 0)
    lps_from_index = header.affine[:, [2, 1, 0, 3]]
    scale = np.diag([*_voxel_sizes(image.path), 1.0])
    handed = np.linalg.det(lps_from_index[:3, :3]) > 0  # two axes change sign from LPS to RAS
    if handed and header.parameters.get("orientation") != "unknown":
        flip = np.diag([-1.0, 1.0, 1.0, 1.0])
        flip[0, 3] = header.shape[2] - 1
        scale = scale @ flip
    matrix: NDArray[np.float64] = lps_from_index @ inverted(scale)
    return matrix


def _voxel_sizes(path: Path) -> list[float]:
    """Give pixdim as the header has it: FSL takes it for mm whatever the unit says."""
    import nibabel as nib

    return [abs(float(size)) for size in nib.load(path).header["pixdim"][1:4]]
