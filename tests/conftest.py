"""Fixtures every room may use."""

import gc
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fusion import phantom
from napari_fusion.volume import Volume

if sys.platform == "linux" and not os.environ.get("DISPLAY") and not shutil.which("Xvfb"):
    # Qt aborts the process when it finds no screen; this has to be said before it is imported.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_finish() -> None:
    """Spare every search for garbage what stays: modules, and the tests themselves."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data: NAPARI_FUSION_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_FUSION_DATA", beside))
    if not folder.is_dir():
        pytest.skip("real volumes not found: set NAPARI_FUSION_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def small_pair() -> tuple[Volume, Volume, NDArray[np.float64]]:
    """CT and T1 of the digital head in 4 mm voxels, and the true fixed → moving map."""
    return phantom.misaligned_pair("CT", "T1", size="small")
