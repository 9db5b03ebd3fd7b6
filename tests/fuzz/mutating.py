"""Small files of every format, and how to spoil them."""

import gzip
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

sys.path.append(str(Path(__file__).parents[1] / "io"))

import dicom_making
import test_codestreams
import test_frames
import test_text_headers


def image():
    array = np.arange(120).reshape(4, 5, 6).astype("i2")
    return nib.Nifti1Image(array, np.diag([2.0, 3.0, 4.0, 1.0]))


def series(path, modality="CT", edit=None):
    """Write three slices beside `path`, which is the middle one."""
    dicom_making.series(path.parent, 3, modality, edit)


def deflate(ds, _index):
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian


def compressed(path, codec):
    """Write two slices whose pixels a native library unpacks; `path` is the second."""
    like, data = test_codestreams.picture("<u2"), test_codestreams.stream(codec, "<u2")
    syntax = test_codestreams.SYNTAXES[codec]
    test_codestreams.two_slices(path.parent, data, syntax, like)


def zipped(path):
    folder = dicom_making.series(path.parent / "members", 3)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in folder.iterdir():
            packed.write(member, member.name)


MAKERS = {
    "a.nii": lambda path: nib.save(image(), path),
    "a.nii.gz": lambda path: nib.save(image(), path),
    "a.mha": test_text_headers.meta,
    "a.nrrd": test_text_headers.nrrd,
    "enhanced.dcm": test_frames.enhanced,
    "nuclear.dcm": test_frames.nuclear,
    "plain/s001.dcm": lambda path: series(path, "PT"),
    "runs/s001.dcm": lambda path: series(path, edit=lambda ds, index: ds.compress(RLELossless)),
    "deflated/s001.dcm": lambda path: series(path, edit=deflate),
    "zipped/a.zip": zipped,
    "jpeg/1.dcm": lambda path: compressed(path, "JPEG lossless"),
    "jpeg-ls/1.dcm": lambda path: compressed(path, "JPEG-LS"),
    "wavelets/1.dcm": lambda path: compressed(path, "JPEG 2000"),
    "blocks/1.dcm": lambda path: compressed(path, "HTJ2K"),
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
