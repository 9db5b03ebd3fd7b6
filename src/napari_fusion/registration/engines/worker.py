"""What runs in an engine's process: read two images, register them, write the map.

python -m napari_fusion.registration.engines.worker FOLDER
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from napari_fusion.registration.engines.job import ABSENT, FIELD, MATRIX, MODULES, Job


def main(folder: Path) -> int:
    """Do the job of a folder and give the exit code."""
    job = Job.read(folder)
    module, name = MODULES[job.engine]
    try:
        if not hasattr(import_module(module), name):
            return ABSENT
    except ImportError:
        return ABSENT
    engine = import_module(f"napari_fusion.registration.engines.{job.engine}")
    images = {path.stem: _read(path) for path in sorted(folder.glob("*.mha"))}
    found = engine.registered(job, images)
    if job.model == "deformable":
        import SimpleITK as sitk

        sitk.WriteImage(found, str(folder / FIELD))
    else:
        np.save(folder / MATRIX, found, allow_pickle=False)
    return 0


def _read(path: Path) -> Any:
    import SimpleITK as sitk

    return sitk.ReadImage(str(path))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
