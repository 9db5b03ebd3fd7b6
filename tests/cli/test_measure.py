"""``napari-fusion measure``: regions on the measured volume's own grid, or a sentence."""

import csv
import json

import numpy as np
import pytest

from napari_fusion import Alignment, Grid, Volume, load, measure, resample, save


@pytest.fixture
def regions(files, tmp_path):
    """Write two boxes on the CT's grid."""
    grid = load(files["ct"]).grid
    array = np.zeros(grid.shape, np.uint8)
    array[5:9, 20:30, 20:30] = 1
    array[10:14, 15:25, 30:40] = 2
    return save(Volume(array, grid, "LABEL", "label"), tmp_path / "regions.nii.gz")


def test_each_region_is_a_row(shell, files, regions, tmp_path):
    table = tmp_path / "table.csv"
    code, out, err = shell("measure", files["ct"], regions, "--out", table)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    wanted = measure(load(files["ct"]), load(regions))
    assert [float(row["mean"]) for row in rows] == [one.mean for one in wanted]
    assert [row["unit"] for row in rows] == ["HU", "HU"]
    assert f"region 2: {wanted[1].ml:.2f} mL" in out


def test_regions_of_another_place_are_said_to_lie_elsewhere(shell, files, tmp_path):
    away = Grid.regular((4, 4, 4), centre=(900.0, 0.0, 0.0))
    drawn = save(Volume(np.ones(away.shape, np.uint8), away), tmp_path / "away.nii.gz")
    code, out, err = shell("measure", files["ct"], drawn, "--out", tmp_path / "table.csv")
    assert (code, out) == (1, "")
    assert "napari-fusion: no region lies in the volume" in err
    assert not (tmp_path / "table.csv").exists()


def test_regions_go_through_a_transform_to_the_measured_grid(shell, files, regions):
    command = ("measure", files["moved"], regions, "--transform", files["truth"], "--json")
    code, out, err = shell(*command)
    assert code == 0, err
    assert "NOT REGISTERED" not in err
    ct, moved = load(files["ct"]), load(files["moved"])
    truth = Alignment.load(files["truth"], ct.grid, moved.grid)
    drawn = resample(load(regions), moved.grid, truth.inverse(), interpolation="nearest", fill=0)
    told = json.loads(out)["regions"]
    assert [one["mean"] for one in told] == [one.mean for one in measure(moved, drawn)]


def test_coordinates_taken_as_they_are_are_told(shell, files, regions):
    code, _, err = shell("measure", files["moved"], regions)
    assert code == 0
    assert "NOT REGISTERED" in err


def test_a_region_that_the_volume_cuts_off_is_named(shell, files, regions, tmp_path):
    ct = load(files["ct"])
    grid = Grid((6, *ct.grid.shape[1:]), ct.grid.affine)
    short = save(Volume(ct.array[:6], grid, "CT", "HU"), tmp_path / "short.nii.gz")
    code, _, err = shell("measure", short, regions)
    assert code == 0
    assert "region 1 has" in err
    assert "0.00 mL in the volume" in err  # region 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--out", "table.txt"), "must end in .csv"),
        (("--suv", "bw"), "SUV is of PET"),
    ],
)
def test_what_cannot_be_is_one_sentence(shell, files, regions, more, said):
    code, _, err = shell("measure", files["ct"], regions, *more)
    assert code == 1
    assert said in err


@pytest.mark.parametrize("command", ["measure", "suv"])
@pytest.mark.parametrize(
    ("out", "said"),
    [("a.txt", "must end in"), ("gone/a.{}", "folder does not exist"), ("input.{}", "the inputs")],
)
def test_a_result_that_cannot_be_written_is_told_before_anything_is_read(
    shell, tmp_path, monkeypatch, command, out, said
):
    def never(*_how):
        raise AssertionError("something was read")

    monkeypatch.setattr(f"napari_fusion.cli.{command}.load_all", never)
    ending = {"measure": "csv", "suv": "nii.gz"}[command]
    inputs = [tmp_path / f"input.{ending}", tmp_path / "regions.nii.gz"]
    given = inputs if command == "measure" else inputs[:1]
    code, _, err = shell(command, *given, "--out", tmp_path / out.format(ending))
    assert code == 1
    assert said in err


def test_an_unknown_kind_of_suv_is_told_before_anything_is_read(shell, tmp_path, monkeypatch):
    def never(*_how):
        raise AssertionError("something was read")

    monkeypatch.setattr("napari_fusion.cli.suv.load_all", never)
    code, _, err = shell("suv", tmp_path / "pet", "--kind", "fat", "--out", tmp_path / "a.nii.gz")
    assert code
    assert "'fat'" in err
    assert "'lbm'" in err


def test_a_picture_is_no_regions(shell, files):
    code, _, err = shell("measure", files["ct"], files["mr"])
    assert code == 1
    assert "whole numbers" in err
