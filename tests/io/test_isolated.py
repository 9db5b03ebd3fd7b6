"""Catalogue H, 89: whatever a file does to its reader, the caller lives and hears one sentence."""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import crashing
import numpy as np
import pytest
from dicom_making import SENTINEL, pixels, series, stored

from napari_fusion.errors import Cancelled, GeometryError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.io import identity, isolated, load, rectified, save, scan, shared
from napari_fusion.io.passage import SLOT, SLOTS, Incoming, Passage
from napari_fusion.io.shared import Region
from napari_fusion.io.worker import limit_memory
from napari_fusion.io.workspace import Order, Scale
from napari_fusion.volume import Volume

HOSTILE = Path("hostile.dcm")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and a cap by the system")


@pytest.fixture(scope="module", autouse=True)
def _no_worker_left():
    yield
    isolated.close()


def kept():
    """The one idle worker."""
    (worker,) = isolated._idle
    return worker


def assert_lives(tmp_path):
    """The next file is read as if nothing had been."""
    assert isolated.load(series(tmp_path / "sound")).grid.shape == (5, 6, 8)


@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_a_volume_is_the_same_as_in_process(tmp_path, modality):
    folder = series(tmp_path, modality=modality)
    ours, plain = isolated.load(folder), load(folder)
    np.testing.assert_array_equal(ours.array, plain.array)
    np.testing.assert_array_equal(ours.grid.affine, plain.grid.affine)
    assert ours.array.dtype == np.float32
    assert not ours.array.flags.writeable
    for name in ("modality", "unit", "frame_uid", "pet", "history", "patient", "name"):
        assert getattr(ours, name) == getattr(plain, name)


def shifted(ds, index):
    ds.ImagePositionPatient = [-20.0, -30.0 + 0.5 * index, 10.0 + 2.0 * index]


def turned(ds, index):
    ds.ImageOrientationPatient = [0, 0, -1, 0, 1, 0]
    ds.ImagePositionPatient = [-3.0 * index, 0, 0]


def padded(ds, index):
    ds.PixelPaddingValue = 100 * index + 1 if index % 2 else 0


def bytes_with_slopes(ds, index):
    pixels(ds, (stored(index) % 256).astype("u1"))
    ds.RescaleSlope = 0.5 + index // 3


@pytest.mark.parametrize("edit", [None, shifted, turned, padded, bytes_with_slopes])
def test_slices_find_their_places_in_any_order(tmp_path, edit):
    folder = series(tmp_path, 7, edit=edit)
    ours, plain = isolated.load(folder), load(folder)
    np.testing.assert_array_equal(ours.array, plain.array)
    np.testing.assert_array_equal(ours.grid.affine, plain.grid.affine)
    assert ours.warnings == plain.warnings


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mha", "a.nrrd"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (90, 300, 310), (2, 1100, 1000)])
def test_files_of_every_format_and_size_arrive_whole(tmp_path, name, shape):
    """More slices than the buffers hold at once, and slices larger than a buffer."""
    voxels = np.random.default_rng(0).integers(-1000, 3000, shape).astype(np.int16)
    path = save(Volume(voxels, Grid.regular(shape, (3.0, 1.0, 1.0))), tmp_path / name)
    ours, plain = isolated.load(path), load(path)
    np.testing.assert_array_equal(ours.array, plain.array)
    assert not ours.array.flags.writeable
    assert np.isfinite(ours.array).all()
    assert ours.history == plain.history


def test_slices_that_come_out_of_turn_find_their_places():
    """Frames of several files may lie between one another."""
    order = Order((6, 4, 5), (0, 1, 2), (True, False, False))
    said, free, incoming = [], [], Incoming(order, "a file")
    region = Region(SLOTS * SLOT)
    passage = Passage(region, order, lambda *words: said.append(words), lambda: free.pop())
    for start in (0, 3, 1, 4, 5, 2):
        passage.stage(start, 1, Scale("<i2", 2.0, 1.0))[...] = start
        passage.deliver()
        if start == 2:
            passage.flush()
        for word, slot, count, first, scale in said:
            assert word == "slices"
            incoming.put(region._map, slot, count, first, scale)
            free.append(slot)
        said.clear()
    np.testing.assert_array_equal(incoming.array[:, 0, 0], [11, 9, 7, 5, 3, 1])


def test_series_found_there_are_loaded_there_or_here(tmp_path):
    folder = series(tmp_path)
    found = isolated.scan(folder)
    assert found == scan(folder)
    assert (found.ignored, found.damaged) == (0, 0)
    for read in (load, isolated.load):
        assert read(found[0]).grid.shape == (5, 6, 8)


def test_a_path_is_meant_as_seen_from_the_caller(tmp_path, monkeypatch):
    isolated.scan(tmp_path)  # starts the worker elsewhere
    series(tmp_path / "study")
    monkeypatch.chdir(tmp_path)
    assert isolated.load("study").grid.shape == (5, 6, 8)


