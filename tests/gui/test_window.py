import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_fusion import (
    Grid,
    ReadError,
    Recipe,
    Volume,
    Window,
    export_outcome,
    load,
    run,
    save,
)
from napari_fusion.gui import to_layer
from napari_fusion.gui.layers import PLACE, VOLUME
from napari_fusion.gui.window import KNOWN, _telling_height, main, results

SCREEN = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]


@pytest.fixture(scope="module")
def done(pair, tmp_path_factory):
    """A folder of results, and the fixed volume's file."""
    folder = tmp_path_factory.mktemp("results")
    fixed, moving, _ = pair
    outcome = run(Recipe(align=None, windows=(Window(lower=0, upper=90), None)), fixed, moving)
    export_outcome(outcome, folder)
    return folder, save(fixed, folder / "fixed.nii.gz")


def test_results_are_told_by_name_and_state(done):
    layers = results(done[0], [done[1]])
    names = [keywords["name"] for _, keywords, _ in layers]
    assert names == ["CT", "MR on CT (CHECK)", "fused (CHECK)", "share of MR (CHECK)"]
    assert [k["metadata"][VOLUME].modality for _, k, _ in layers][2] == "FUSED"
    standing = layers[2][1]["metadata"][PLACE].aligned.standing
    assert "NOT REGISTERED" in standing.sentence


def test_windows_are_those_the_run_used(done):
    layers = results(done[0], [done[1]])
    assert layers[0][1]["contrast_limits"] == (0, 90)


@pytest.fixture(scope="module")
def three(pair, tmp_path_factory):
    """A folder of the results of CT, PET and MR; their names sort in another order."""
    folder = tmp_path_factory.mktemp("three")
    fixed, moving, _ = pair
    pet = replace(fixed, modality="PT", unit="g/mL", array=np.roll(fixed.array, 4, axis=0))
    windows = tuple(Window(lower=0, upper=top) for top in (90, 5, 700))
    outcome = run(Recipe(align=None, windows=windows, method="average"), fixed, pet, moving)
    export_outcome(outcome, folder)
    return folder, save(fixed, folder / "fixed.nii.gz"), outcome


def test_three_sources_keep_their_windows_shares_and_order(three):
    folder, fixed, outcome = three
    layers = results(folder, [fixed])
    told = [(k["name"].split()[0], k["contrast_limits"][1]) for _, k, _ in layers]
    assert told[:3] == [("CT", 90), ("PET", 5), ("MR", 700)]
    assert [k["name"].split(" (")[0] for _, k, _ in layers[4:]] == ["share of PET", "share of MR"]
    for (_, keywords, _), share in zip(layers[4:], outcome.shares[1:], strict=True):
        np.testing.assert_allclose(keywords["metadata"][VOLUME].array, share.array, atol=1e-6)


def test_files_of_an_earlier_run_are_left_out(three, tmp_path):
    folder = shutil.copytree(three[0], tmp_path / "copy")
    for stem in ("moving{}_on_fixed", "attribution{}"):
        shutil.copy(folder / f"{stem.format('')}.nii.gz", folder / f"{stem.format('_3')}.nii.gz")
    assert len(results(folder, [])) == 5


def test_a_folder_that_mixes_runs_is_refused(three, tmp_path):
    folder = shutil.copytree(three[0], tmp_path / "copy")
    shutil.copy(folder / "moving_on_fixed.nii.gz", folder / "moving_2_on_fixed.nii.gz")
    with pytest.raises(ReadError, match="holds PT, the record says MR"):
        results(folder, [])


def test_another_fixed_volume_is_refused(done, three, tmp_path):
    whole = load(done[1])
    half = Volume(whole.array[::2], Grid.regular(whole.array[::2].shape), "CT", "HU")
    with pytest.raises(ReadError, match="give the fixed volume of this run"):
        results(done[0], [save(half, tmp_path / "half.nii.gz")])


def _without_digest(folder, tmp_path):
    folder = shutil.copytree(folder, tmp_path / "copy")
    record = json.loads((folder / "record.json").read_text())
    del record["fixed"]
    (folder / "record.json").write_text(json.dumps(record))
    return folder


def test_the_fixed_voxels_are_compared_with_the_records_digest(done, tmp_path):
    whole = load(done[1])
    assert results(done[0], [done[1]])[2][1]["metadata"][KNOWN] is True
    other = save(replace(whole, array=whole.array + 1), tmp_path / "other.nii.gz")
    with pytest.raises(ReadError, match="its voxels differ"):
        results(done[0], [other])


def test_without_a_digest_the_fixed_voxels_are_not_called_verified(done, tmp_path):
    folder = _without_digest(done[0], tmp_path)
    assert results(folder, [done[1]])[2][1]["metadata"][KNOWN] is False


def _shown(present, modality="CT"):
    array = np.zeros((10, 8, 8), np.float32)
    array[list(present)] = 1
    layer = to_layer(Volume(array, Grid.regular((10, 8, 8), (2, 1, 1)), modality))
    layer[1]["contrast_limits"] = (0, 1)
    return layer


def test_the_height_shows_every_source(pair):
    layers = [_shown(range(10)), _shown(range(2, 5)), _shown(range(4, 9))]
    height = _telling_height(layers) - layers[0][1]["translate"][0]
    assert height == 4 * 2


def test_an_empty_source_does_not_choose_the_height():
    layers = [_shown(range(10)), _shown(range(3, 6)), _shown([])]
    height = _telling_height(layers) - layers[0][1]["translate"][0]
    assert height == 4 * 2


def test_without_the_fixed_volume_the_rest_is_shown(done):
    layers = results(done[0], [])
    assert len(layers) == 3


def test_a_folder_without_results_is_one_sentence(tmp_path, capsys):
    with pytest.raises(ReadError, match="not a folder of results"):
        results(tmp_path, [])
    assert main([str(tmp_path), "--out", str(tmp_path / "w.png")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_record_is_one_sentence(done, tmp_path):
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(ReadError, match="not JSON"):
        results(tmp_path, [])


def test_a_record_of_a_stranger_is_not_trusted(done, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "copy")
    record = json.loads((folder / "record.json").read_text())
    record["alignments"][0]["verdict"] = "SPLENDID"
    (folder / "record.json").write_text(json.dumps(record))
    assert "CHECK" in results(folder, [])[0][1]["name"]


@pytest.mark.display
@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="no virtual screen: install xvfb")
def test_the_picture_of_the_real_window_shows_the_layers(done, tmp_path):
    from PIL import Image

    out = tmp_path / "window.png"
    command = [*SCREEN, sys.executable, "-m", "napari_fusion.gui.window", str(done[0])]
    command += ["--out", str(out), "--fixed", str(done[1])]
    environment = {k: v for k, v in os.environ.items() if k not in {"QT_QPA_PLATFORM", "DISPLAY"}}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=180)
    picture = np.asarray(Image.open(out).convert("RGB")).astype(int)
    assert picture.shape == (1000, 1600, 3)
    orange = (picture[..., 0] > picture[..., 2] + 80).mean()
    blue = (picture[..., 2] > picture[..., 0] + 60).mean()
    white = (picture.min(axis=2) > 200).mean()
    assert orange > 0.005
    assert blue > 0.005
    assert white > 0.01
