import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from napari_fusion import ReadError, Recipe, Window, export_outcome, run, save
from napari_fusion.gui.layers import PLACE, VOLUME
from napari_fusion.gui.window import main, results

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
