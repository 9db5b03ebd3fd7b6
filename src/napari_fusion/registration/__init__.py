"""Bring two volumes onto each other, say how well it went, and move voxels from grid to grid."""

from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.intensity import align, assess
from napari_fusion.registration.landmarks import Landmarks, align_landmarks, check_landmarks
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.resampling import Interpolation, resample
from napari_fusion.registration.several import align_all, loop_consistency

__all__ = [
    "AlignOptions",
    "Alignment",
    "DisplacementField",
    "Interpolation",
    "Landmarks",
    "Quality",
    "align",
    "align_all",
    "align_landmarks",
    "assess",
    "check_landmarks",
    "loop_consistency",
    "resample",
]
