"""What a linear map does to the anatomy's size and sides, and how much of that is believed."""

from __future__ import annotations

import numpy as np

from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.quality import Quality

PASS_SCALES, FAIL_SCALES = (0.97, 1.03), (0.8, 1.25)
"""How far one patient's anatomy may be stretched from scan to scan, and anybody's."""

Said = list[tuple[bool, str]]


def measured(matrix: Matrix) -> tuple[tuple[float, float], float]:
    """Give the smallest and largest stretch of a map, and the volume of what 1 mm³ becomes."""
    scales = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    return (float(scales.min()), float(scales.max())), float(np.linalg.det(matrix[:3, :3]))


def failures(scales: tuple[float, float], jacobian: float) -> Said:
    """Say what makes a map useless, and whether it is so."""
    return [
        (not jacobian > 0, "The result swaps left and right: do not use it."),
        (
            not _within(scales, FAIL_SCALES),
            f"The result stretches the anatomy by {_span(scales)}: do not use it.",
        ),
    ]


def doubts(scales: tuple[float, float]) -> Said:
    """Say what makes a map doubtful, and whether it is so."""
    words = (
        f"The result stretches the anatomy by {_span(scales)}, as another patient's would need: "
        "check that both volumes show the same one."
    )
    return [(not _within(scales, PASS_SCALES), words)]


def stretched(quality: Quality, matrix: Matrix) -> Quality:
    """Hold the (4, 4) matrix of a bent map to the limits of a linear one.

    A mirrored or stretched map may match its volumes all the same; the gate, which compares the
    drawn volume, then measures the identity.
    """
    scales, jacobian = measured(matrix)
    told = {"scale_min": scales[0], "scale_max": scales[1], "jacobian": jacobian}
    quality = quality.model_copy(update={"numbers": {**quality.numbers, **told}})
    for wrong, words in failures(scales, jacobian):
        if wrong:
            return quality.model_copy(update={"verdict": "FAIL", "sentence": words})
    for doubtful, words in doubts(scales):
        if doubtful and quality.verdict == "PASS":
            return quality.model_copy(update={"verdict": "CHECK", "sentence": words})
    return quality


def _within(scales: tuple[float, float], limits: tuple[float, float]) -> bool:
    return limits[0] <= scales[0] <= scales[1] <= limits[1]


def _span(scales: tuple[float, float]) -> str:
    return f"{scales[0]:.2f} to {scales[1]:.2f}"
