"""Whether a transform's numbers are all there: ITK takes missing ones for zeros, or dies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.io.plain import plainly
from napari_fusion.registration.transforms import FLAT, LARGEST

NUMBERS = {
    "IdentityTransform": 0,
    "AffineTransform": 12,
    "CenteredAffineTransform": 15,
    "MatrixOffsetTransformBase": 12,
    "Euler3DTransform": 6,
    "CenteredEuler3DTransform": 9,
    "VersorRigid3DTransform": 6,
    "QuaternionRigidTransform": 7,
    "VersorTransform": 3,
    "TranslationTransform": 3,
    "ScaleTransform": 3,
    "ScaleLogarithmicTransform": 3,
    "Similarity3DTransform": 7,
    "ScaleVersor3DTransform": 9,
    "ComposeScaleSkewVersor3DTransform": 12,
    "ScaleSkewVersor3DTransform": 15,
}
"""How many parameters a transform in space has."""

NODES = {"BSplineTransform", "DisplacementFieldTransform"}
"""Those that have three for each of the nodes that their fixed parameters begin with."""


def check_numbers(
    kind: str, given: NDArray[np.float64], fixed: NDArray[np.float64], file: str
) -> None:
    """Refuse a transform before ITK sees it.

    Parameters
    ----------
    kind
        As ITK names it, "Euler3DTransform_double_3_3".
    given, fixed
        Its parameters and fixed parameters.
    file
        Where they were found.

    Raises
    ------
    ReadError
        It maps the plane, a number is not finite or beyond any body, or some are missing.
    """
    if "_2_2" in kind:
        raise ReadError(FLAT.format(2))
    for numbers in (given, fixed):
        if numbers.size and not np.abs(numbers).max() <= LARGEST:
            raise ReadError(
                f"{file} holds numbers that are not finite or too large for any map: it is "
                "damaged, copy or export it again"
            )
    name, count = kind.partition("_")[0], given.size
    wanted = NUMBERS.get(name, count)
    if name in NODES and fixed.size > 2:
        wanted = 3 * math.prod(int(n) for n in fixed[:3])
    _check_count(name, count, wanted, file)


def check_held(name: str, count: int, file: str) -> None:
    """Refuse a transform that ITK has read, and of which it holds too few or too many numbers.

    Raises
    ------
    ReadError
        As `check_numbers` does. Of kinds not in `NUMBERS` nothing is known.
    """
    _check_count(name, count, NUMBERS.get(name, count), file)


def _check_count(name: str, count: int, wanted: int, file: str) -> None:
    if count != wanted:
        raise ReadError(
            f"{file} holds {count} parameters of {wanted} for its {name}: it is damaged, copy or "
            "export it again"
        )


def check_matlab(path: Path) -> None:
    """Refuse a MATLAB file, as ANTs writes it, that is not one whole transform.

    Raises
    ------
    ReadError
        It holds something else, or a transform that is not whole.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with plainly(path.name, "an ITK transform"):
        try:
            held: dict[str, Any] = loadmat(path)
        except MatReadError as error:
            raise ReadError(f"{path.name} is not an ITK transform that can be read") from error
        kinds = [key for key in held if "Transform" in key]
        if len(kinds) != 1 or "fixed" not in held:
            raise ReadError(f"{path.name} is not an ITK transform that can be read")
        given, fixed = (np.asarray(held[key], np.float64).ravel() for key in (*kinds, "fixed"))
    check_numbers(kinds[0], given, fixed, path.name)
