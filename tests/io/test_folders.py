"""Catalogue A, 24 to 27, and zips: folders as they are found in the world."""

import os
import zipfile
from importlib import import_module
from threading import Barrier

import numpy as np
import pytest
from dicom_making import CLASSES, dataset, one_slice, pixels, series, stored, write

from napari_fusion.errors import Cancelled, ReadError
from napari_fusion.io import isolated, load, scan
from napari_fusion.io import source as sources
from napari_fusion.io.source import Source


def zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path


def test_024_junk_is_ignored_and_counted(tmp_path):
    folder = series(tmp_path / "study")
    (folder / "report.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "thumb.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))
    (folder / "empty").write_bytes(b"")
    plain = (folder / "s000.dcm").read_bytes()
    (folder / "no preamble").write_bytes(plain[132:])
    found = scan(folder)
    assert (len(found), found.ignored, found.damaged) == (1, 4, 0)
    assert load(folder).grid.shape == (5, 6, 8)


@pytest.mark.parametrize("keep", [132, 300, 700, 0.9], ids=["magic", "start", "more", "no_pixels"])
def test_024_a_damaged_slice_at_an_end_is_not_dropped_in_silence(tmp_path, keep):
    folder = series(tmp_path / "study")
    path = folder / "s004.dcm"
    data = path.read_bytes()
    path.write_bytes(data[: keep if keep > 1 else data.index(b"\xe0\x7f\x10\x00")])
    found = scan(folder)
    assert (found.damaged, found[0].light) == (1, "amber")
    assert load(folder).warnings == ("damaged DICOM files beside it, left out: 1",)
    for left in sorted(folder.iterdir())[:4]:
        left.unlink()
    with pytest.raises(ReadError, match="damaged header"):
        load(folder)


def test_024_a_dicomdir_stands_for_its_folder_and_leads_nowhere_else(tmp_path):
    folder = series(tmp_path / "study")
    ds = dataset("CT", "1.2.840.10008.1.3.10")
    path = write(ds, folder / "DICOMDIR")
    assert load(path).grid.shape == (5, 6, 8)
    assert scan(folder).ignored == 1


@pytest.mark.parametrize(
    "name",
    ["ä ö ü 漢字", 'it\'s "quoted" & spaced', "/".join(["long" * 15] * 5)],
    ids=["unicode", "quotes", "long"],
)
def test_025_any_path_is_read(tmp_path, name):
    folder = series(tmp_path / name)
    assert load(folder).grid.shape == (5, 6, 8)


def test_025_descriptions_are_read_in_their_own_character_set(tmp_path):
    def edit(ds, index):
        ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        ds.SeriesDescription = "頭部"

    assert scan(series(tmp_path, 2, edit=edit))[0].description == "頭部"


def test_025_an_unknown_character_set_is_shown_as_well_as_can_be(tmp_path):
    folder = series(tmp_path, 2, edit=lambda ds, i: setattr(ds, "SeriesDescription", "abcdef"))
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"abcdef", b"ab\xe9\xff\x1bf"))
    assert scan(folder)[0].description.startswith("ab")


def test_026_progress_is_told_and_can_cancel(tmp_path):
    folder = series(tmp_path, 60)
    told = []
    scan(folder, progress=lambda fraction, words: told.append(fraction))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)

    def stop(_fraction, _words):
        raise Cancelled

    with pytest.raises(Cancelled):
        scan(folder, progress=stop)


