"""Greedy (picsl-greedy; Yushkevich et al., University of Pennsylvania), in its own process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_fusion.grid import RAS_TO_LPS
from napari_fusion.registration.engines.job import Job
from napari_fusion.registration.options import FREEDOMS

LINEAR = "-i fixed moving -a -dof {freedom} -m NMI {start} -n 100x50x10 -o found"
BENDING = "-i fixed moving -m WNCC 2x2x2 -n 100x50x10 -o found"
"""Greedy's words for what is asked; WNCC compares patches, and so bears other contrasts."""


def registered(job: Job, images: Mapping[str, Any]) -> Any:
    """Give the (4, 4) LPS matrix, or the displacements as an image: fixed → moving."""
    from picsl_greedy import Greedy3D

    start = "-ia-image-centers" if job.centred else "-ia-identity"
    words = LINEAR if job.model in FREEDOMS else BENDING
    command = words.format(freedom=FREEDOMS.get(job.model), start=start)
    for option, mask in (("-gm", "fixed_mask"), ("-mm", "moving_mask")):
        command += f" {option} {mask}" if mask in images else ""
    engine = Greedy3D()
    engine.execute(f"{command} -threads 1 -V 0", **images, found=None)
    if job.model not in FREEDOMS:
        return engine["found"]
    found = np.asarray(engine["found"], np.float64)  # RAS
    return RAS_TO_LPS @ found @ RAS_TO_LPS