def test_what_was_resampled_arrives_too(tmp_path):
    folder = series(tmp_path, 6, edit=lambda ds, index: index != 3)
    with pytest.raises(GeometryError, match="gap of 4.0 mm"):
        isolated.load(folder)
    np.testing.assert_array_equal(isolated.rectified(folder).array, rectified(folder).array)


def test_large_arrays_arrive_beside_the_message():
    big, small = isolated.call(crashing.arrays, HOSTILE, shape=(30, 40, 50))
    np.testing.assert_array_equal(big, np.arange(60_000, dtype=np.float32).reshape(30, 40, 50))
    np.testing.assert_array_equal(small, np.eye(4))


def test_volumes_outlive_the_worker(tmp_path):
    volume = Volume(
        np.arange(60_000, dtype=np.float32).reshape(30, 40, 50), Grid.regular((30, 40, 50))
    )
    path = save(volume, tmp_path / "a.nii.gz")
    first, second = isolated.load(path), isolated.load(path)
    isolated.close()
    np.testing.assert_array_equal(first.array, second.array)
    assert np.ptp(first.array) == 59_999


def test_tokens_can_be_compared_across_processes(tmp_path):
    folder = series(tmp_path)
    assert isolated.scan(folder)[0].patient == identity.token(f"{SENTINEL}ID")


def test_one_worker_does_many_jobs(tmp_path):
    isolated.scan(tmp_path)
    pid = kept().process.pid
    with pytest.raises(GeometryError, match="^slices are 5.0 mm apart, the rest 2.5 mm$"):
        isolated.call(crashing.refuse, HOSTILE)
    isolated.scan(tmp_path)
    assert kept().process.pid == pid


@pytest.mark.parametrize(
    "fate", [crashing.segfault, crashing.abort, crashing.leave, crashing.talk_nonsense]
)
def test_089_a_crash_is_one_sentence(tmp_path, fate):
    with pytest.raises(ReadError, match=r"^hostile\.dcm cannot be read: its reader stopped \(.+\)"):
        isolated.call(fate, HOSTILE)
    assert_lives(tmp_path)


def test_089_a_hang_is_ended(tmp_path):
    isolated.scan(tmp_path)
    pid = kept().process.pid
    with pytest.raises(ReadError, match=r"hostile\.dcm .* made no progress for 1 s"):
        isolated.call(crashing.hang, HOSTILE, silence_s=0.6)
    assert not isolated._idle or kept().process.pid != pid
    assert_lives(tmp_path)


def test_089_even_progress_ends_some_time(monkeypatch):
    monkeypatch.setattr(isolated, "LONGEST_S", 0.5)
    with pytest.raises(ReadError, match=r"hostile\.dcm was not read within"):
        isolated.call(crashing.work_on, HOSTILE, silence_s=30)


@linux
def test_089_memory_is_capped(tmp_path):
    with pytest.raises(ReadError, match=r"hostile\.dcm needs more memory than its size explains"):
        isolated.call(crashing.devour, HOSTILE)
    assert_lives(tmp_path)


def test_089_memory_is_watched_where_the_system_caps_nothing(tmp_path, monkeypatch):
    isolated.scan(tmp_path)
    monkeypatch.setattr(kept(), "watched", True)
    worker = kept()
    monkeypatch.setattr(worker, "_held", iter([0, *range(10**9, 10**12, 10**9)]).__next__)
    with pytest.raises(ReadError, match=r"hostile\.dcm needs more memory than its size explains"):
        isolated.call(crashing.devour_slowly, HOSTILE)
    assert worker.process.returncode is not None
    assert_lives(tmp_path)


@pytest.fixture
def on_macos(tmp_path, monkeypatch):
    """Both processes take the system for macOS, which ignores limits and has no memfd."""
    import psutil  # noqa: F401 - loads another part of itself there

    isolated.close()
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.platform = 'darwin'")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("os.memfd_create", None, raising=False)
    yield
    monkeypatch.undo()
    isolated.close()


@linux
def test_089_without_caps_by_the_system_a_reader_that_eats_the_memory_is_ended(on_macos, tmp_path):
    assert isolated.call(crashing.platform, HOSTILE)[0] == "darwin"
    assert kept().watched
    with pytest.raises(ReadError, match=r"hostile\.dcm needs more memory than its size explains"):
        isolated.call(crashing.devour_all, HOSTILE)
    assert_lives(tmp_path)


@linux
def test_without_memfd_a_volume_passes_through_a_file_without_a_name(on_macos, tmp_path):
    folder = series(tmp_path / "study", 7)
    np.testing.assert_array_equal(isolated.load(folder).array, load(folder).array)


