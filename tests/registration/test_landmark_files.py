import errno
import json
import os

import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion.errors import ParameterError, ReadError, WriteError
from napari_fusion.grid import Grid
from napari_fusion.io import load
from napari_fusion.registration import Landmarks, align_landmarks

POINTS = np.random.default_rng(0).uniform(-90, 90, (5, 3))
PAIRS = Landmarks(POINTS, POINTS[::-1] + 3, ("nose", "chin", "left eye", "right eye", "crown"))

SLICER_JSON = """{"@schema": "https://raw.githubusercontent.com/slicer/slicer/master/Modules/\
Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#",
"markups": [{"type": "Fiducial", "coordinateSystem": "%s", "coordinateUnits": "mm",
 "controlPoints": [
 {"id": "1", "label": "F-1", "position": [10.0, -20.0, 30.0], "positionStatus": "defined"},
 {"id": "2", "label": "F-2", "position": [0.0, 0.0, 0.0], "positionStatus": "undefined"},
 {"id": "3", "label": "F-3", "position": [1.0, 2.0, 3.0], "positionStatus": "defined"}]}]}"""

SLICER_FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = %s
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
1,10,-20,30,0,0,0,1,1,1,0,F-1,,vtkMRMLScalarVolumeNode1
2,1,2,3,0,0,0,1,1,1,0,F-3,,
"""


def same(one: Landmarks, other: Landmarks) -> None:
    np.testing.assert_array_equal(one.fixed, other.fixed)
    np.testing.assert_array_equal(one.moving, other.moving)
    assert one.names == other.names


@pytest.mark.parametrize("ending", [".mrk.json", ".fcsv", ".csv"])
def test_two_files_come_back_to_the_bit(ending, tmp_path):
    paths = tmp_path / f"fixed{ending}", tmp_path / f"moving{ending}"
    PAIRS.save(*paths)
    same(Landmarks.load(*paths), PAIRS)
    assert len(list(tmp_path.iterdir())) == 2


def test_one_table_comes_back_to_the_bit(tmp_path):
    PAIRS.save(tmp_path / "pairs.csv")
    same(Landmarks.load(tmp_path / "pairs.csv"), PAIRS)


@pytest.mark.parametrize(
    ("ending", "text", "frame", "sign"),
    [
        (".mrk.json", SLICER_JSON, "LPS", 1),
        (".mrk.json", SLICER_JSON, "RAS", -1),
        (".fcsv", SLICER_FCSV, "LPS", 1),
        (".fcsv", SLICER_FCSV, "RAS", -1),
        (".fcsv", SLICER_FCSV, "1", 1),
        (".fcsv", SLICER_FCSV, "0", -1),
    ],
)
def test_what_slicer_writes_is_read_in_its_own_frame(ending, text, frame, sign, tmp_path):
    path = tmp_path / f"slicer{ending}"
    path.write_text(text % frame)
    read = Landmarks.load(path, path)
    np.testing.assert_array_equal(
        read.fixed, [[sign * 10, sign * -20, 30], [sign * 1, sign * 2, 3]]
    )
    assert read.names == ("F-1", "F-3")


def test_an_fcsv_without_a_frame_is_ras_and_a_json_without_is_lps_as_in_slicer(tmp_path):
    old = tmp_path / "old.fcsv"
    old.write_text(SLICER_FCSV.replace("# CoordinateSystem = %s\n", ""))
    new = tmp_path / "new.mrk.json"
    new.write_text(SLICER_JSON.replace('"coordinateSystem": "%s", ', ""))
    read = Landmarks.load(old, new)
    np.testing.assert_array_equal(read.fixed[0], [-10, 20, 30])
    np.testing.assert_array_equal(read.moving[0], [10, -20, 30])


def test_points_pair_by_name_whatever_their_order(tmp_path):
    turned = Landmarks(PAIRS.fixed[::-1], PAIRS.moving[::-1], PAIRS.names[::-1])
    PAIRS.save(tmp_path / "a.fcsv", tmp_path / "unused.fcsv")
    turned.save(tmp_path / "unused.mrk.json", tmp_path / "b.mrk.json")
    same(Landmarks.load(tmp_path / "a.fcsv", tmp_path / "b.mrk.json"), PAIRS)


def test_points_without_a_common_name_pair_by_order(tmp_path):
    PAIRS.save(tmp_path / "a.fcsv", tmp_path / "unused.fcsv")
    other = Landmarks(PAIRS.fixed, PAIRS.moving, tuple("abcde"))
    other.save(tmp_path / "unused.csv", tmp_path / "b.csv")
    read = Landmarks.load(tmp_path / "a.fcsv", tmp_path / "b.csv")
    same(read, PAIRS)
    doubt = "The two files name the points differently: they were paired by their order."
    assert read.doubts == read.swapped.doubts == read.without(0).doubts == (doubt,)
    grid = Grid.regular((50, 50, 50), (4, 4, 4))
    assert align_landmarks(read, grid, grid, "affine").quality.sentence.endswith(doubt)


@pytest.mark.parametrize(
    ("ours", "theirs", "doubts"),
    [
        ("abcde", "abcde", 0),
        ("12345", "abcde", 0),
        ("aabcd", "aabcd", 0),
        ("aabcd", "aabdc", 1),
        ("abcde", "fghij", 1),
    ],
)
def test_an_order_that_names_contradict_is_doubted(ours, theirs, doubts, tmp_path):
    Landmarks(POINTS, POINTS, tuple(ours)).save(tmp_path / "a.fcsv", tmp_path / "unused.csv")
    Landmarks(POINTS, POINTS, tuple(theirs)).save(tmp_path / "un.csv", tmp_path / "b.mrk.json")
    assert len(Landmarks.load(tmp_path / "a.fcsv", tmp_path / "b.mrk.json").doubts) == doubts


@pytest.mark.parametrize(
    ("names", "count", "words"),
    [(("nose", "b", "c", "d", "e"), 5, "one volume only"), (tuple("abcd"), 4, "5 and 4 points")],
)
def test_points_that_do_not_pair_up_are_refused(names, count, words, tmp_path):
    PAIRS.save(tmp_path / "a.csv", tmp_path / "unused.csv")
    Landmarks(POINTS[:count], POINTS[:count], names).save(tmp_path / "u.csv", tmp_path / "b.csv")
    with pytest.raises(ReadError, match=words):
        Landmarks.load(tmp_path / "a.csv", tmp_path / "b.csv")


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3,4,5,6\n7,8,9,10,11,12\n",
        "x,y,z,X,Y,Z\n1,2,3,4,5,6\n7,8,9,10,11,12\n",
        "a;1;2;3;4;5;6\nb;7,0;8;9;10;11;12\n",
        "# RAS mm\r\na\t-1\t-2\t3\t-4\t-5\t6\r\nb\t-7\t-8\t9\t-10\t-11\t12\r\n",
        "\ufeff1,2,3,4,5,6\n\n# a comment\n7,8,9,10,11,12",
    ],
)
def test_tables_of_many_hands(text, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8", newline="")
    read = Landmarks.load(path)
    np.testing.assert_array_equal(read.fixed, [[1, 2, 3], [7, 8, 9]])
    np.testing.assert_array_equal(read.moving, [[4, 5, 6], [10, 11, 12]])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "no point"),
        ("a.csv", "1,2,3\n", "6 numbers"),
        ("a.csv", "1,2,3,4,5,six\n", "not numbers"),
        ("a.csv", "1,2,3,4,5,nan\n", "finite"),
        ("a.csv", b"\xff\xfe\x00", "not a text file"),
        ("a.standard", "hello", "new_x"),
        ("a.standard", "Point x y z new_x new_y new_z\n1 0 0 0 1 1 1\n", "8 corners"),
        ("a.txt", "1,2,3,4,5,6", "no file of landmarks"),
        ("a.fcsv", "1,2,3", "second file"),
        ("gone.csv", None, "cannot be read"),
    ],
)
def test_files_that_hold_no_pairs_are_refused(name, content, words, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError, match=words) as refusal:
        Landmarks.load(path)
    assert name in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.mrk.json", "{", "3D Slicer"),
        ("a.mrk.json", "[]", "3D Slicer"),
        ("a.mrk.json", json.dumps({"markups": []}), "0 lists"),
        ("a.mrk.json", SLICER_JSON % "IJK", "'IJK'"),
        ("a.mrk.json", (SLICER_JSON % "LPS").replace('"mm"', '"um"'), "mm"),
        ("a.mrk.json", (SLICER_JSON % "LPS").replace("[1.0, 2.0, 3.0]", "[1.0, 2.0]"), "three"),
        ("a.fcsv", "1,2,3\n", "columns"),
        ("a.fcsv", SLICER_FCSV % "2", "'2'"),
        ("a.fcsv", (SLICER_FCSV % "LPS").replace("1,2,3", "1,2,z"), "without x, y and z"),
        ("a.csv", "1,2\n", "3 numbers"),
        ("a.txt", "1,2,3\n", "no file of points"),
    ],
)
def test_files_that_hold_no_points_are_refused(name, content, words, tmp_path):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ReadError, match=words):
        Landmarks.load(path, path)


@pytest.mark.parametrize("name", ["#1 nose", "a\x0bb", "a\nb", "a;b"])
def test_names_that_a_table_would_lose_are_refused(tmp_path, name):
    odd = Landmarks(PAIRS.fixed, PAIRS.moving, (name, *PAIRS.names[1:]))
    with pytest.raises(ParameterError, match="names of points"):
        odd.save(tmp_path / "pairs.csv")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".fcsv", ".mrk.json"])
def test_no_point_is_lost_whatever_its_name(tmp_path, ending):
    odd = Landmarks(PAIRS.fixed, PAIRS.moving, ("#1 nose", *PAIRS.names[1:]))
    paths = tmp_path / f"fixed{ending}", tmp_path / f"moving{ending}"
    odd.save(*paths)
    same(Landmarks.load(*paths), odd)


@pytest.mark.parametrize("label", ["nose, tip", 'say "a"', '"', ",", "F-1"])
def test_a_label_may_hold_commas_and_quotes_as_in_slicer(label, tmp_path):
    odd = Landmarks(PAIRS.fixed, PAIRS.moving, (label, *PAIRS.names[1:]))
    paths = tmp_path / "a.fcsv", tmp_path / "b.fcsv"
    odd.save(*paths)
    same(Landmarks.load(*paths), odd)


def test_a_comma_within_a_label_shifts_no_column(tmp_path):
    path = tmp_path / "a.fcsv"
    path.write_text(
        '# CoordinateSystem = LPS\n# columns = label,x,y,z\n"nose, ""tip""",1,2,3\nchin,4,5,6\n'
    )
    read = Landmarks.load(path, path)
    np.testing.assert_array_equal(read.fixed, [[1, 2, 3], [4, 5, 6]])
    assert read.names == ('nose, "tip"', "chin")


