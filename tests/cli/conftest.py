from pathlib import Path

import numpy as np
import pytest

from napari_fusion import Alignment, phantom, save
from napari_fusion.cli import main


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> dict[str, Path]:
    """CT and MR of one head in one place, the MR misaligned, and the truth, as files."""
    folder = tmp_path_factory.mktemp("volumes")
    ct, moved, truth = phantom.misaligned_pair(size="small")
    there = phantom.head("T1", moved.grid)
    paths = {
        name: save(volume, folder / f"{name}.nii.gz")
        for name, volume in (("ct", ct), ("mr", there), ("moved", moved))
    }
    Alignment(ct.grid, moved.grid, truth).save(folder / "truth.tfm")
    return paths | {"truth": folder / "truth.tfm"}


@pytest.fixture
def shell(capsys):
    """Run the command as a shell would: exit code, stdout and stderr."""

    def command(*args) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in args])
        said = capsys.readouterr()
        code = stop.value.code
        return (0 if code is None else code), said.out, " ".join(said.err.split())

    return command


@pytest.fixture
def spoiled(files, tmp_path):
    """Write a copy of the CT whose voxels were changed."""
    from dataclasses import replace

    from napari_fusion import load

    def write(change) -> Path:
        volume = load(files["ct"])
        array = np.array(volume.array)
        change(array)
        return save(replace(volume, array=array), tmp_path / "spoiled.nii.gz")

    return write