def test_on_windows_memory_is_found_by_name_and_no_cap_is_asked_for(monkeypatch):
    """There is no `resource` there, no descriptor to hand over, and mappings have names."""
    named = {}

    def mapping(descriptor, nbytes, tagname=None, access=None):
        assert descriptor == -1
        return named.setdefault(tagname, bytearray(nbytes))

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(shared.mmap, "mmap", mapping)
    limit_memory(1)
    ours, theirs = shared.hands()
    regions = [Region(12), Region(8)]
    regions[0].put(memoryview(np.arange(3, dtype=np.float32)).cast("B"))
    taken = ours.take(theirs.give(regions))
    np.testing.assert_array_equal(np.frombuffer(taken[0], np.float32), [0, 1, 2])
    assert [len(region) for region in taken] == [12, 8]
    assert ours.inherited == theirs.inherited == ()
    regions[0].let_go()


def test_089_a_fault_nobody_foresaw_names_its_kind_and_no_more(tmp_path):
    with pytest.raises(ReadError, match=r"^hostile\.dcm cannot be read: .* \(KeyError\)$"):
        isolated.call(crashing.stumble, HOSTILE)
    assert_lives(tmp_path)


def test_what_libraries_print_goes_nowhere():
    assert isolated.call(crashing.print_much, HOSTILE) == "quiet"  # `no_identity` checks the rest


def test_cancel_ends_the_reading_within_a_second(tmp_path):
    isolated.scan(tmp_path)
    worker, wanted = kept(), threading.Event()

    def progress(fraction, words):
        if wanted.is_set():
            raise Cancelled("stopped")

    timer = threading.Timer(0.3, wanted.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        isolated.call(crashing.hang, HOSTILE, progress=progress)
    assert time.monotonic() - began < 1.3
    assert worker.process.returncode is not None


def test_progress_is_told_while_a_volume_is_read(tmp_path, monkeypatch):
    told = []
    isolated.load(series(tmp_path, 40), progress=lambda fraction, words: told.append(fraction))
    assert told == sorted(told)
    assert told[0] == 0.0


def test_two_callers_at_once_get_a_worker_each(tmp_path):
    folders = [series(tmp_path / str(n), 3 + n) for n in range(3)]
    read = {}
    threads = [
        threading.Thread(target=lambda f=f: read.update({f: isolated.load(f).grid.shape[0]}))
        for f in folders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(map(read.get, folders)) == [3, 4, 5]
    kept()  # and one is left


def test_a_killed_reader_leaves_no_file(tmp_path):
    isolated.scan(tmp_path)
    folder = Path(kept()._folder)
    assert folder.is_dir()
    with pytest.raises(ReadError, match="its reader stopped"):
        isolated.call(crashing.leave_a_file, HOSTILE)
    assert not folder.exists()


@linux
def test_nothing_is_held_open_when_volumes_are_gone(tmp_path):
    folder = series(tmp_path)
    isolated.load(folder)
    here, there = (crashing.descriptors(None), isolated.call(crashing.descriptors, HOSTILE))
    for _ in range(5):
        isolated.load(folder)
    assert crashing.descriptors(None) == here
    assert isolated.call(crashing.descriptors, HOSTILE) == there


def test_a_worker_that_died_idle_is_replaced(tmp_path):
    isolated.scan(tmp_path)
    kept().process.kill()
    kept().process.wait()
    assert_lives(tmp_path)


def test_a_worker_that_does_not_start_is_not_the_files_fault(tmp_path, monkeypatch):
    isolated.close()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(ReadError, match="the process that reads files did not start"):
        isolated.scan(tmp_path)


def test_a_worker_that_cannot_import_is_not_the_files_fault(tmp_path, monkeypatch):
    isolated.close()
    broken = tmp_path / "napari_fusion"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ReadError, match=r"did not start \(exit code 1\)"):
        isolated.scan(tmp_path)


def test_modules_beside_the_images_are_not_imported(tmp_path, monkeypatch):
    isolated.close()
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    assert isolated.load(series(tmp_path / "study")).grid.shape == (5, 6, 8)
    assert not (tmp_path / "ran").exists()


def test_a_script_needs_no_guard_and_leaves_no_warning(tmp_path):
    folder = series(tmp_path / "study")
    script = tmp_path / "script.py"
    script.write_text(
        f"from napari_fusion.io import isolated\nprint(isolated.load({str(folder)!r}).grid.shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", script], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("(5, 6, 8)\n", "")


def test_the_parents_end_ends_the_worker_and_leaves_no_folder(tmp_path):
    code = (
        "import os\nfrom napari_fusion.io import isolated\n"
        f"isolated.scan({str(tmp_path)!r})\n"
        "print(isolated._idle[0].process.pid, isolated._idle[0]._folder, flush=True)\n"
        "os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid, folder = done.stdout.split()
    assert Path(folder).parent == Path(tempfile.gettempdir())
    for _ in range(100):
        if not _runs(int(pid)):
            break
        time.sleep(0.05)
    assert not _runs(int(pid))
    assert not Path(folder).exists()


def _runs(pid):
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
