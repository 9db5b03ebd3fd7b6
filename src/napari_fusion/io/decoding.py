"""Compressed DICOM pixels to stored values: run lengths by pydicom, all else by GDCM."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError
from napari_fusion.io import codestreams
from napari_fusion.io import header as dicom
from napari_fusion.io.codestreams import RUN_LENGTH, Stream
from napari_fusion.io.header import Header
from napari_fusion.io.plain import plainly

if TYPE_CHECKING:
    import pydicom


def decoded(
    header: Header, data: bytes, shape: tuple[int, int, int]
) -> tuple[NDArray[Any], Stream | None]:
    """Decode all frames of a file.

    Parameters
    ----------
    header
        The file's header.
    data
        All its bytes.
    shape
        (frames, rows, columns).

    Returns
    -------
    tuple
        Values as the frames themselves mean them, (frames, rows, columns), and what the frames
        say of their bits; None for run lengths, which say nothing.

    Raises
    ------
    ReadError
        Damaged frames, or frames that contradict the header.
    """
    name = header.path.name
    frames = codestreams.frames(header, data, shape[0])
    with plainly(name, f"DICOM of transfer syntax {header.syntax}"):
        if header.syntax == RUN_LENGTH:
            return _sized(_by_pydicom(_bare(header, frames, None)), shape, name), None
        said = {codestreams.check_frame(header, frame) for frame in frames}
        if len(said) > 1:
            raise ReadError(
                f"{name} has compressed frames of different kinds, which is not supported"
            )
        (stream,) = said
        return _sized(_by_gdcm(_bare(header, frames, stream)), shape, name), stream


def _sized(array: NDArray[Any], shape: tuple[int, int, int], name: str) -> NDArray[Any]:
    if array.size != np.prod(shape):
        raise ReadError(f"{name} decodes to another number of pixels than its header says")
    return array.reshape(shape)


def _by_pydicom(bare: pydicom.Dataset) -> NDArray[Any]:
    from pydicom.pixels import get_decoder

    decoder = get_decoder(bare.file_meta.TransferSyntaxUID)
    array: NDArray[Any] = decoder.as_array(bare, raw=True)[0]
    return array


def _by_gdcm(bare: pydicom.Dataset) -> NDArray[Any]:
    import SimpleITK as sitk

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.dcm"
        bare.save_as(path, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        array: NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    return array


def _bare(header: Header, frames: list[bytes], stream: Stream | None) -> pydicom.Dataset:
    """Make a file that holds nothing but the frames, described as they describe themselves.

    No rescale, so that stored values come back exactly; no patient; and no second opinion about
    the bits, of which a decoder would believe now the one, now the other.
    """
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, SecondaryCaptureImageStorage, generate_uid

    bare = pydicom.Dataset()
    bare.Rows, bare.Columns = header.integer(dicom.ROWS), header.integer(dicom.COLUMNS)
    bare.SamplesPerPixel, bare.PhotometricInterpretation = 1, "MONOCHROME2"
    bare.NumberOfFrames = len(frames)
    if stream is None:
        allocated = header.integer(dicom.ALLOCATED, 16)
        bare.BitsStored, bare.PixelRepresentation = allocated, header.integer(dicom.SIGNED)
    else:
        allocated = next(size for size in (8, 16, 32) if stream.bits <= size)
        bare.BitsStored, bare.PixelRepresentation = stream.bits, int(stream.signed or False)
    bare.BitsAllocated, bare.HighBit = allocated, bare.BitsStored - 1
    bare.SOPClassUID, bare.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    bare.PixelData = encapsulate(frames)
    bare["PixelData"].VR = "OB"
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = UID(header.syntax)
    bare.file_meta.MediaStorageSOPClassUID = bare.SOPClassUID
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    return bare