@pytest.mark.parametrize("second", ["b.csv", "gone/b.fcsv", "a.fcsv", "b.txt"])
def test_of_two_files_none_is_written_when_the_second_is_refused(second, tmp_path):
    odd = Landmarks(PAIRS.fixed, PAIRS.moving, ("a;b", *PAIRS.names[1:]))
    with pytest.raises((ParameterError, WriteError)):
        odd.save(tmp_path / "a.fcsv", tmp_path / second)
    assert list(tmp_path.iterdir()) == []


def test_of_two_files_none_is_new_when_the_disk_is_full_at_the_second(tmp_path, monkeypatch):
    pair = tmp_path / "a.fcsv", tmp_path / "b.csv"
    PAIRS.save(*pair)
    before = [path.read_bytes() for path in pair]
    turned, sync = Landmarks(PAIRS.moving, PAIRS.fixed, PAIRS.names), os.fsync
    left = iter([sync])  # room for one file

    def full(descriptor):
        if (flush := next(left, None)) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"b\.csv was not written: no space left"):
        turned.save(*pair)
    assert [path.read_bytes() for path in pair] == before
    assert sorted(tmp_path.iterdir()) == sorted(pair)


@pytest.mark.parametrize("names", [("a.txt", None), ("a.fcsv", None), ("a.fcsv", "b.txt")])
def test_other_endings_are_refused_and_nothing_written(names, tmp_path):
    paths = [tmp_path / name for name in names if name]
    with pytest.raises(ParameterError):
        PAIRS.save(*paths)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(WriteError, match="folder"):
        PAIRS.save(tmp_path / "gone" / "a.csv")