def test_026_ten_thousand_files_are_listed_and_can_be_left(tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    first = one_slice(0)
    first.ImagePositionPatient = ["0", "0", "+0000.0"]
    first.SeriesInstanceUID = "1.2.4.1000"
    path = write(first, tmp_path / "first.dcm")
    data = path.read_bytes()
    for number in range(10_000):
        spoken = data.replace(b"+0000.0", b"+%06.1f" % (number % 100 * 2.0))
        (many / f"{number}").write_bytes(
            spoken.replace(b"1.2.4.1000", b"1.2.4.%d" % (1000 + number // 100))
        )
    told = []
    found = scan(many, progress=lambda fraction, words: told.append(fraction))
    assert len(found) == 100
    assert {(s.slices, s.light) for s in found} == {(100, "green")}
    assert len(told) > 200

    def stop(fraction, _words):
        told.append(fraction)
        if fraction > 0.1:
            raise Cancelled("stopped")

    told.clear()
    with pytest.raises(Cancelled):
        isolated.scan(many, progress=stop)
    assert told[-1] < 0.9


def test_026_several_headers_are_read_at_once_and_listed_in_order(tmp_path, monkeypatch):
    folder = series(tmp_path, 70)
    alone = scan(folder)
    first, second = sorted(folder.iterdir())[0], sorted(folder.iterdir())[-1]
    scanning = import_module("napari_fusion.io.scan")  # the package's scan is the function
    meeting, read = Barrier(2), scanning._image

    def met(path, source):
        if path in {first, second}:
            meeting.wait(timeout=20)  # nobody comes where files are read one after another
        return read(path, source)

    monkeypatch.setattr(scanning, "_image", met)
    monkeypatch.setattr(scanning, "BATCH", 69)
    assert scan(folder) == alone


def test_026_more_files_than_anyone_means_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_FILES", 4)
    folder = series(tmp_path / "study")
    for path in (folder, zipped(folder, tmp_path / "study.zip")):
        with pytest.raises(ReadError, match="more than 4 files, choose a folder within it"):
            scan(path)


def test_027_reports_contours_segmentations_and_screens_are_not_offered(tmp_path):
    folder = series(tmp_path)
    for number, sop in enumerate(
        ["1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.481.3"]
    ):
        ds = dataset("SR", sop)
        ds.SeriesInstanceUID = f"1.9.{number}"
        write(ds, folder / f"object{number}.dcm")
    for number, sop in enumerate(["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.2"]):
        ds = one_slice(0, uid=f"1.8.{number}")
        ds.SOPClassUID = sop
        write(ds, folder / f"label{number}.dcm")
    screen = dataset("CT", CLASSES["SC"])
    screen.SeriesInstanceUID = "1.7"
    pixels(screen, np.zeros((6, 8), "u1"))
    screen.SamplesPerPixel, screen.PhotometricInterpretation = 3, "RGB"
    screen.PlanarConfiguration, screen.PixelData = 0, bytes(6 * 8 * 3)
    write(screen, folder / "screen.dcm")
    found = scan(folder)
    assert [s.light for s in found] == ["green", "red"]
    assert "colour picture" in found[1].reason
    assert found.ignored == 4
    assert load(folder).modality == "CT"
    with pytest.raises(ReadError, match="colour picture"):
        load(folder / "screen.dcm")


def test_several_volumes_are_listed_in_one_sentence_and_chosen_by_uid(tmp_path):
    series(tmp_path / "a", 4, "CT", uid="1.2.10")
    series(tmp_path / "b", 3, "MR", uid="1.2.20")
    with pytest.raises(ReadError) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("1.2.10, CT, CT test, 4 slices", "1.2.20, MR, MR test, 3 slices"):
        assert part in message
    assert load(tmp_path, series="1.2.20").modality == "MR"
    with pytest.raises(ReadError, match=r"holds no series 1\.9: 1\.2\.10"):
        load(tmp_path, series="1.9")


def test_one_bad_series_does_not_spoil_the_others(tmp_path):
    series(tmp_path / "a", 6, "CT", lambda ds, i: i != 2, uid="1.2.10")
    series(tmp_path / "b", 3, "MR", uid="1.2.20")
    assert [s.light for s in scan(tmp_path)] == ["green", "red"]
    assert load(tmp_path).modality == "MR"
    with pytest.raises(ValueError, match="a slice is missing"):
        load(tmp_path, series="1.2.10")


def test_a_zip_reads_like_its_folder(tmp_path):
    folder = series(tmp_path / "study")
    path = zipped(folder, tmp_path / "study.zip")
    plain, packed = load(folder), load(path)
    np.testing.assert_array_equal(packed.array, plain.array)
    assert packed.grid == plain.grid
    assert packed.history == plain.history
    (found,) = scan(path)
    np.testing.assert_array_equal(load(found).array, plain.array)


def test_087_names_in_a_zip_lead_nowhere(tmp_path):
    folder = series(tmp_path / "study", 3)
    path = tmp_path / "slip.zip"
    names = ["../../evil.dcm", "/etc/evil.dcm", "C:\\evil.dcm"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in zip(names, sorted(folder.iterdir()), strict=True):
            archive.write(file, name)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    assert load(path).grid.shape == (3, 6, 8)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before
    with Source(path) as source:
        assert all(p.is_relative_to(path) and ".." not in p.parts for p in source.files())


def test_087_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros.dcm", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(2**20))
    with pytest.raises(ReadError, match=r"bomb\.zip would unpack from 0\.3 MiB to 300 MiB"):
        scan(path)


def test_an_encrypted_zip_is_named(tmp_path):
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.dcm", b"nobody can read this")
    packed = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.find(mark) + flags] |= 1
    path.write_bytes(packed)
    with pytest.raises(ReadError, match=r"secret\.zip is encrypted"):
        load(path)


def test_members_whose_names_differ_in_what_a_file_cannot_be_called_are_all_read(tmp_path):
    folder = series(tmp_path / "ct")
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        names = ("s:0", "s_0", "s?0", "s*0", "s|0")
        for name, file in zip(names, sorted(folder.iterdir()), strict=True):
            archive.write(file, f"{name}.dcm")
    assert load(path).grid.shape == load(folder).grid.shape


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"not a zip at all"])
def test_a_broken_zip_is_named(tmp_path, content):
    path = tmp_path / "broken.zip"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"broken\.zip is not a zip that can be read"):
        load(path)


