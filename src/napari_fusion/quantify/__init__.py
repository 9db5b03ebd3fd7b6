"""Numbers that mean something in the body: standardised uptake values."""

from napari_fusion.quantify.suv import SuvKind, to_suv

__all__ = ["SuvKind", "to_suv"]
