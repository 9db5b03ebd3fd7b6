"""How fast reading is, beside SimpleITK's bare readers and pydicom, in one run on one core.

Run ``OMP_NUM_THREADS=1 python benchmarks/reading.py [--slices 300] [--files 1000]``. Times are CPU
seconds, the best of several turns taken alternately; peaks are of the whole process above what it
held before, each in a fresh process.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from napari_fusion.grid import Grid
from napari_fusion.io import load, save, scan
from napari_fusion.volume import Volume

sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def write_series(folder: Path, slices: int, size: int = 512) -> None:
    """Write a CT series with the header of a real one (about 70 elements)."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2000, (size, size)).astype("<i2")
    ds = pydicom.Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.Modality, ds.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientName, ds.PatientID, ds.StudyDate = "none", "none", "20240101"
    ds.SeriesInstanceUID, ds.StudyInstanceUID = generate_uid(), generate_uid()
    ds.FrameOfReferenceUID = generate_uid()
    for number in range(30):  # the rest of what a scanner writes
        ds.add_new(0x00090010 if number == 0 else 0x00091000 + number, "LO", f"value {number}")
    codes = [pydicom.Dataset() for _ in range(3)]
    for code in codes:
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "DCM", "a code"
    ds.ProcedureCodeSequence = codes
    for keyword in ("KVP", "SliceThickness", "DataCollectionDiameter", "ReconstructionDiameter"):
        setattr(ds, keyword, 120)
    ds.Rows = ds.Columns = size
    ds.PixelSpacing, ds.ImageOrientationPatient = [0.7, 0.7], [1, 0, 0, 0, 1, 0]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 1
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1024, "HU"
    for number in range(slices):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.InstanceNumber = number + 1
        ds.ImagePositionPatient = [-179.2, -179.2, 1.25 * number]
        ds.PixelData = np.roll(noise, number).tobytes()
        ds.save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)


def by_simpleitk(path: Path) -> np.ndarray:
    """Read as SimpleITK's users do, to the same float32 array."""
    if path.is_dir():
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
    else:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
    reader.SetOutputPixelType(sitk.sitkFloat32)
    return sitk.GetArrayFromImage(reader.Execute())


def by_pydicom(folder: Path) -> None:
    """Read every header as pydicom's users do."""
    for path in folder.iterdir():
        pydicom.dcmread(path, stop_before_pixels=True)


def race(ours: Callable[[], object], theirs: Callable[[], object], turns: int) -> tuple[float, ...]:
    """Give the best CPU and wall seconds of each, taken in turns."""
    best = [[np.inf, np.inf], [np.inf, np.inf]]
    for _ in range(turns):
        for side, job in enumerate((ours, theirs)):
            cpu, wall = time.process_time(), time.perf_counter()
            job()
            spent = (time.process_time() - cpu, time.perf_counter() - wall)
            best[side] = [min(a, b) for a, b in zip(best[side], spent, strict=True)]
    return (*best[0], *best[1])


def peak_mib(job: Callable[[Path], object], path: Path) -> float:
    """Give how far a fresh process grows while it reads, in MiB."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(job, path, theirs))
    process.start()
    theirs.close()
    grown: float = ours.recv()
    process.join()
    return grown


def _measure(job: Callable[[Path], object], path: Path, pipe: Connection) -> None:
    import nibabel  # noqa: F401 - imports are not the volume's memory
    import scipy.ndimage  # noqa: F401

    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    job(path)
    pipe.send((_status("VmHWM") - before) / 1024)


def _status(field: str) -> int:
    """Read kB from the process's status (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def report(name: str, times: tuple[float, ...], goal: float) -> None:
    ours, our_wall, theirs, their_wall = times
    print(
        f"{name:34} ours {ours:6.2f} s  theirs {theirs:6.2f} s  CPU ratio {ours / theirs:5.2f}"
        f"  wall ratio {our_wall / their_wall:5.2f}  (goal {goal:.1f})"
    )


def compare_volumes(folder: Path, slices: int, turns: int) -> None:
    series = folder / "series"
    series.mkdir()
    write_series(series, slices)
    noise = np.random.default_rng(0).normal(size=(slices // 2, 512, 512)).astype(np.float32)
    rounded = Volume((noise * 100).astype(np.int16), Grid.regular(noise.shape))
    paths = [series]
    for name in ("plain.nii", "packed.nii.gz", "packed.mha", "packed.nrrd"):
        paths.append(save(rounded, folder / name))
    for path in paths:
        volume = load(path)
        theirs = np.sort(by_simpleitk(path), axis=None)
        assert np.array_equal(np.sort(volume.array, axis=None), theirs)
        float32 = volume.array.nbytes / 2**20
        del volume, theirs
        times = race(lambda path=path: load(path), lambda path=path: by_simpleitk(path), turns)
        report(f"load {path.name} ({float32:.0f} MiB)", times, 1.3)
        peaks = [peak_mib(job, path) / float32 for job in (load, by_simpleitk)]
        print(
            f"{'':34} peak / float32 volume: ours {peaks[0]:.2f}  theirs {peaks[1]:.2f}  (goal 2.5)"
        )


def compare_processes(folder: Path, turns: int) -> None:
    """Weigh reading in a worker process against reading in this one; both processes count."""
    from napari_fusion.io import isolated

    began = time.perf_counter()
    isolated.scan(folder / "plain.nii")
    print(f"a worker starts in {time.perf_counter() - began:.2f} s, once")
    for name in ("series", "plain.nii", "packed.nii.gz"):
        spent = {load: [], isolated.load: []}
        for turn in range(max(10, turns)):
            for job in list(spent)[:: 1 if turn % 2 else -1]:
                cpu, wall = _cpu_of_both(), time.perf_counter()
                float(job(folder / name).array[::2].sum())  # the reader's pages are touched too
                spent[job].append((_cpu_of_both() - cpu, time.perf_counter() - wall))
        here, there = (np.array(taken) for taken in spent.values())
        prices = 100 * (np.median(there / here, axis=0) - 1)  # of neighbours in time
        print(
            f"load {name:29} in a worker {there[:, 0].min():6.2f} s  here {here[:, 0].min():6.2f} s"
            f"  CPU price {prices[0]:+5.1f} %  wall price {prices[1]:+5.1f} %  (goal +15, series)"
        )
    isolated.close()


def _cpu_of_both() -> float:
    """Give the CPU seconds of this process and its children, to the nanosecond (Linux)."""
    import psutil

    here = psutil.Process()
    threads = [t for p in (here, *here.children()) for t in Path(f"/proc/{p.pid}/task").iterdir()]
    return sum(int((t / "schedstat").read_text().split()[0]) for t in threads) / 1e9


def compare_scans(folder: Path, files: int, turns: int) -> None:
    headers = folder / "headers"
    headers.mkdir()
    write_series(headers, files, size=64)
    times = race(lambda: scan(headers), lambda: by_pydicom(headers), turns)
    report(f"scan of {files} files, pydicom", times, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        print("set OMP_NUM_THREADS=1 for figures that compare")
    with tempfile.TemporaryDirectory() as scratch:
        compare_scans(Path(scratch), options.files, options.turns)
        compare_volumes(Path(scratch), options.slices, options.turns)
        compare_processes(Path(scratch), options.turns)


if __name__ == "__main__":
    main()