def test_a_link_out_of_the_folder_is_not_walked(tmp_path):
    series(tmp_path / "elsewhere")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert scan(inside) == []


@pytest.mark.parametrize(
    ("name", "match"),
    [("none", "does not exist"), ("empty", "holds no image"), ("junk.dcm", "not an image"),
     ("junk", "not an image")],
)  # fmt: skip
def test_048_what_is_no_image_is_said_in_one_sentence(tmp_path, name, match):
    (tmp_path / "empty").mkdir()
    (tmp_path / "junk.dcm").write_bytes(os.urandom(3000))
    (tmp_path / "junk").write_text("dear reader")
    with pytest.raises(ReadError, match=match) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_series_kept_from_a_scan_loads_without_another(tmp_path):
    (found,) = scan(series(tmp_path))
    np.testing.assert_array_equal(load(found).array[1], stored(1) - 1024)


def test_the_hash_is_of_the_bytes_and_not_of_their_order(tmp_path):
    one = load(series(tmp_path / "a"))
    for path in (tmp_path / "a").iterdir():
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / f"x{path.name[::-1]}").write_bytes(path.read_bytes())
    same = load(tmp_path / "b")
    assert same.history[0].parameters["sha256"] == one.history[0].parameters["sha256"]
    path = next((tmp_path / "b").iterdir())
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    other = load(tmp_path / "b")
    assert other.history[0].parameters["sha256"] != one.history[0].parameters["sha256"]


def test_092_no_identity_in_a_volume_its_history_or_a_saved_file(tmp_path):
    from napari_fusion.io import save

    volume = load(series(tmp_path / "study"))
    assert "ZZPHI" not in repr(vars(volume))
    for name in ("a.nii", "a.mha", "a.nrrd"):
        data = save(volume, tmp_path / name).read_bytes()
        assert b"ZZPHI" not in data
        assert b"19010203" not in data
