"""Pictures for the eye: arrays in, arrays out, no Qt."""

from napari_fusion.review.montage import montage

__all__ = ["montage"]
