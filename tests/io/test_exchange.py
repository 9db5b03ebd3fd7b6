"""Catalogue 81: files take the places of older ones all together, or not at all."""

from pathlib import Path

import pytest

from napari_fusion.errors import WriteError
from napari_fusion.io.exchange import exchange

NAMES, GONE = ["a.nii.gz", "b.tfm", "record.json"], ["old.png", "old.tfm"]
MOVES = 2 + len(GONE) + len(NAMES)


@pytest.fixture
def folders(tmp_path):
    new, folder = tmp_path / "out" / ".partial", tmp_path / "out"
    new.mkdir(parents=True)
    for name in NAMES:
        (new / name).write_text(f"new {name}")
    for name in (NAMES[0], NAMES[2], *GONE, "mine.txt"):
        (folder / name).write_text(f"old {name}")
    return new, folder


def held(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def failing(monkeypatch, fault, at, *, late=False, after=0):
    """Let the move number `at` fail, before or after it happened, and all from `after` moves on."""
    replace, count = Path.replace, iter(range(1, 1000))

    def move(self, target):
        number = next(count)
        moved = replace(self, target) if number != at or late else None
        if number == at or (after and number >= at + after):
            raise fault
        return moved

    monkeypatch.setattr(Path, "replace", move)


def test_new_files_come_and_older_ones_go(folders):
    exchange(*folders, NAMES, GONE)
    wanted = {name: f"new {name}" for name in NAMES} | {"mine.txt": "old mine.txt"}
    assert held(folders[1]) == wanted
    assert [path.name for path in folders[1].iterdir() if path.is_dir()] == [".partial"]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("fault", [OSError(13, "in use"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", range(1, MOVES + 1))
def test_081_any_fault_puts_everything_back(folders, monkeypatch, fault, at, late):
    before = held(folders[1])
    failing(monkeypatch, fault, at, late=late)
    with pytest.raises(type(fault)):
        exchange(*folders, NAMES, GONE)
    assert held(folders[1]) == before
    assert held(folders[0]).keys() == {*NAMES}
    assert [path.name for path in folders[1].iterdir() if path.is_dir()] == [".partial"]


@pytest.mark.parametrize("at", range(2, MOVES + 1))
def test_081_what_cannot_be_put_back_is_kept_and_told(folders, monkeypatch, at):
    before = held(folders[1])
    failing(monkeypatch, OSError(13, "in use"), at, after=1)
    with pytest.raises(WriteError, match=r"older ones are in its hidden folder \.former-"):
        exchange(*folders, NAMES, GONE)
    (former,) = folders[1].glob(".former-*")
    kept = held(folders[1]) | held(former)
    assert {name: kept[name] for name in before} == before
