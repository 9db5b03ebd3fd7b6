"""Small DICOM files built on the spot: no patient, no data, every fault on purpose."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SENTINEL = "ZZPHI"
CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
    "SC": "1.2.840.10008.5.1.4.1.1.7",
}


def stored(index, rows=6, columns=8):
    """Values that name their slice, row and column."""
    r, c = np.mgrid[:rows, :columns]
    return (100 * index + 10 * r + c).astype("<i2")


def dataset(modality="CT", sop_class=None, syntax=ExplicitVRLittleEndian):
    """A data set with an identity that must never come out again, and no image yet."""
    ds = pydicom.Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = sop_class or CLASSES[modality]
    ds.SOPInstanceUID = generate_uid()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.PatientName, ds.PatientID = f"{SENTINEL}^NAME", f"{SENTINEL}ID"
    ds.PatientBirthDate = "19010203"
    ds.Modality, ds.StudyDate = modality, "20240517"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.StudyInstanceUID = "1.2.3"
    ds.FrameOfReferenceUID = "1.2.5"
    return ds


def pixels(ds, array):
    """Put an integer array in as the pixels."""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = array.shape[-2:]
    ds.BitsAllocated = ds.BitsStored = 8 * array.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(array.dtype.kind == "i")
    ds.PixelData = array.tobytes() + b"\0" * (array.nbytes % 2)
    ds["PixelData"].VR = "OB" if array.dtype.itemsize == 1 else "OW"


def one_slice(index, modality="CT", uid="1.2.4", step=2.0, z0=10.0):
    """One axial slice, 1.5 mm between rows and 0.5 mm between columns, `step` mm apart."""
    ds = dataset(modality)
    ds.SeriesInstanceUID, ds.SeriesDescription = uid, f"{modality} test"
    ds.InstanceNumber = index + 1
    ds.PixelSpacing = [1.5, 0.5]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [-20.0, -30.0, z0 + step * index]
    if modality == "CT":
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    if modality == "PT":
        pet(ds, index)
    pixels(ds, stored(index))
    return ds


def pet(ds, index):
    """What a PET header says about dose and time."""
    ds.RescaleIntercept, ds.RescaleSlope = 0, 0.5 + 0.25 * index
    ds.Units, ds.DecayCorrection = "BQML", "START"
    ds.CorrectedImage = ["DECY", "ATTN", "SCAT"]
    ds.SeriesDate = ds.AcquisitionDate = "20240517"
    ds.SeriesTime, ds.AcquisitionTime = "110000", f"1100{index:02d}"
    ds.FrameReferenceTime = 0
    ds.PatientWeight, ds.PatientSize, ds.PatientSex = 70, 1.75, "F"
    drug = pydicom.Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = 3.7e8, 6586.2
    drug.RadiopharmaceuticalStartTime = "100000"
    ds.RadiopharmaceuticalInformationSequence = [drug]


def write(ds, path):
    """Write a data set as a DICOM file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def series(folder, count=5, modality="CT", edit=None, *, uid="1.2.4", step=2.0, prefix="s"):
    """Write a series, letting `edit(ds, index)` spoil each slice first; give the folder."""
    for index in range(count):
        ds = one_slice(index, modality, uid, step)
        if edit is None or edit(ds, index) is not False:
            write(ds, Path(folder) / f"{prefix}{index:03d}.dcm")
    return Path(folder)
