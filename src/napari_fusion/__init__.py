"""Load volumes, bring them onto one grid, fuse them slice by slice, and account for every pixel.

Not a medical device: for research and teaching, not for diagnosis or treatment.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AlignError": "errors",
    "AlignOptions": "registration",
    "Alignment": "registration",
    "Cancelled": "errors",
    "CheckpointError": "errors",
    "FusionError": "errors",
    "GeometryError": "errors",
    "Grid": "grid",
    "Landmarks": "registration",
    "MissingExtra": "errors",
    "Outcome": "recipe",
    "ParameterError": "errors",
    "PetInfo": "volume",
    "Progress": "errors",
    "Quality": "registration",
    "QuantityError": "errors",
    "ReadError": "errors",
    "Recipe": "recipe",
    "RoiStats": "quantify",
    "Step": "volume",
    "Volume": "volume",
    "Window": "slab",
    "WriteError": "errors",
    "align": "registration",
    "align_all": "registration",
    "align_landmarks": "registration",
    "assess": "registration",
    "attribution": "fusion",
    "change": "fusion",
    "check_landmarks": "registration",
    "colour": "fusion",
    "export_outcome": "export",
    "fuse": "fusion",
    "fuse_slice": "fusion",
    "load": "io",
    "loop_consistency": "registration",
    "measure": "quantify",
    "resample": "registration",
    "run": "recipe",
    "run_table": "batch",
    "save": "io",
    "scan": "io",
    "to_suv": "quantify",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use, so that importing the package is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'napari_fusion' has no attribute {name!r}")
    return getattr(import_module(f"napari_fusion.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
