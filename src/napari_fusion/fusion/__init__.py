"""Fuse aligned volumes and account for every pixel.

`fuse`, `attribution` and `fuse_with_shares` work on volumes; `methods` and `lookup` give the
methods themselves, functions of stacks. Importing a family's module registers its methods.
"""

from napari_fusion.fusion import pointwise, pyramid
from napari_fusion.fusion.registry import Method, Parameter, lookup, method, methods
from napari_fusion.fusion.volumes import attribution, fuse, fuse_with_shares, shares

__all__ = [
    "Method",
    "Parameter",
    "attribution",
    "fuse",
    "fuse_with_shares",
    "lookup",
    "method",
    "methods",
    "pointwise",
    "pyramid",
    "shares",
]
