"""Numbers that judge a fused picture against its sources: pure functions of slices in [0, 1]."""

from napari_fusion.metrics.evaluate import evaluate
from napari_fusion.metrics.gradient import q_abf
from napari_fusion.metrics.information import mutual_information
from napari_fusion.metrics.registry import Metric, lookup, metric, metrics
from napari_fusion.metrics.structure import ssim, ssim_foreground

__all__ = [
    "Metric",
    "evaluate",
    "lookup",
    "metric",
    "metrics",
    "mutual_information",
    "q_abf",
    "ssim",
    "ssim_foreground",
]