@pytest.mark.real
def test_the_corners_of_rire_give_its_transform(data):
    folder = data / "volumes" / "rire_001"
    marked = Landmarks.load(folder / "ct_T1.standard")
    ct = Grid.regular((29, 512, 512), (4, 0.653595, 0.653595), centre=(166.99, 166.99, 56))
    mr = load(folder / "training_001_mr_T1.mha").grid
    found = align_landmarks(marked, ct, mr)
    truth = sitk.ReadTransform(str(folder / "ct_to_mr_T1_rigid.tfm"))
    mapped = [truth.TransformPoint(p) for p in marked.fixed.tolist()]
    assert np.linalg.norm(found.map_points(marked.fixed) - mapped, axis=1).max() < 0.001
    assert marked.errors(found).max() < 0.001
    assert found.quality.verdict == "PASS", found.quality.sentence


@pytest.mark.parametrize(
    ("comment", "sign"), [("# RAS", -1), ("# scanner ras, mm", -1), ("# lps", 1), ("# mine", 1)]
)
def test_a_table_says_its_frame_in_any_spelling(comment, sign, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{comment}\nA,1,2,3\n")
    assert Landmarks.load(path, path).fixed.tolist() == [[sign, sign * 2, 3]]


def test_a_table_that_names_two_frames_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("# brought from RAS to LPS\nA,1,2,3\n")
    with pytest.raises(ReadError, match=r"a\.csv names both LPS and RAS"):
        Landmarks.load(path, path)


def test_names_pair_up_whatever_spaces_a_format_keeps(tmp_path):
    spaced = Landmarks(POINTS, POINTS, (" nose", "chin ", "a", "b", "c"))
    paths = tmp_path / "a.mrk.json", tmp_path / "b.fcsv"
    spaced.save(*paths)
    assert Landmarks.load(*paths).names == ("nose", "chin", "a", "b", "c")
