import re
import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

TOP = Path(__file__).parents[2] / "napari.yaml"


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_distribution("napari-fusion")


def test_the_installed_manifest_is_the_one_at_the_top(manifest):
    top = PluginManifest.from_file(TOP)
    assert manifest.contributions.model_dump() == top.contributions.model_dump()


def test_every_command_can_be_found(manifest):
    manifest.validate_imports()


def test_the_workspace_is_in_both_menus(manifest):
    contributions = manifest.contributions
    commands = [widget.command for widget in contributions.widgets]
    assert commands == ["napari-fusion.workspace", "napari-fusion.models"]
    (item,) = contributions.menus["napari/layers/register"]
    assert item.command == "napari-fusion.workspace"


def test_the_reader_knows_what_the_manifest_promises(manifest):
    from napari_fusion.gui.reader import SUFFIXES

    (reader,) = manifest.contributions.readers
    assert {*(f"*{suffix}" for suffix in SUFFIXES), "DICOMDIR"} == set(reader.filename_patterns)
    assert reader.accepts_directories


def test_whatever_is_loaded_is_opened_in_napari():
    from napari_fusion.gui.reader import SUFFIXES, get_reader
    from napari_fusion.io.scan import SUFFIXES as LOADED

    assert set(LOADED) <= set(SUFFIXES)
    assert all(get_reader(f"head{suffix}") for suffix in LOADED)


def test_the_readers_module_starts_with_nothing_heavy():
    code = "import sys, napari_fusion.gui.reader; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in re.findall(r"'([^']+)'", done.stdout)}
    assert not loaded & {"torch", "SimpleITK", "nibabel", "dask", "napari", "qtpy", "scipy"}
