import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_demo_recovers_the_known_truth(shell, tmp_path):
    code, out, _ = shell("demo", "--out", tmp_path, "--json", "--no-window")
    assert code == 0
    result = json.loads(out)
    assert result["tre_mm"] < 1.0
    assert result["start_mm"] > 5.0
    assert result["verdicts"] == ["PASS"]
    assert {"render", "align", "resample", "fuse", "write"} <= set(result["seconds"])
    names = {path.name for path in tmp_path.iterdir()}
    assert {"fixed.nii.gz", "moving.nii.gz", "fused.nii.gz", "truth.tfm", "record.json"} <= names


def test_the_walk_says_when_there_is_no_display(shell, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_fusion.cli.window.has_display", lambda: False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    code, out, err = shell("demo", "--window", "--out", tmp_path)
    assert code == 1
    assert out == ""
    assert err == ("napari-fusion: there is no display to open a window on; on Linux, install Xvfb")


@pytest.mark.slow
@pytest.mark.display
@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="no virtual screen: install xvfb")
def test_the_walk_ends_with_the_session_saved(tmp_path):
    import numpy as np
    from napari.components import ViewerModel
    from PIL import Image

    from napari_fusion.gui import open_session

    command = [sys.executable, "-m", "napari_fusion", "demo", "--window", "--json", "--out"]
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    there = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [*command, str(tmp_path)], env=there, capture_output=True, text=True, check=True
    )
    assert "nobody sees it" in done.stderr
    written = [Path(path) for path in json.loads(done.stdout)["outputs"]]
    pictures = [path for path in written if path.suffix == ".png"]
    assert len(pictures) == 5
    assert all(np.asarray(Image.open(path).convert("L")).std() > 20 for path in pictures)
    model = ViewerModel()
    settings = open_session(model, tmp_path / "walk.fusion")
    assert settings["method"] == "auto"
    assert [layer.name for layer in model.layers][-2].startswith("auto: head CT + head T1 on")
