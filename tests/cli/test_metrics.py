import json
from dataclasses import replace

import numpy as np
import pytest

from napari_fusion import Grid, Volume, fuse, load, save
from napari_fusion.metrics import evaluate, metrics, two_sided

QUICK = "entropy,q_abf,ssim"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A CT, an MR, a PET and their fusion on one small grid, as files."""
    folder = tmp_path_factory.mktemp("metrics")
    grid = Grid.regular((2, 40, 36), (3.0, 1.0, 1.0))
    rng = np.random.default_rng(4)
    head = np.hypot(*np.meshgrid(np.linspace(-1, 1, 36), np.linspace(-1, 1, 40))) < 0.8
    noise = rng.random((3, *grid.shape)).astype(np.float32)
    volumes = {
        "ct": Volume((noise[0] * 900 + 100) * head, grid, modality="CT", unit="HU"),
        "mr": Volume(noise[1] * 500 * head, grid, modality="MR"),
        "pet": Volume(noise[2] * 8 * head, grid, modality="PT", unit="g/mL"),
    }
    volumes["fused"] = fuse(list(volumes.values()), "average")
    return {name: save(v, folder / f"{name}.nii.gz") for name, v in volumes.items()}


def shown(path):
    volume = load(path)
    return volume.window()(volume.array)


def test_the_table_has_every_metric_with_direction_and_what_raises_it(shell, small):
    code, out, err = shell("metrics", *(small[n] for n in ("fused", "ct", "mr")))
    assert (code, err) == (0, "")
    told, head, *lines = out.strip().splitlines()
    assert told.startswith("sources windowed by -150:1200, ")
    assert head.split() == ["metric", "value", "two-sided", "better", "can", "be", "raised", "by"]
    assert len(lines) == len(metrics())
    for line, metric in zip(lines, metrics(), strict=True):
        assert line.startswith(metric.title)
        assert line.rstrip().endswith(metric.gamed_by or "–")
        assert f" {metric.direction} " in line


def test_the_numbers_are_those_of_the_library(shell, small):
    paths = [small[n] for n in ("fused", "ct", "mr", "pet")]
    code, out, _ = shell("metrics", *paths, "--names", QUICK, "--json")
    assert code == 0
    told = json.loads(out)
    fused, sources = load(small["fused"]).array, [shown(path) for path in paths[1:]]
    expected = evaluate(fused, sources, QUICK.split(","))
    assert {row["name"]: row["value"] for row in told["metrics"]} == pytest.approx(expected)
    assert told["metrics"][1]["two_sided"] == pytest.approx(two_sided(fused, sources)["q_abf"])
    assert told["metrics"][0]["two_sided"] is None
    assert told["windows"][0] == [-150, 1200]
    assert (told["axis"], told["slices"]) == (0, 2)


def test_windows_and_axis_can_be_asked_for(shell, small):
    asked = ["--names", "entropy", "--axis", "1", "--window=100:1000", "--window=0:500"]
    _, out, _ = shell("metrics", small["fused"], small["ct"], small["mr"], *asked, "--json")
    told = json.loads(out)
    assert told["windows"] == [[100, 1000], [0, 500]]
    assert told["slices"] == 40
    code, _, err = shell("metrics", small["fused"], small["ct"], small["mr"], *asked[:-1])
    assert code == 1
    assert "2 volumes and 1 windows" in err


@pytest.mark.parametrize("words", ["100", "1000:100", "low:high", "0:nan"])
def test_a_window_that_is_none_is_refused(shell, small, words):
    code, _, err = shell("metrics", small["fused"], small["ct"], f"--window={words}")
    assert code == 1
    assert f"the window '{words}': " in err


def test_the_modality_can_be_named(shell, small, tmp_path):
    dumb = save(replace(load(small["ct"]), modality="OTHER", unit="1"), tmp_path / "x.nii.gz")
    named = ["--modality", "CT,MR", "--names", "ssim", "--json"]
    _, out, _ = shell("metrics", small["fused"], dumb, small["mr"], *named)
    assert json.loads(out)["windows"][0] == [-150, 1200]


def test_other_grids_are_refused_with_both_described(shell, small, files):
    code, _, err = shell("metrics", small["fused"], small["ct"], files["mr"])
    assert code == 1
    assert "the fused picture has 2 × 40 × 36 voxels" in err
    assert "source 2 48" in err


def test_a_picture_that_is_not_brightness_is_refused(shell, small):
    code, _, err = shell("metrics", small["ct"], small["ct"], small["mr"])
    assert code == 1
    assert "from 0 to 1 is expected" in err


def test_unknown_names_are_refused(shell, small):
    code, _, err = shell("metrics", small["fused"], small["ct"], "--names", "beauty")
    assert code == 1
    assert "no metric 'beauty'" in err


def test_voxels_without_a_value_are_counted(shell, small, tmp_path):
    volume = load(small["mr"])
    array = volume.array.astype(np.float32)
    array[0, 20, 10:14] = np.nan
    gaps = save(replace(volume, array=array), tmp_path / "gaps.nii.gz")
    code, _, err = shell("metrics", small["fused"], gaps, "--names", "ssim")
    assert code == 0
    assert "4 voxels of source 1 are not finite" in err


def test_a_mean_that_cannot_be_says_why(shell, small):
    window = ("--windows", "0:1", "--names", "psnr")
    code, out, err = shell("metrics", small["fused"], small["fused"], *window)
    assert code == 0
    assert "–" in out
    assert "in some slice the picture equals a source" in err
