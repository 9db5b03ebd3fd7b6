"""DICOM Spatial Registration objects (PS3.3 C.20): which frame of reference lies where in which."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, ReadError
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.files.images import Image
from napari_fusion.registration.files.written import Written, linear
from napari_fusion.rotation import inverted

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST_BYTES = 16 << 20
CLOSE_MM = 1e-4
"""DICOM writes numbers in 16 characters: maps read back differ by less at 1 m from the origin."""

ROUND_OFF = 1e-3
"""A matrix called RIGID may differ from a rotation by as much."""


def read(path: Path, fixed: Image, moving: Image) -> Written:
    """Read where the moving frame of reference lies in the fixed one.

    Each item of the object maps its own frame to the registered one; the answer goes from the
    fixed frame to the registered one and back to the moving one. Without images, the registered
    frame is the fixed one and the other frame the moving one.

    Raises
    ------
    ReadError
        Not a (rigid or affine) Spatial Registration, damaged, or for other frames of reference.
    """
    registered, items = _items(path)
    known = {registered: np.eye(4), **items}
    ours = _frame(fixed, registered, known, "fixed", path)
    others = [uid for uid in known if uid != ours]
    if moving.frame_uid is None and len(others) != 1:
        raise ReadError(
            f"{path.name} registers {len(others)} frames of reference to the fixed one: give the "
            "moving image as DICOM to say which is meant"
        )
    theirs = _frame(moving, others[0] if others else ours, known, "moving", path)
    if ours == theirs:
        raise ReadError(
            f"both images share one frame of reference, so {path.name} cannot say how they differ"
        )
    return Written(linear(inverted(known[theirs]) @ known[ours], path.name))


def write(alignment: Alignment, path: Path, fixed: Image, moving: Image) -> None:
    """Write the moving frame's place in the fixed frame, without a patient's identity.

    The patient's name and number are left empty and the study is new, because nothing here knows
    them; an archive needs both filled in.
    """
    from pydicom import dcmwrite

    dcmwrite(path, _object(alignment, *needs(fixed, moving)), enforce_file_format=True)


def same(path: Path, alignment: Alignment, fixed: Image, moving: Image) -> bool:
    """Whether a file maps points within 1 m of the origin to within 0.1 µm."""
    found = read(path, fixed, moving).alignment
    box = 1000 * np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
    apart = np.abs(found.map_points(box) - alignment.map_points(box)).max()
    return bool(apart < CLOSE_MM)


def needs(fixed: Image, moving: Image) -> tuple[str, str]:
    """Give both frames of reference, or say what is missing.

    Raises
    ------
    ParameterError
        An image has none, or both share one.
    """
    if fixed.frame_uid is None or moving.frame_uid is None:
        role = "fixed" if fixed.frame_uid is None else "moving"
        raise ParameterError(
            "a Spatial Registration names DICOM frames of reference, and the "
            f"{role} image has none: give DICOM images, or save as .tfm"
        )
    if fixed.frame_uid == moving.frame_uid:
        raise ParameterError(
            "both images share one frame of reference, which a Spatial Registration cannot map to "
            "itself: save as .tfm"
        )
    return fixed.frame_uid, moving.frame_uid


def _frame(
    image: Image, otherwise: str, known: dict[str, NDArray[np.float64]], role: str, path: Path
) -> str:
    """Give the image's frame, which the file must know."""
    if image.frame_uid is None:
        return otherwise
    if image.frame_uid not in known:
        raise ReadError(
            f"{path.name} was made for another pair: it does not know the {role} image's frame of "
            "reference"
        )
    return image.frame_uid


def _items(path: Path) -> tuple[str, dict[str, NDArray[np.float64]]]:
    """Give the registered frame, and each frame's map to it."""
    from pydicom.config import disable_value_validation

    from napari_fusion.io.plain import plainly

    kind = "a DICOM Spatial Registration"
    # pydicom would log the values it finds odd, and they may name a patient
    with disable_value_validation(), warnings.catch_warnings(), plainly(path.name, kind):
        warnings.simplefilter("ignore")
        dataset = _dataset(path)
        registered = str(dataset.FrameOfReferenceUID)
        found: dict[str, NDArray[np.float64]] = {}
        for item in dataset.RegistrationSequence:
            uid = str(item.get("FrameOfReferenceUID", ""))
            if not uid:
                raise ReadError(f"{path.name} registers single images, not frames of reference")
            matrix = _matrix(item.MatrixRegistrationSequence[0].MatrixSequence, path.name)
            if uid in found and not np.allclose(found[uid], matrix, atol=CLOSE_MM):
                raise ReadError(f"{path.name} maps one frame of reference in two ways")
            found[uid] = matrix
    return registered, found


