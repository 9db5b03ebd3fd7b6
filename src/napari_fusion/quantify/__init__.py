"""Numbers that mean something in the body: standardised uptake values, regions of interest."""

from napari_fusion.quantify.roi import RoiStats, measure
from napari_fusion.quantify.suv import SuvKind, to_suv

__all__ = ["RoiStats", "SuvKind", "measure", "to_suv"]
