"""What is asked of an engine's process, and the names under which it answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

JOB, MATRIX, FIELD = "job.json", "matrix.npy", "field.mha"
"""Files of the folder: what is asked, and the two kinds of answer."""

MODULES = {
    "greedy": ("picsl_greedy", "Greedy3D"),
    "elastix": ("itk", "elastix_registration_method"),
}
"""What has to be installed for each engine, and to be in there."""

ABSENT = 43
"""Exit code of a process that could not import its engine."""


@dataclass(frozen=True)
class Job:
    """What an engine is asked for.

    Parameters
    ----------
    engine
        "greedy" or "elastix".
    model
        "rigid", "similarity", "affine", or "deformable" on top of what is on the fixed grid.
    seed
        Chooses the sample points, where the engine draws any.
    centred
        Whether to begin with the middle of one image on that of the other.
    """

    engine: str
    model: str
    seed: int
    centred: bool

    def written(self) -> str:
        """Write the job as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read the job of a folder."""
        return cls(**json.loads((folder / JOB).read_text("utf-8")))
