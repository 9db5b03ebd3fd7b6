"""Fuse aligned volumes and account for every pixel.

`fuse`, `attribution` and `fuse_with_shares` work on volumes, `fuse_slice` on one slice
of them; `methods` and `lookup` give the methods themselves, functions of stacks. Importing a
family's module registers its methods.
"""

from napari_fusion.fusion import (
    auto,
    dual_tree,
    guided,
    learned,
    pcnn,
    phase,
    pointwise,
    pyramid,
    ratio,
    saliency,
    shearlet,
    wavelet,
)
from napari_fusion.fusion.change import change
from napari_fusion.fusion.colour import colour, tint
from napari_fusion.fusion.registry import Method, Parameter, lookup, method, methods
from napari_fusion.fusion.volumes import (
    attribution,
    fuse,
    fuse_slice,
    fuse_slice_with_shares,
    fuse_with_shares,
    shares,
)
from napari_fusion.palette import palette

__all__ = [
    "Method",
    "Parameter",
    "attribution",
    "auto",
    "change",
    "colour",
    "dual_tree",
    "fuse",
    "fuse_slice",
    "fuse_slice_with_shares",
    "fuse_with_shares",
    "guided",
    "learned",
    "lookup",
    "method",
    "methods",
    "palette",
    "pcnn",
    "phase",
    "pointwise",
    "pyramid",
    "ratio",
    "saliency",
    "shares",
    "shearlet",
    "tint",
    "wavelet",
]
