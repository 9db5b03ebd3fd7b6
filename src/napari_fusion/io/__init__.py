"""Files in and out: every file read right, repaired with a record, or refused in one sentence."""

from napari_fusion.io.load import load
from napari_fusion.io.rectify import rectified
from napari_fusion.io.save import save
from napari_fusion.io.scan import scan
from napari_fusion.io.series import Series

__all__ = ["Series", "load", "rectified", "save", "scan"]
