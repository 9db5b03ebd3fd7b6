import errno
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_fusion import (
    Alignment,
    Recipe,
    WriteError,
    export,
    export_outcome,
    load,
    phantom,
    run,
    run_table,
)

FILES = {
    "alignment.tfm",
    "attribution.nii.gz",
    "fused.nii.gz",
    "montage.png",
    "moving_on_fixed.nii.gz",
    "record.json",
}


@pytest.fixture(scope="module")
def outcome():
    ct, mr, _ = phantom.misaligned_pair(size="small")
    return run(Recipe(align=None, method="maximum"), ct, mr)


def test_every_file_reads_back(outcome, tmp_path):
    written = export_outcome(outcome, tmp_path / "deep" / "down")
    assert {path.name for path in written} == FILES
    folder = tmp_path / "deep" / "down"
    assert {path.name for path in folder.iterdir()} == FILES
    fused = load(folder / "fused.nii.gz")
    assert np.array_equal(fused.array, outcome.fused.array)
    assert fused.grid.matches(outcome.fused.grid)
    assert np.array_equal(load(folder / "attribution.nii.gz").array, outcome.shares[1].array)
    moved = load(folder / "moving_on_fixed.nii.gz")
    assert np.array_equal(moved.array, outcome.moving_on_fixed[0].array)
    points = outcome.fixed.grid.corners
    read = Alignment.load(folder / "alignment.tfm")
    np.testing.assert_allclose(
        read.map_points(points), outcome.alignments[0].map_points(points), atol=1e-6
    )
    with Image.open(folder / "montage.png") as picture:
        assert picture.size[0] > 900


def test_the_record_holds_what_a_replay_needs(outcome, tmp_path):
    export_outcome(outcome, tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    assert Recipe.model_validate(record["recipe"]) == outcome.recipe
    assert record["fused"]["array_sha256"] == export.digest(outcome.fused)
    assert "Not a medical device" in record["notice"]
    assert record["inputs"][0]["history"][0]["name"] == "phantom"
    assert {"napari-fusion", "numpy", "SimpleITK"} <= set(record["versions"])
    assert record["alignments"][0]["verdict"] == "CHECK"
    assert record["warnings"] == list(outcome.warnings)
    assert record["metrics"].keys() == outcome.metrics.keys()


def test_more_moving_volumes_are_numbered(tmp_path):
    ct, mr, _ = phantom.misaligned_pair(size="small")
    pet = phantom.head("PET", ct.grid)
    names = {
        path.name
        for path in export_outcome(run(Recipe(align=None, method="average"), ct, mr, pet), tmp_path)
    }
    assert names == FILES | {
        "alignment_2.tfm",
        "attribution_2.nii.gz",
        "moving_2_on_fixed.nii.gz",
    }


def test_the_picture_says_what_its_reader_has_to_know(outcome, tmp_path, monkeypatch):
    from dataclasses import replace

    said = []

    def drawn(*arguments):
        said.append(arguments[-1])
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(export, "montage", drawn)
    warned = replace(outcome, warnings=(*outcome.warnings, "DIFFERENT PATIENTS"))
    export_outcome(warned, tmp_path)
    assert "DIFFERENT PATIENTS" in said[0]
    assert said[0].count("NOT REGISTERED") == 1


def test_the_patient_token_stays_inside(outcome, tmp_path):
    from dataclasses import replace

    marked = replace(outcome, inputs=tuple(replace(v, patient="TOKEN") for v in outcome.inputs))
    export_outcome(marked, tmp_path)
    assert all(b"TOKEN" not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("victim", ["fused.nii.gz", "alignment.tfm", "montage.png", "record.json"])
def test_a_fault_leaves_nothing_half_written(outcome, tmp_path, monkeypatch, victim):
    export_outcome(outcome, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    full = OSError(28, "No space left on device")

    def fail(*_args, **_kwargs):
        raise full

    if victim == "montage.png":
        monkeypatch.setattr(Image.Image, "save", fail)
    elif victim == "record.json":
        monkeypatch.setattr(export, "record", fail)
    elif victim == "alignment.tfm":
        monkeypatch.setattr(Alignment, "save", fail)
    else:
        monkeypatch.setattr(export, "save", fail)
    with pytest.raises(WriteError, match=re.escape("No space left on device")):
        export_outcome(outcome, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("victim", sorted(FILES))
def test_a_file_in_use_keeps_all_the_former_ones(outcome, tmp_path, monkeypatch, victim):
    """As on Windows, where a file that is open can neither be moved nor replaced."""
    export_outcome(outcome, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    replace = Path.replace

    def locked(self, target):
        if tmp_path / victim in (self, Path(target)):
            raise PermissionError(13, "in use by another program")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", locked)
    other = run(Recipe(align=None, method="average"), *outcome.inputs)
    with pytest.raises(WriteError, match="nothing kept"):
        export_outcome(other, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("number", [1, 4, 7, 9])
@pytest.mark.parametrize("fault", [OSError(13, "in use"), KeyboardInterrupt()])
def test_an_exchange_that_is_stopped_leaves_the_former_outcome_whole(
    outcome, tmp_path, monkeypatch, fault, number
):
    export_outcome(outcome, tmp_path)
    (tmp_path / "colour.png").write_bytes(b"of the former outcome")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    exchange = export.exchange

    def stopped(*arguments):
        replace, count = Path.replace, iter(range(1, 100))

        def move(self, target):
            if next(count) == number:
                raise fault
            return replace(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", move)
            exchange(*arguments)

    monkeypatch.setattr(export, "exchange", stopped)
    with pytest.raises((WriteError, KeyboardInterrupt)):
        export_outcome(outcome, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file_is_refused(outcome, tmp_path):
    (tmp_path / "results").write_text("mine")
    with pytest.raises(WriteError, match="nothing can be written to .*results"):
        export_outcome(outcome, tmp_path / "results")
    assert (tmp_path / "results").read_text() == "mine"


def test_a_folder_in_the_way_of_one_file_keeps_all_the_former_ones(outcome, tmp_path):
    (tmp_path / "record.json").mkdir()
    with pytest.raises(WriteError, match=r"record\.json was not written: a folder has that name"):
        export_outcome(outcome, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("victim", ["export._write", "export.tempfile.NamedTemporaryFile"])
def test_a_full_disk_leaves_no_folder_that_was_not_there(outcome, tmp_path, monkeypatch, victim):
    monkeypatch.setattr(f"napari_fusion.{victim}", full)
    (tmp_path / "mine").mkdir()
    for folder in (tmp_path / "deep" / "down", tmp_path / "mine"):
        with pytest.raises(WriteError, match="o space left"):
            export_outcome(outcome, folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


def test_a_cohort_on_a_full_disk_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_fusion.batch.work.write_json", full)
    with pytest.raises(OSError, match="o space left"):
        run_table([], tmp_path / "out")
    assert not any(tmp_path.iterdir())


def test_a_check_that_is_stopped_leaves_no_folder(tmp_path, monkeypatch):
    made = export.prepared

    def stopped(folder):
        made(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "prepared", stopped)
    with pytest.raises(KeyboardInterrupt):
        export.check_folder(tmp_path / "a" / "b", [])
    assert not (tmp_path / "a").exists()
