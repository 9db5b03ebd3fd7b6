"""Fixtures every room may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data: NAPARI_FUSION_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_FUSION_DATA", beside))
    if not folder.is_dir():
        pytest.skip("real volumes not found: set NAPARI_FUSION_DATA to their folder")
    return folder
