"""Selection by a pulse-coupled neural network in the shearlet domain."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, select, strongest
from napari_fusion.fusion.shearlet import by_direction
from napari_fusion.fusion.wavelet import SPLINE, Levels, blur
from napari_fusion.pyramid import Plane
from napari_fusion.slab import Stack

LINKS: Plane = np.array([[0.5, 1, 0.5], [1, 0, 1], [0.5, 1, 0.5]], np.float32)
"""How strongly a neuron feels its eight neighbours fire."""


@method(
    "pcnn",
    title="Shearlets with adaptive PCNN",
    cite="Yin, Liu, Liu & Chen 2019, doi:10.1109/TIM.2018.2838778",
)
def pcnn(
    sources: Stack,
    *,
    levels: Levels = 4,
    iterations: Annotated[int, {"min": 5, "max": 200}] = 40,
) -> Stack:
    r"""Keep the shearlet coefficients whose neurons fire most often.

    Each band drives a grid of coupled neurons,
    :math:`U \leftarrow e^{-\alpha_f} U + S (1 + \lambda\, W * Y)`, :math:`Y = [U > E]`,
    :math:`E \leftarrow e^{-\alpha_e} E + V_E Y`, whose parameters follow from the band itself;
    :math:`m_j` is 1 where source j fires most. Four directions; far slower than the other rules.

    Parameters
    ----------
    levels
        Number of detail scales.
    iterations
        Steps the network is run.
    """
    return each_slice(_pcnn, sources, levels, iterations)


def _pcnn(planes: Planes, levels: int, iterations: int) -> Planes:
    parts, low = np.zeros_like(planes), planes
    for level in range(levels):
        lower = np.stack([blur(plane, SPLINE, level) for plane in low])
        for bands in by_direction(low - lower, 4):
            parts += bands * strongest(_pulses(bands, iterations))
        low = lower
    parts += select(low, "energy")
    return parts


def _pulses(bands: Planes, iterations: int) -> Planes:
    """Count how often each neuron fires; half its stimulus breaks ties."""
    size = np.abs(bands)
    peak = size.max()
    stimuli = size / peak if peak > 0 else size
    return np.stack([_firing(stimulus, iterations) for stimulus in stimuli])


@dataclass(frozen=True)
class _Drive:
    """Parameters of a network, from its stimulus as Yin et al. set them."""

    keep: np.float32
    link: np.float32
    raise_by: np.float32
    decay: np.float32

    @classmethod
    def of(cls, stimulus: Plane) -> "_Drive":
        """Derive the parameters of a stimulus in [0, 1] that is not flat."""
        spread = max(float(stimulus.std()), 1e-4)
        half = max(_otsu(stimulus), 1e-3)
        keep = spread  # e^-αf with αf = ln(1/σ)
        link = max(float(stimulus.max()) / half - 1, 0) / 6
        raise_by = keep + 1 + 6 * link
        decay = ((1 - keep**3) / (1 - keep) + 6 * link * keep) * half / raise_by
        return cls(*(np.float32(v) for v in (keep, link, raise_by, min(decay, 0.999))))


def _firing(stimulus: Plane, iterations: int) -> Plane:
    import cv2

    if not stimulus.any():
        return stimulus
    drive = _Drive.of(stimulus)
    active, threshold = stimulus.copy(), np.ones_like(stimulus)
    count: Plane = stimulus / np.float32(2)
    fires = np.zeros_like(stimulus)
    for _ in range(iterations):
        linked: Plane = cv2.filter2D(  # type: ignore[assignment]
            fires, -1, LINKS, borderType=cv2.BORDER_CONSTANT
        )
        linked *= drive.link
        linked += 1
        linked *= stimulus
        active *= drive.keep
        active += linked
        np.greater(active, threshold, out=fires)
        threshold *= drive.decay
        threshold += drive.raise_by * fires
        count += fires
    return count


def _otsu(stimulus: Plane) -> float:
    import cv2

    levels = np.rint(stimulus * 255).astype(np.uint8)
    return float(cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0]) / 255
