"""Numbers that judge a fused picture against its sources: pure functions of slices in [0, 1]."""

from napari_fusion.metrics.evaluate import TWO_SIDED, evaluate, two_sided
from napari_fusion.metrics.feature import fmi, fmi_pixel
from napari_fusion.metrics.fidelity import vif
from napari_fusion.metrics.gradient import q_abf
from napari_fusion.metrics.information import entropy, mutual_information, q_mi
from napari_fusion.metrics.petrovic import l_abf, n_abf
from napari_fusion.metrics.registry import Metric, lookup, metric, metrics
from napari_fusion.metrics.statistics import (
    average_gradient,
    correlation,
    psnr,
    scd,
    spatial_frequency,
    standard_deviation,
)
from napari_fusion.metrics.structure import ms_ssim, q_e, q_w, ssim, ssim_foreground
from napari_fusion.metrics.vision import q_cb, q_cv

__all__ = [
    "TWO_SIDED",
    "Metric",
    "average_gradient",
    "correlation",
    "entropy",
    "evaluate",
    "fmi",
    "fmi_pixel",
    "l_abf",
    "lookup",
    "metric",
    "metrics",
    "ms_ssim",
    "mutual_information",
    "n_abf",
    "psnr",
    "q_abf",
    "q_cb",
    "q_cv",
    "q_e",
    "q_mi",
    "q_w",
    "scd",
    "spatial_frequency",
    "ssim",
    "ssim_foreground",
    "standard_deviation",
    "two_sided",
    "vif",
]
