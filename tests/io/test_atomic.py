"""A file is whole and verified, or not there at all."""

import errno
import os
from pathlib import Path

import pytest

from napari_fusion.errors import GeometryError, WriteError
from napari_fusion.io.atomic import write_json, write_table, write_verified


def put(text):
    return lambda part: part.write_text(text)


def test_a_new_file_is_made_and_nothing_else(tmp_path):
    target = write_verified(tmp_path / "a.txt", put("one"))
    assert target.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_old_file_is_replaced_and_keeps_its_mode(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o640)
    write_verified(target, put("new"))
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["a.nii.gz", "b.mha", "c.tar.gz", "plain"])
def test_the_temporary_name_keeps_the_suffix_and_the_folder(tmp_path, name):
    seen = []
    write_verified(tmp_path / name, lambda part: seen.append(part) or part.write_text("x"))
    assert seen[0].parent == tmp_path
    assert seen[0].name.endswith(name[name.index(".") :] if "." in name else "")


@pytest.mark.parametrize(("name", "suffix"), [("A.NII.GZ", ".nii.gz"), ("B.Mha", ".mha")])
def test_the_temporary_suffix_is_in_small_letters_as_libraries_know_it(tmp_path, name, suffix):
    seen = []
    target = write_verified(tmp_path / name, lambda part: seen.append(part) or part.write_text("x"))
    assert seen[0].name.endswith(suffix)
    assert target.name == name


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("Exception thrown in SimpleITK\nsitk::ERROR: no room"),
        ValueError("bad header"),
        GeometryError("sheared"),
    ],
)
@pytest.mark.parametrize("when", ["write", "verify"])
def test_a_fault_leaves_the_old_file_and_no_other(tmp_path, fault, when):
    target = tmp_path / "a.nii.gz"
    target.write_text("old")

    def broken(part):
        part.write_text("half")
        raise fault

    steps = (broken, None) if when == "write" else (put("whole"), broken)
    with pytest.raises(WriteError, match=r"^a\.nii\.gz was not written: ") as caught:
        write_verified(target, *steps)
    assert "\n" not in str(caught.value)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii.gz"]


def test_an_interruption_leaves_no_part(tmp_path):
    def interrupted(part):
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_verified(tmp_path / "a.txt", interrupted)
    assert not list(tmp_path.iterdir())


def test_a_full_device_is_noticed_although_the_writer_says_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="no space left"):
        write_verified(tmp_path / "a.tfm", put("x"))
    assert not list(tmp_path.iterdir())


def test_a_writer_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(WriteError, match=r"a\.tfm was not written"):
        write_verified(tmp_path / "a.tfm", lambda part: None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none/a.txt", "folder does not exist"),
        ("folder", "a folder has"),
        ("x" * 300, "name too long"),
    ],
)
def test_an_impossible_target_is_said_before_the_work(tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match=words):
        write_verified(tmp_path / name, pytest.fail)


@pytest.mark.parametrize(("blocked", "words"), [(".", "not writable"), ("a.txt", "read-only")])
def test_what_must_not_be_written_is_said(tmp_path, monkeypatch, blocked, words):
    target = tmp_path / "a.txt"
    target.write_text("old")
    blocked_path = (tmp_path / blocked).resolve()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != blocked_path)
    with pytest.raises(WriteError, match=words):
        write_verified(target, put("new"))
    assert target.read_text() == "old"


def test_a_link_is_followed_not_replaced(tmp_path):
    real = tmp_path / "real.txt"
    real.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(real)
    write_verified(link, put("new"))
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_table_or_json_that_cannot_be_written_leaves_the_older(tmp_path):
    table, note = tmp_path / "table.csv", tmp_path / "note.json"
    write_table(table, ["a", "b"], [{"a": 1}, {"a": 2, "b": "x,y"}])
    write_json(note, {"a": [1, 2]})
    before = table.read_text(), note.read_text()
    assert before[0] == 'a,b\n1,\n2,"x,y"\n'
    with pytest.raises(WriteError, match="not written"):
        write_table(table, ["a"], [{"a": 1}, {"c": 2}])
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(note, {"a": float("nan")})
    assert (table.read_text(), note.read_text()) == before
    assert sorted(tmp_path.iterdir()) == [note, table]
