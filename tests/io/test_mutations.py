"""Catalogue H, 96, in small: spoilt headers end in one sentence, never in another exception."""

import random

import dicom_making
import nibabel as nib
import numpy as np
import pytest
import test_frames
import test_text_headers

from napari_fusion.errors import FusionError
from napari_fusion.io import load, scan

MAKERS = {
    "a.nii": lambda path: nib.save(_image(), path),
    "a.nii.gz": lambda path: nib.save(_image(), path),
    "a.mha": test_text_headers.meta,
    "a.nrrd": test_text_headers.nrrd,
    "enhanced.dcm": test_frames.enhanced,
    "nuclear.dcm": test_frames.nuclear,
    "series/s001.dcm": lambda path: dicom_making.series(path.parent, 3, "PT"),
}


def _image():
    array = np.arange(120).reshape(4, 5, 6).astype("i2")
    return nib.Nifti1Image(array, np.diag([2.0, 3.0, 4.0, 1.0]))


def mutated(data, rng):
    """Change, cut or stretch a few places of a header."""
    raw = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(min(len(raw), 2600))
        match rng.randrange(5):
            case 0:
                raw[place] = rng.choice([0, 255, 127, 128, ord("-"), ord("9")])
            case 1:
                raw[place : place + 4] = rng.choice([b"\xff\xff\xff\xff", bytes(4), b"9999"])
            case 2:
                del raw[place : place + rng.randint(1, 40)]
            case 3:
                raw[place:place] = rng.randbytes(rng.randint(1, 20))
            case 4:
                raw = raw[: place + 1]
    return bytes(raw)


@pytest.mark.filterwarnings("ignore")  # libraries may warn about what they then refuse
@pytest.mark.parametrize("name", MAKERS)
def test_096_a_spoilt_header_ends_in_a_volume_or_in_one_sentence(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    MAKERS[name](path)
    data, rng = path.read_bytes(), random.Random(name)
    target = path.parent if "/" in name else path
    said = []
    for _ in range(60):
        path.write_bytes(mutated(data, rng))
        try:
            said += [one.reason for one in scan(target) if one.reason]
            said += load(target).warnings
        except FusionError as fault:
            said.append(str(fault))
    assert len(said) > 20
    assert not [sentence for sentence in said if "\n" in sentence]
