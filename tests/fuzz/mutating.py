"""Small files of every format, and how to spoil them."""

import gzip
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.uid import RLELossless

sys.path.append(str(Path(__file__).parents[1] / "io"))

import dicom_making
import test_frames
import test_text_headers


def image():
    array = np.arange(120).reshape(4, 5, 6).astype("i2")
    return nib.Nifti1Image(array, np.diag([2.0, 3.0, 4.0, 1.0]))


def series(path, modality="CT", edit=None):
    """Write three slices beside `path`, which is the middle one."""
    dicom_making.series(path.parent, 3, modality, edit)


def jpeg(path, compressor):
    """Write three slices whose pixels GDCM packs and unpacks."""
    import SimpleITK as sitk

    for index in range(3):
        plain = sitk.GetImageFromArray(dicom_making.stored(index)[None])
        plain.SetOrigin((0, 0, 2.0 * index))
        for tag, value in {"0008|0060": "CT", "0020|000e": "1.2.4", "0020|0037": "1\\0\\0\\0\\1\\0",
                           "0020|0032": f"0\\0\\{2 * index}"}.items():  # fmt: skip
            plain.SetMetaData(tag, value)
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(path.parent / f"s{index:03d}.dcm"))
        writer.SetUseCompression(True)
        writer.SetCompressor(compressor)
        writer.KeepOriginalImageUIDOn()
        writer.Execute(plain)


MAKERS = {
    "a.nii": lambda path: nib.save(image(), path),
    "a.nii.gz": lambda path: nib.save(image(), path),
    "a.mha": test_text_headers.meta,
    "a.nrrd": test_text_headers.nrrd,
    "enhanced.dcm": test_frames.enhanced,
    "nuclear.dcm": test_frames.nuclear,
    "plain/s001.dcm": lambda path: series(path, "PT"),
    "runs/s001.dcm": lambda path: series(path, edit=lambda ds, index: ds.compress(RLELossless)),
    "jpeg/s001.dcm": lambda path: jpeg(path, "JPEG"),
    "wavelets/s001.dcm": lambda path: jpeg(path, "JPEG2000"),
}


def case(data, rng):
    """Spoil a file; of a packed one, mostly what is packed."""
    if data.startswith(b"\x1f\x8b") and rng.random() < 0.8:
        return gzip.compress(mutated(gzip.decompress(data), rng), mtime=0)
    return mutated(data, rng, len(data))


def mutated(data, rng, reach=2600):
    """Change, cut or stretch a few places within the first `reach` bytes."""
    raw = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(max(1, min(len(raw), reach)))
        match rng.randrange(6):
            case 0:
                raw[place : place + 1] = bytes([rng.choice([0, 255, 127, 128, 45, 57])])
            case 1:
                raw[place : place + 4] = rng.choice([b"\xff\xff\xff\xff", bytes(4), b"9999"])
            case 2:
                del raw[place : place + rng.randint(1, 40)]
            case 3:
                raw[place:place] = rng.randbytes(rng.randint(1, 20))
            case 4:
                raw[place : place + 2] = rng.randbytes(2)
            case 5:
                raw = raw[: place + 1]
    return bytes(raw)