def _dataset(path: Path) -> Dataset:
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info
    from pydicom.uid import DeflatedExplicitVRLittleEndian, SpatialRegistrationStorage

    if path.stat().st_size > LARGEST_BYTES:
        raise ReadError(f"{path.name} is too large for a Spatial Registration")
    meta = read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise ReadError(f"{path.name} is deflated, which registrations seldom are: export it again")
    dataset = dcmread(path)
    kind = dataset.get("SOPClassUID")
    if kind != SpatialRegistrationStorage:
        known = getattr(kind, "type", "") == "SOP Class"  # else the file's own words
        name = kind.name if known else "another kind of object"
        raise ReadError(f"{path.name} holds {name}, not a rigid DICOM Spatial Registration")
    return dataset


def _matrix(sequence: Sequence[Dataset], name: str) -> NDArray[np.float64]:
    """Multiply the matrices of one item; where their order matters, it is not guessed."""
    parts = []
    for step in sequence:
        numbers = np.array(step.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
        parts.append(linear(numbers, name).matrix)
        kind = str(step.get("FrameOfReferenceTransformationMatrixType", ""))
        turn = numbers[:3, :3]
        if kind == "RIGID" and np.abs(turn.T @ turn - np.eye(3)).max() > ROUND_OFF:
            raise ReadError(f"{name} calls a matrix rigid that stretches space")
    forward = backward = np.eye(4)
    for part in parts:
        forward, backward = forward @ part, part @ backward
    if not np.allclose(forward, backward, atol=CLOSE_MM):
        raise ReadError(
            f"{name} holds several matrices whose order matters, and programs disagree on it: "
            "export it with a single matrix"
        )
    return forward


def _object(alignment: Alignment, fixed_uid: str, moving_uid: str) -> Dataset:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.sr.codedict import codes
    from pydicom.uid import ExplicitVRLittleEndian, SpatialRegistrationStorage, generate_uid

    now = datetime.now()
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID = SpatialRegistrationStorage
    one.SOPInstanceUID = generate_uid(prefix=None)
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        setattr(one, name, "")
    for name in ("StudyID", "AccessionNumber", "ReferringPhysicianName"):
        setattr(one, name, "")
    one.StudyInstanceUID, one.SeriesInstanceUID = generate_uid(None), generate_uid(None)
    one.StudyDate = one.ContentDate = date
    one.StudyTime = one.ContentTime = time
    one.Modality, one.Manufacturer = "REG", "napari-fusion"
    one.SeriesNumber = one.InstanceNumber = 1
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = fixed_uid, ""
    one.ContentLabel, one.ContentDescription = "REGISTRATION", alignment.quality.verdict
    one.ContentCreatorName = ""
    numbers = alignment.quality.numbers
    found = codes.DCM.ImageContentBasedAlignment if "nmi" in numbers else None
    found = codes.DCM.FiducialAlignment if "fre_mm" in numbers else found
    one.RegistrationSequence = [
        _item(fixed_uid, np.eye(4), codes.DCM.FrameOfReferenceIdentity),
        _item(moving_uid, inverted(alignment.matrix), found),
    ]
    return one


def _item(uid: str, matrix: NDArray[np.float64], code: tuple[str, str, str] | None) -> Dataset:
    """Map one frame's points to the registered frame."""
    from pydicom import Dataset
    from pydicom.valuerep import format_number_as_ds

    step = Dataset()
    step.FrameOfReferenceTransformationMatrixType = _kind(matrix)
    step.FrameOfReferenceTransformationMatrix = [
        format_number_as_ds(float(value)) for value in matrix.ravel()
    ]
    registration = Dataset()
    registration.RegistrationTypeCodeSequence = [] if code is None else [_coded(*code[:3])]
    registration.MatrixSequence = [step]
    item = Dataset()
    item.FrameOfReferenceUID = uid
    item.MatrixRegistrationSequence = [registration]
    return item


def _coded(value: str, scheme: str, meaning: str) -> Dataset:
    from pydicom import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _kind(matrix: NDArray[np.float64]) -> str:
    """Name the matrix's freedoms: RIGID, RIGID_SCALE (right angles kept) or AFFINE."""
    square = matrix[:3, :3].T @ matrix[:3, :3]
    if np.abs(square - np.eye(3)).max() < 1e-6:
        return "RIGID"
    off = square - np.diag(np.diag(square))
    return "RIGID_SCALE" if np.abs(off).max() < 1e-6 else "AFFINE"
