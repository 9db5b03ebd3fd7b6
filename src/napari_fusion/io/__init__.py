"""Files in and out: every file read right, repaired with a record, or refused in one sentence."""

from napari_fusion.io.load import load
from napari_fusion.io.save import save

__all__ = ["load", "save"]
